"""Who owns children: the object of ours that they are made for and deleted with, and that events are about."""

from dataclasses import dataclass
from typing import Self

from inferfleet.api.v1alpha1 import API_VERSION
from inferfleet.domain.keys import Key, Kind


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """One object of a reconciled kind, told from its namesakes before and after by the UID."""

    kind: Kind
    namespace: str
    name: str
    uid: str

    @classmethod
    def of(cls, key: Key, uid: str) -> Self:
        """Return the object of this key and UID."""
        return cls(kind=key.kind, namespace=key.namespace, name=key.name, uid=uid)

    @property
    def api_version(self) -> str:
        """The API version of the kind; all of ours have the same."""
        return API_VERSION
