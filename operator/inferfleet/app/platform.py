"""Keeps the statuses of pools, policies, GPU types and model profiles current, and the gauges of the fleet.

In: snapshots, every few seconds. Out: statuses, written when a condition changes, and for mere counts at most every
quarter of a minute. Everything here is for people: nothing is decided by it. Must not hold up deployments.
"""

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

import orjson

from inferfleet.api.model import StatusModel
from inferfleet.api.objects import dump
from inferfleet.api.reasons import ConditionReason
from inferfleet.api.v1alpha1 import BudgetPolicyStatus, GPUPool, GPUPoolStatus
from inferfleet.api.v1alpha1.gpu_type import GPUTypeStatus
from inferfleet.api.v1alpha1.model_profile import ModelProfileStatus
from inferfleet.apply.client import Client
from inferfleet.apply.errors import ApiError
from inferfleet.apply.status import apply_status
from inferfleet.budget import Ledger, Statement
from inferfleet.domain.keys import Key, Kind
from inferfleet.domain.model import UnknownModel
from inferfleet.domain.money import RunRate
from inferfleet.domain.resources import BUDGET_POLICY, GPU_POOL, GPU_TYPE, MODEL_PROFILE, Resource
from inferfleet.domain.world import Pool, World
from inferfleet.observe.catalog import model_of
from inferfleet.observe.objects import Platform, Unreadable
from inferfleet.observe.pools import detected, members, objection
from inferfleet.observe.snapshot import Snapshots
from inferfleet.observe.store import Store
from inferfleet.observe.table import AnyTable
from inferfleet.report.metrics import Metrics
from inferfleet.report.platform_status import budget_status, pool_status, promised_gpus, understood

_log = logging.getLogger(__name__)

_ROUND_SECONDS = 2.0
_COUNTS_SECONDS = 15.0


