"""What a new leader reads before its first decision: everything that the former one may have promised.

In: a client and the tables that Kopf feeds. Out: tables no older than the beginning of the leadership term. Caches
follow by watches, and a watch may have been down for a while (an API server that restarts takes the Lease and the
watches at once): deciding on them could give away money that is promised already. Must not decide or write.
"""

import asyncio
import logging
from collections.abc import Mapping, Sequence

from inferfleet.apply.errors import ApiError
from inferfleet.domain.resources import BUDGET_POLICY, INFERENCE_DEPLOYMENT, Resource
from inferfleet.observe.listing import list_into
from inferfleet.observe.reflector import Source
from inferfleet.observe.table import AnyTable

_log = logging.getLogger(__name__)

# Where promises are stored, and what bounds them.
LEDGER = (BUDGET_POLICY, INFERENCE_DEPLOYMENT)
_RETRY_SECONDS = 1.0


class LeadershipTerm:
    """See the module."""

    def __init__(
        self,
        source: Source,
        tables: Mapping[Resource, AnyTable],
        *,
        namespaces: Sequence[str] = (),
        retry_seconds: float = _RETRY_SECONDS,
    ) -> None:
        """`namespaces` are those that are watched; none means all."""
        self._source = source
        self._tables = tables
        self._namespaces = namespaces
        self._retry_seconds = retry_seconds
        self._due = False

    def begin(self) -> None:
        """Hear that this process leads from now on: somebody else may have promised something since."""
        self._due = True

    async def prepare(self) -> None:
        """Read past the watches, once per leadership term; an API server that is away is waited for."""
        while self._due:
            self._due = False  # a leadership term that begins meanwhile asks for it again
            try:
                for resource in LEDGER:
                    await list_into(self._source, resource, self._tables[resource], namespaces=self._namespaces)
            except ApiError as error:
                self._due = True
                _log.warning("what was promised before cannot be read yet: %s", error)
                await asyncio.sleep(self._retry_seconds)
