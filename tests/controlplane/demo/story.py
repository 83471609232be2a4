"""The story of the demo: what was asked, what was considered, what was chosen and why, what it costs, what runs where.

In: objects as the cluster has them. Out: text on a console. Nothing is computed but one sum and nothing is remembered:
the story can only be as true as what the operator wrote.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from rich.console import Console, Group, RenderableType
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from tests.controlplane.cluster import Cluster
from tests.controlplane.demo.answers import condition, is_ready, pods_of
from tests.controlplane.demo.world import API, World
from tests.controlplane.objects import Manifest

SIMULATED = (
    "Real: etcd, API server, controllers, scheduler, kubectl, helm, the chart's CRDs and rights, the operator and "
    "its decisions. Simulated: the GPU nodes and what runs on them (KWOK), so nothing computes, and models load in "
    "seconds. No image of the operator can run here: the chart's Deployment has 0 replicas, and the operator is a "
    "process of this machine with a token of the chart's ServiceAccount, so the chart's roles decide what it may do."
)

Rows = list[tuple[str, RenderableType]]


@dataclass(frozen=True, slots=True)
class Story:
    """Tells about one world on one console."""

    console: Console
    world: World

    def tell(self) -> None:
        """Print the whole story."""
        cluster = self.world.cluster
        items = cluster.objects.list(API, "InferenceDeployment")
        self._heading("What this is")
        self.console.print(SIMULATED)
        self._pools(cluster)
        for item in items:
            self._deployment(cluster, item)
        for policy in cluster.objects.list(API, "BudgetPolicy"):
            self._budget(policy)
        self._heading("kubectl get infd,gpup,budget")
        self.console.out(cluster.kubectl("get", "infd,gpup,budget").rstrip())
        self._total(items)

    def _heading(self, text: str) -> None:
        self.console.print()
        self.console.rule(f"[bold]{escape(text)}", align="left", style="dim")

    def _pools(self, cluster: Cluster) -> None:
        self._heading("The fleet, as the platform team declared it")
        table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
        for name in ("pool", "GPU", "capacity", "region", "USD/GPU-hour", "nodes"):
            table.add_column(name, justify="right" if name.startswith("USD") else "left", no_wrap=True)
        for pool in cluster.objects.list(API, "GPUPool"):
            spec, name = pool["spec"], pool["metadata"]["name"]
            nodes = self.world.nodes.get(name, [])
            what = f"{len(nodes)} x {spec['gpusPerNode']} GPUs" if nodes else f"none yet (at most {spec['maxNodes']})"
            price = spec.get("usdPerGPUHour", "")
            table.add_row(name, spec["gpuType"], spec["capacityType"], spec["region"], price, what)
        self.console.print(table)

    def _deployment(self, cluster: Cluster, item: Manifest) -> None:
        metadata, status = item["metadata"], item.get("status", {})
        ready = condition(item)
        candidates = status.get("decision", {}).get("candidates", [])
        answer = Text.assemble(
            (ready.get("reason", "none"), "bold green" if is_ready(item) else "bold red"),
            f": {ready.get('message', '')}",
        )
        chosen = [f"{row['message']} ({row['reason']})" for row in candidates if row["verdict"] == "Chosen"]
        self._heading(f"{metadata['namespace']}/{metadata['name']}")
        self._facts(
            [
                ("asked", _asked(item["spec"])),
                ("answer", answer),
                *(("chosen", text) for text in chosen),
                ("costs", _cost(status.get("cost"), item["spec"])),
                ("memory", _memory(status.get("memory"))),
                ("budget", condition(item, "WithinBudget").get("message", "")),
                *(("runs", _pod(pod)) for pod in pods_of(cluster, item)),
                ("candidates", _candidates(candidates, monthly="traffic" in item["spec"])),
            ]
        )

    def _facts(self, rows: Rows) -> None:
        grid = Table.grid(padding=(0, 1, 0, 2))
        grid.add_column(no_wrap=True, style="cyan")
        grid.add_column()
        for name, value in rows:
            if value:
                grid.add_row(name, Text(value) if isinstance(value, str) else value)
        self.console.print(grid)

    def _budget(self, policy: Manifest) -> None:
        spec, status = policy["spec"], policy.get("status", {})
        reserved, committed = status.get("reservedUSDPerMonth", "?"), status.get("committedUSDPerMonth", "?")
        self._heading(f"Budget {policy['metadata']['name']}")
        self._facts(
            [
                ("limit", f"USD {spec['usdPerMonth']} per month, {spec['enforcement']}"),
                ("reserved", f"USD {reserved} by workloads, {committed} committed elsewhere"),
                *(("", f"{_where(row)}: {row['usdPerMonth']}") for row in status.get("reservations", ())),
                ("left", f"USD {status.get('remainingUSDPerMonth', '?')} per month"),
                *(("category", _category(row)) for row in status.get("categories", ())),
            ]
        )

    def _total(self, items: Iterable[Manifest]) -> None:
        items = list(items)
        serving = [item for item in items if "traffic" in item["spec"]]
        total = sum((Decimal(item["status"].get("cost", {}).get("usdPerMonth", "0")) for item in serving), Decimal(0))
        ready = sum(is_ready(item) for item in items)
        self.console.print()
        self.console.print(
            f"[bold]{ready} of {len(items)} are Ready; real-time work costs USD {total:,.2f} per month of 730 hours."
        )


def _candidates(candidates: list[Manifest], *, monthly: bool) -> RenderableType:
    """Show one candidate for every different reason: the others differ in numbers only."""
    shown: dict[tuple[str, str], Manifest] = {}
    for row in candidates:
        shown.setdefault((row["verdict"], row["reason"]), row)
    grid = Table.grid(padding=(0, 2, 0, 0))
    for _ in range(3):
        grid.add_column()
    for row in shown.values():
        because = "" if row["verdict"] == "Chosen" else f"\n{row['message']}"
        style = "dim" if row["verdict"] == "Rejected" else ""
        grid.add_row(row["verdict"], row["reason"], Text(_numbers(row, monthly=monthly) + because), style=style)
    return Group(Text(f"{len(candidates)} were considered; for each reason the first:"), grid) if shown else ""


def _numbers(row: Manifest, *, monthly: bool) -> str:
    parts = [f"{row['tensorParallelSize']} x {row['gpuType']} in {row['pool']}"]
    if row.get("replicas"):
        parts.append(f"{row['replicas']} replica{'s' if row['replicas'] > 1 else ''}")
    if "requiredGiB" in row:
        parts.append(f"{Decimal(row['requiredGiB']):.1f} of {Decimal(row['usableGiB']):.1f} GiB")
    if monthly and "usdPerMonth" in row:
        parts.append(f"USD {row['usdPerMonth']} per month")
    return ", ".join(parts)


def _where(row: Manifest) -> str:
    return f"{row['namespace']}/{row['name']}, {row['replicas']} x {row['capacityType']}"


def _category(row: Manifest) -> str:
    limit = f" of {row['usdPerMonth']}" if row.get("usdPerMonth") else ""
    return f"{row['name']}: {row.get('reservedUSDPerMonth', '0')}{limit} reserved"


def _asked(spec: Manifest) -> str:
    model = spec["model"].get("id") or f"ModelProfile {spec['model']['profileRef']['name']}"
    if "traffic" in spec:
        traffic, objectives = spec["traffic"], spec.get("objectives", {})
        text = (
            f"{traffic['requestsPerSecond']} requests/s of {traffic['inputTokens']} + {traffic['outputTokens']} tokens"
        )
        limit = objectives.get("timePerOutputTokenMilliseconds")
        return f"{model}, {text}" + (f", at most {limit} ms per output token" if limit else "")
    batch = spec["batch"]
    deadline = f" within {batch['deadlineSeconds'] / 3600:g} hours" if "deadlineSeconds" in batch else ""
    return f"{model}, {batch.get('requests', 'a file of')} requests as a batch{deadline}"


def _cost(cost: Manifest | None, spec: Manifest) -> str:
    if not cost:
        return ""
    per_token = f", {cost['usdPerMillionTokens']} per million tokens" if cost.get("usdPerMillionTokens") else ""
    if per_token and "requestsPerMonth" not in spec.get("traffic", {"requestsPerMonth": 0}):
        per_token += " if the peak lasted all month"
    amount = f"{cost['usdTotal']} in total" if cost.get("usdTotal") else f"{cost['usdPerMonth']} per month"
    return f"USD {cost['usdPerHour']} per hour, {amount}{per_token}; price from {cost['priceSource']}"


def _memory(memory: Manifest | None) -> str:
    if not memory:
        return ""
    return (
        f"per GPU {memory['usableGiB']} GiB usable, {memory['weightsGiB']} of them weights, {memory['kvCacheGiB']} KV "
        f"cache: {memory['kvCacheTokens']} tokens or {memory['maxConcurrency']} requests of full length at once"
    )


def _pod(pod: Manifest) -> str:
    phase = pod["status"].get("phase", "Pending")
    where = pod["spec"].get("nodeName", "no node yet")
    return f"pod {pod['metadata']['name']} on {where}, {'Completed' if phase == 'Succeeded' else phase}"