class PlatformReporter:
    """See the module."""

    def __init__(
        self,
        *,
        client: Client,
        store: Store,
        snapshots: Snapshots,
        metrics: Metrics,
        may_write: Callable[[], bool],
        now: Callable[[], datetime],
        price_max_age: timedelta | None = None,
    ) -> None:
        """`may_write()` says whether this process leads."""
        self._client = client
        self._store = store
        self._snapshots = snapshots
        self._metrics = metrics
        self._may_write = may_write
        self._now = now
        self._price_max_age = price_max_age
        self._written_at: dict[str, float] = {}
        self._costed: set[Key] = set()
        self._seen: tuple[int, ...] = ()

    async def run(self) -> None:
        """Report for ever; what fails is tried again in the next round."""
        while True:
            await asyncio.sleep(_ROUND_SECONDS)
            if not self._may_write():
                continue
            try:
                await self._round()
            except ApiError as error:
                _log.warning("platform statuses: %s", error)

    async def _round(self) -> None:
        """Write what differs; when nothing moved and nothing is owed since the last round, do not even look."""
        revisions = self._revisions()
        if revisions == self._seen:
            return
        world = self._snapshots.world()
        statements = {statement.policy: statement for statement in _statements(world)}
        self._gauges(world, statements.values())
        owed = False
        for resource, table, item, former, new in list(
            self._statuses(world, statements)
        ):  # one moment's: writing takes time
            try:
                owed |= not await self._write(resource, table, item, former, new)
            except ApiError as error:  # the others are written nevertheless
                _log.warning("status of %s %s: %s", resource.kind, item.name, error)
                owed = True
        self._seen = () if owed else self._revisions()

    def _revisions(self) -> tuple[int, ...]:
        """What a round depends on: everything seen, and the day, because prices grow old."""
        store = self._store
        tables: Iterable[AnyTable] = (
            store.deployments, store.policies, store.pools, store.gpu_types, store.profiles, store.nodes, store.pods,
            store.namespaces,
        )  # fmt: skip
        return (self._now().toordinal(), *(table.revision for table in tables))

    def _statuses(
        self, world: World, statements: Mapping[str, Statement]
    ) -> Iterable[tuple[Resource, AnyTable, Platform[Any], StatusModel, StatusModel]]:
        """Yield each object with its stored and its present status."""
        store, now = self._store, self._now()
        seen = {pool.name: pool for pool in world.pools}
        for pool in store.pools.values():
            stored_pool = GPUPoolStatus.model_validate_json(pool.status)
            yield GPU_POOL, store.pools, pool, stored_pool, self._pool(pool, stored_pool, world, seen, now)
        for policy in store.policies.values():
            stored_policy = _budget_status(policy.status)
            new_policy = _budget(policy, stored_policy, statements.get(policy.name), now)
            yield BUDGET_POLICY, store.policies, policy, stored_policy, new_policy
        for item in store.gpu_types.values():
            stored_type = GPUTypeStatus.model_validate_json(item.status)
            conditions = understood(stored_type.conditions, _unreadable(item), generation=item.generation, now=now)
            new_type = GPUTypeStatus(observed_generation=item.generation, conditions=conditions)
            yield GPU_TYPE, store.gpu_types, item, stored_type, new_type
        for profile in store.profiles.values():
            stored_profile = ModelProfileStatus.model_validate_json(profile.status)
            problem = _unreadable(profile) or _unusable(profile)
            conditions = understood(stored_profile.conditions, problem, generation=profile.generation, now=now)
            new_profile = ModelProfileStatus(observed_generation=profile.generation, conditions=conditions)
            yield MODEL_PROFILE, store.profiles, profile, stored_profile, new_profile

    def _pool(
        self,
        item: Platform[GPUPool],
        former: GPUPoolStatus,
        world: World,
        seen: Mapping[str, Pool],
        now: datetime,
    ) -> GPUPoolStatus:
        if isinstance(item.content, Unreadable):
            conditions = understood(former.conditions, _unreadable(item), generation=item.generation, now=now)
            return GPUPoolStatus(observed_generation=item.generation, conditions=conditions)
        catalog = self._snapshots.catalog()
        selector = item.content.spec.node_selector.items()
        nodes = sorted(members(selector, self._store.nodes.values()), key=lambda node: node.name)
        pool = seen[item.name]
        left_out = tuple(text for node in nodes if (text := objection(node, item.content, catalog)) is not None)
        return pool_status(
            former,
            pool,
            detected=detected(catalog, nodes),
            left_out=left_out,
            promised=promised_gpus(world, pool),
            generation=item.generation,
            now=now,
            price_max_age=self._price_max_age,
        )

    async def _write(
        self, resource: Resource, table: AnyTable, item: Platform[Any], former: StatusModel, new: StatusModel
    ) -> bool:
        """Write a status that differs; mere counts wait. Returns whether nothing is owed."""
        if former == new:
            return True
        wait = self._written_at.get(item.uid, float("-inf")) + _COUNTS_SECONDS - time.monotonic()
        if wait > 0 and _states(former) == _states(new):
            return False
        answer = await apply_status(
            self._client, resource, namespace=None, name=item.name, uid=item.uid, status=dump(new)
        )
        self._written_at[item.uid] = time.monotonic()
        with self._store.own_write():
            table.put(answer)
        return True

    def _gauges(self, world: World, statements: Iterable[Statement]) -> None:
        """Show what the fleet costs and how it is."""
        rows = {
            Key(Kind.INFERENCE_DEPLOYMENT, holding.namespace, holding.name): float(
                RunRate.sum(placement.run_rate for placement in holding.placements).usd_per_hour
            )
            for holding in world.holdings.values()
            if not holding.finished
        }
        self._metrics.costs(rows, removed=self._costed - rows.keys())
        self._costed = set(rows)
        reasons: Counter[str] = Counter()
        for item in self._store.deployments.values():
            reasons[item.ready_reason or "Unknown"] += 1
        self._metrics.deployments(dict(reasons))
        self._metrics.budgets(statements)


def _statements(world: World) -> Iterable[Statement]:
    """Yield the one sum of every policy that was understood."""
    ledger = Ledger(world)
    return (ledger.statement(policy) for policy in world.policies)


def _budget(
    item: Platform[Any], former: BudgetPolicyStatus, statement: Statement | None, now: datetime
) -> BudgetPolicyStatus:
    if statement is None:
        conditions = understood(former.conditions, _unreadable(item), generation=item.generation, now=now)
        return BudgetPolicyStatus(observed_generation=item.generation, conditions=conditions)
    return budget_status(former, statement, generation=item.generation, now=now)


def _budget_status(text: bytes) -> BudgetPolicyStatus:
    """Read a stored status; one that cannot be read is written again."""
    try:
        return BudgetPolicyStatus.model_validate(orjson.loads(text))
    except ValueError:
        return BudgetPolicyStatus()


def _unreadable(item: Platform[Any]) -> tuple[str, str] | None:
    if isinstance(item.content, Unreadable):
        return str(ConditionReason.UNREADABLE), item.content.message
    return None


def _unusable(item: Platform[Any]) -> tuple[str, str] | None:
    assert not isinstance(item.content, Unreadable)
    model = model_of(item.content)
    return (str(ConditionReason.UNREADABLE), model.message) if isinstance(model, UnknownModel) else None


def _states(status: Any) -> object:  # noqa: ANN401 - the status of any platform kind
    return (
        status.observed_generation,
        tuple((condition.type, condition.status, condition.reason) for condition in status.conditions),
    )
