"""Apply a burst of deployments on the real control plane; measure operator and bare writer in the same run.

`python -m benchmarks.scale --deployments 1000 --nodes 126 --out OUT.json`. Times and counts come from the API server's
audit log. Each of the two has a fresh control plane of the same nodes: neither finds what the other left.
"""

import argparse
import asyncio
import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

from benchmarks.scale import timeline, workload
from benchmarks.scale.requests import prepare, send
from inferfleet.domain.memory import MIB
from inferfleet.domain.resources import INFERENCE_DEPLOYMENT
from tests.controlplane import ControlPlane
from tests.controlplane.arguments import audit_log
from tests.controlplane.nodes import scale_pool
from tests.controlplane.operator_process import OperatorProcess
from tests.controlplane.waiting import eventually

_CRDS = Path(__file__).parents[2] / "crds"
_PATIENCE = 900.0
# Wording and counts are written a few seconds after what matters; this long without a write is quiet.
_QUIET_SECONDS = 8.0
_MERGE = "application/merge-patch+json"
_USER = "benchmark-user"
_NAMESPACE = "fleet"

Result = dict[str, Any]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark and write its results."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scale", description=__doc__)
    parser.add_argument("--deployments", type=int, default=1000, help="deployments of the burst")
    parser.add_argument("--nodes", type=int, default=126, help="simulated nodes of eight GPUs")
    parser.add_argument("--out", type=Path, required=True, help="where to write the results as JSON")
    options = parser.parse_args(arguments)
    result = measure(options.deployments, options.nodes)
    options.out.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(result, indent=1))
    return 0


def measure(count: int, nodes: int) -> Result:
    """Bare writer first, then the operator: its burst, a change that means nothing, a restart."""
    pool = workload.gpu_pool(most_nodes=max(nodes, count))
    with _fresh_cluster(pool, nodes) as cluster:
        bare = _bare(cluster, pool, count)
    with _fresh_cluster(pool, nodes) as cluster:
        with OperatorProcess.start(cluster) as operator:
            eventually(lambda: 'name="inferencedeployment"} 1.0' in operator.metrics(), 60)
            burst = _burst(cluster, operator, count, nodes)
            burst["timesBareWriter"] = round(burst["lastChildSeconds"] / bare["lastChildSeconds"], 2)
            no_op = _no_op(cluster, operator, count)
        restart = _restart(cluster, count)
    return {
        "deployments": count,
        "nodes": nodes,
        "bareWriter": bare,
        "operator": burst,
        "noOpChange": no_op,
        "restart": restart,
    }


@contextmanager
def _fresh_cluster(pool: workload.Document, nodes: int) -> Iterator[ControlPlane]:
    """A control plane with the nodes and the pool, and a namespace for the deployments."""
    _say(f"a control plane with {nodes} nodes")
    with ControlPlane.start() as cluster:
        cluster.install_crds(*sorted(_CRDS.glob("*.yaml")))
        scale_pool(cluster, workload.POOL, nodes)
        cluster.objects.apply(pool)
        cluster.create_namespace(_NAMESPACE)
        yield cluster


def _bare(cluster: ControlPlane, pool: workload.Document, count: int) -> Result:
    """Create the deployments and send what an operator sends for them, with no operator there."""
    documents = workload.deployments(count, _NAMESPACE)
    start = cluster.audit_position()
    _say(f"bare writer: {count} deployments")
    _check(asyncio.run(send(cluster.kubeconfig, workload.creations(documents), agent=_USER)))
    stored = cluster.objects.list(workload.API, "InferenceDeployment", _NAMESPACE)
    groups = workload.operator_requests(pool, stored)
    _check(asyncio.run(send(cluster.kubeconfig, groups, agent=timeline.BARE, concurrency=16)))
    entries = timeline.read_entries(audit_log(cluster.directory), after=start)
    mine = timeline.by_agent(entries, timeline.BARE)
    created = timeline.span(timeline.by_agent(entries, _USER))
    result = {
        "createSeconds": round(created, 2),
        "writeSeconds": round(timeline.span(mine), 2),
        "lastChildSeconds": round(created + timeline.span(mine), 2),
        "writes": timeline.counts(mine),
    }
    _say(f"bare writer: {result['lastChildSeconds']} s")
    return result


