"""One Lease object behind the interface that leader election needs.

In: a client, a namespace, a name. Out: the Lease or None where there is none or somebody was faster. Must not decide
who leads.
"""

from inferfleet.apply.client import Client
from inferfleet.apply.errors import Conflict, NotFound
from inferfleet.domain.resources import LEASE, Document


class LeaseInCluster:
    """Reads and writes one Lease; see `inferfleet.runtime.leader.LeaseStore`."""

    def __init__(self, client: Client, *, namespace: str, name: str) -> None:
        """Ask nothing yet."""
        self._client = client
        self._namespace = namespace
        self._name = name

    async def read(self) -> Document | None:
        """Return the Lease, None when there is none."""
        try:
            return await self._client.get(LEASE, self._namespace, self._name)
        except NotFound:
            return None

    async def create(self, lease: Document) -> Document | None:
        """Create it; None when somebody else was faster."""
        document = {
            "apiVersion": LEASE.api_version,
            "kind": LEASE.kind,
            "metadata": {"namespace": self._namespace, "name": self._name},
            "spec": lease["spec"],
        }
        try:
            return await self._client.create(LEASE, document, manager="inferfleet.dev/leader")
        except Conflict:
            return None

    async def replace(self, lease: Document) -> Document | None:
        """Replace it if it was not changed meanwhile; None when it was."""
        try:
            return await self._client.replace(LEASE, lease)
        except (Conflict, NotFound):
            return None
