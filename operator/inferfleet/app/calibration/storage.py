"""The ConfigMap that keeps the calibrations over restarts of the operator.

In: a client and the operator's own namespace. Out: text read and text written. Must not know what the text means.
"""

from inferfleet.apply.applier import FIELD_MANAGER
from inferfleet.apply.client import Client
from inferfleet.apply.errors import NotFound
from inferfleet.domain.resources import CONFIG_MAP

NAME = "inferfleet-calibration"
_KEY = "calibrations.json"
_FORMER_KEY = "lessons.json"  # of version 0.1.0


class CalibrationStorage:
    """One ConfigMap; the operator's Role names it."""

    def __init__(self, client: Client, *, namespace: str) -> None:
        """Ask nothing yet."""
        self._client = client
        self._namespace = namespace

    async def read(self) -> str | None:
        """Return the stored text, None when nothing was stored. Raises ApiError."""
        try:
            found = await self._client.get(CONFIG_MAP, self._namespace, NAME)
        except NotFound:
            return None
        data = found.get("data") or {}
        text = data.get(_KEY, data.get(_FORMER_KEY))
        return text if isinstance(text, str) else None

    async def write(self, text: str) -> None:
        """Store the text. Raises ApiError."""
        document = {
            "apiVersion": CONFIG_MAP.api_version,
            "kind": CONFIG_MAP.kind,
            "metadata": {"name": NAME, "namespace": self._namespace},
            "data": {_KEY: text},
        }
        await self._client.apply(CONFIG_MAP, document, manager=FIELD_MANAGER)