def _burst(cluster: ControlPlane, operator: OperatorProcess, count: int, nodes: int) -> Result:
    """Create the deployments under the running operator and wait until it falls quiet."""
    process = psutil.Process(operator.process_id)
    cpu = sum(process.cpu_times()[:2])
    start, log = cluster.audit_position(), audit_log(cluster.directory)
    documents = workload.creations(workload.deployments(count, _NAMESPACE))
    _say(f"operator: {count} deployments")
    began = time.monotonic()
    _check(asyncio.run(send(cluster.kubeconfig, documents, agent=_USER)))
    services = timeline.Tail(log, start)
    most = _peak_until(lambda: services.count(_is_service) >= count, process)
    served = min(count, nodes * workload.GPUS_PER_NODE)
    # Reading them all is work for the API server: seldom enough to leave it to the operator.
    eventually(lambda: _serving(cluster) >= served, _PATIENCE, interval=3.0)
    available = time.monotonic() - began
    _wait_quiet(log)
    entries = [entry for entry in timeline.read_entries(log, after=start) if entry.namespace == _NAMESPACE]
    mine = timeline.by_agent(entries, timeline.OPERATOR)
    children = [entry for entry in mine if entry.target in ("deployments", "services")]
    waits = timeline.delays(
        entries,
        lambda entry: entry.verb == "create" and entry.target == "inferencedeployments",
        lambda entry: entry.verb == "create" and entry.target == "deployments",
    )
    return {
        "lastChildSeconds": round(timeline.span([*timeline.by_agent(entries, _USER), *children]), 2),
        "allAvailableSeconds": round(available, 1),
        "createToDeploymentSeconds": {
            "p50": round(timeline.quantile(waits, 0.5), 3),
            "p99": round(timeline.quantile(waits, 0.99), 3),
        },
        "writes": timeline.counts(mine),
        "writesPerDeployment": round(sum(entry.target != "events" for entry in mine) / count, 2),
        "cpuSeconds": round(sum(process.cpu_times()[:2]) - cpu, 1),
        "peakRSSMiB": round(max(most, process.memory_info().rss / MIB)),
    }


def _no_op(cluster: ControlPlane, operator: OperatorProcess, count: int) -> Result:
    """Touch every deployment without changing what it asks for."""
    log, start = audit_log(cluster.directory), cluster.audit_position()
    patch = {"metadata": {"annotations": {"benchmark": "touched"}}}
    touches = [
        [prepare("PATCH", INFERENCE_DEPLOYMENT.path(_NAMESPACE, item["metadata"]["name"]), patch, _MERGE)]
        for item in workload.deployments(count, _NAMESPACE)
    ]
    _say("a change that means nothing")
    _check(asyncio.run(send(cluster.kubeconfig, touches, agent=_USER)))
    _wait_passes(operator, 1)
    _wait_quiet(log)
    return {"writes": timeline.counts(timeline.by_agent(timeline.read_entries(log, after=start), timeline.OPERATOR))}


def _restart(cluster: ControlPlane, count: int) -> Result:
    """Start a new operator over everything that exists."""
    log, start = audit_log(cluster.directory), cluster.audit_position()
    _say("a restart")
    with OperatorProcess.start(cluster, name="second-life") as operator:
        process = psutil.Process(operator.process_id)
        _wait_passes(operator, count)
        _wait_quiet(log)
        return {
            "writes": timeline.counts(timeline.by_agent(timeline.read_entries(log, after=start), timeline.OPERATOR)),
            "cpuSeconds": round(sum(process.cpu_times()[:2]), 1),
            "rssMiB": round(process.memory_info().rss / MIB),
        }


def _is_service(entry: timeline.Entry) -> bool:
    return entry.target == "services" and entry.verb == "create" and entry.succeeded and _is_operator(entry)


def _is_operator(entry: timeline.Entry) -> bool:
    return bool(timeline.by_agent([entry], timeline.OPERATOR))


def _serving(cluster: ControlPlane) -> int:
    """How many deployments say that they serve."""
    return sum(
        condition["type"] == "Ready" and condition["status"] == "True"
        for item in cluster.objects.list(workload.API, "InferenceDeployment", _NAMESPACE)
        for condition in item.get("status", {}).get("conditions", ())
    )


def _peak_until(condition: Callable[[], bool], process: psutil.Process) -> float:
    """Wait for a condition; return the largest resident memory seen meanwhile, in MiB."""
    sizes = [0.0]

    def look() -> bool:
        sizes.append(process.memory_info().rss / MIB)
        return condition()

    eventually(look, _PATIENCE, interval=0.5)
    return max(sizes)


def _wait_quiet(log: Path) -> None:
    """Wait until the operator has written nothing for a while."""
    state = [(-1, time.monotonic())]
    tail = timeline.Tail(log, 0)

    def quiet() -> bool:
        written = tail.count(_is_operator)
        if written != state[0][0]:
            state[0] = (written, time.monotonic())
        return time.monotonic() - state[0][1] > _QUIET_SECONDS

    eventually(quiet, _PATIENCE, interval=1.0)


def _wait_passes(operator: OperatorProcess, count: int) -> None:
    """Wait until this many reconciliations ended well."""
    line = 'controller_runtime_reconcile_total{controller="inferencedeployment",result="success"}'

    def enough() -> bool:
        values = [text.split()[-1] for text in operator.metrics().splitlines() if text.startswith(line)]
        return sum(map(float, values)) >= count

    eventually(enough, _PATIENCE, interval=0.5)


def _check(refused: list[str]) -> None:
    if refused:
        raise RuntimeError(f"{len(refused)} requests were refused, first: {refused[0]}")


def _say(text: str) -> None:
    print(f"== {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
