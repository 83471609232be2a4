"""The metrics of the operator: names that dashboards for controllers know, and our own for plans and money.

In: numbers from the loops. Out: the Prometheus text. Labels are bounded: never a pod, a message or a price;
deployments appear only in gauges that are removed with them. Money is in USD, time in seconds.
"""

from collections.abc import Callable, Iterable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, PlatformCollector, ProcessCollector
from prometheus_client.exposition import generate_latest

from inferfleet.budget import Statement
from inferfleet.domain.decision import Decision
from inferfleet.domain.keys import Key, Kind

_FAST = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Metrics:
    """One registry. Methods are named after events."""

    def __init__(self) -> None:
        """Register everything; names of the first two groups are those of controller-runtime and client-go."""
        registry = self._registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        PlatformCollector(registry=registry)
        self._reconciles = Counter(
            "controller_runtime_reconcile", "Reconciliations by result.", ("controller", "result"), registry=registry
        )
        self._errors = Counter(
            "controller_runtime_reconcile_errors", "Failed reconciliations.", ("controller",), registry=registry
        )
        self._seconds = Histogram(
            "controller_runtime_reconcile_time_seconds",
            "Time of one reconciliation, API requests included.",
            ("controller",),
            buckets=_FAST,
            registry=registry,
        )
        self._depth = Gauge("workqueue_depth", "Keys that wait.", ("name",), registry=registry)
        self._adds = Gauge("workqueue_adds", "Requests for work, before they coalesce.", ("name",), registry=registry)
        self._retries = Gauge("workqueue_retries", "Keys put back after a failure.", ("name",), registry=registry)
        self._wait = Histogram(
            "workqueue_queue_duration_seconds",
            "How long a key waited before it was taken.",
            ("name",),
            buckets=_FAST,
            registry=registry,
        )
        self._requests = Counter(
            "rest_client_requests", "Requests to the API server.", ("verb", "resource", "code"), registry=registry
        )
        self._request_seconds = Histogram(
            "rest_client_request_duration_seconds",
            "Time to the answer of the API server.",
            ("verb",),
            buckets=_FAST,
            registry=registry,
        )
        self._leader = Gauge(
            "leader_election_master_status", "1 while this process may write.", ("name",), registry=registry
        )
        self._watch_restarts = Counter(
            "inferfleet_watch_restarts", "Lists that had to be repeated.", ("resource",), registry=registry
        )
        self._lag = Gauge("inferfleet_event_loop_lag_seconds", "Lateness of the event loop.", registry=registry)
        self._plan = Histogram("inferfleet_plan_seconds", "Time to decide one batch.", buckets=_FAST, registry=registry)
        self._rejections = Counter(
            "inferfleet_plan_rejections", "Rejected candidates by reason.", ("reason",), registry=registry
        )
        self._cost = Gauge(
            "inferfleet_deployment_cost_usd_per_hour",
            "USD per hour of the GPUs that are reserved for a deployment.",
            ("namespace", "name"),
            registry=registry,
        )
        self._total = Gauge("inferfleet_cost_usd_per_hour", "USD per hour of all deployments.", registry=registry)
        self._budgets = Gauge(
            "inferfleet_budget_usd_per_month",
            "USD of a month by policy: limit, committed, reserved_run_rate, reserved_totals, remaining.",
            ("policy", "amount"),
            registry=registry,
        )
        self._ready = Gauge(
            "inferfleet_deployments",
            "Deployments by the reason of their Ready condition.",
            ("reason",),
            registry=registry,
        )

        self._readings = Counter(
            "inferfleet_engine_readings",
            "Readings of an engine's figures by what came of them.",
            ("outcome",),
            registry=registry,
        )
        self._calibrations = Gauge(
            "inferfleet_calibrations", "Engine settings that a calibration is kept for.", registry=registry
        )

    def render(self) -> bytes:
        """Return the Prometheus text of everything."""
        return generate_latest(self._registry)

    def reconciled(self, kind: Kind, result: str, seconds: float) -> None:
        """Count one reconciliation of an object of this kind; `result` is success, requeue or error."""
        self._reconciles.labels(kind.controller, result).inc()
        self._seconds.labels(kind.controller).observe(seconds)
        if result == "error":
            self._errors.labels(kind.controller).inc()

    def waited(self, kind: Kind, seconds: float) -> None:
        """Record how long a key waited in the queue of this kind."""
        self._wait.labels(kind.controller).observe(seconds)

    def requested(self, verb: str, resource: str, code: int, seconds: float) -> None:
        """Count one request to the API server; code 0 means no answer."""
        self._requests.labels(verb, resource, code).inc()
        if verb != "watch":
            self._request_seconds.labels(verb).observe(seconds)

    def watch_restarted(self, resource: str) -> None:
        """Count a list that had to be repeated."""
        self._watch_restarts.labels(resource).inc()

    def lagged(self, seconds: float) -> None:
        """Record the lateness of the event loop."""
        self._lag.set(seconds)

    def planned(self, decisions: Iterable[Decision], seconds: float) -> None:
        """Record one planning pass."""
        self._plan.observe(seconds)
        for decision in decisions:
            for candidate in decision.candidates:
                if candidate.verdict == "Rejected":
                    self._rejections.labels(candidate.reason).inc()

    def reading(self, outcome: str) -> None:
        """Count one reading of an engine; `outcome` is calibrated, unchanged, or why it gave no calibration."""
        self._readings.labels(outcome).inc()

    def costs(self, rows: dict[Key, float], removed: Iterable[Key] = ()) -> None:
        """Set the cost of deployments in USD per hour, and remove those that are gone."""
        for key, usd in rows.items():
            self._cost.labels(key.namespace, key.name).set(usd)
        for key in removed:
            self._cost.remove(key.namespace, key.name)
        self._total.set(sum(rows.values()))

    def budgets(self, statements: Iterable[Statement]) -> None:
        """Set what every policy limits, has promised and has left, in USD of a month."""
        self._budgets.clear()
        for statement in statements:
            whole = statement.whole
            amounts = {
                "limit": statement.limit,
                "committed": whole.committed,
                "reserved_run_rate": whole.reserved.run_rate.month,
                "reserved_totals": whole.reserved.total,
                "remaining": statement.remaining,
            }
            for name, amount in amounts.items():
                self._budgets.labels(statement.policy, name).set(float(amount.usd))

    def deployments(self, by_reason: dict[str, int]) -> None:
        """Set how many deployments there are per reason of Ready."""
        self._ready.clear()
        for reason, count in by_reason.items():
            self._ready.labels(reason).set(count)

    def follow_queue(
        self, kind: Kind, *, depth: Callable[[], float], adds: Callable[[], float], retries: Callable[[], float]
    ) -> None:
        """Read these numbers of the queue of this kind whenever the metrics are asked for."""
        self._depth.labels(kind.controller).set_function(depth)
        self._adds.labels(kind.controller).set_function(adds)
        self._retries.labels(kind.controller).set_function(retries)

    def follow(self, *, leader: Callable[[], bool], calibrations: Callable[[], float]) -> None:
        """Read these numbers whenever the metrics are asked for."""
        for kind in Kind:  # one Lease serves all controllers
            self._leader.labels(kind.controller).set_function(lambda: float(leader()))
        self._calibrations.set_function(calibrations)
