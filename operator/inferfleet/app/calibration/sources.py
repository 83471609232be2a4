"""Where engines' figures come from, as the settings say: pods or Prometheus, and logs where that is allowed.

In: settings and a client of the cluster. Out: `Sources`. Must not read anything itself.
"""

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from inferfleet.apply.client import Client
from inferfleet.domain.children import ENGINE_CONTAINER
from inferfleet.domain.memory import MIB
from inferfleet.domain.observed import PodFacts
from inferfleet.observe.engine_reader import EngineReader, PodReader, PrometheusReader
from inferfleet.settings import Settings

# vLLM prints its memory within the first some hundred lines; why it ended stands within the last.
_START_BYTES = MIB
_LAST_BYTES, _LAST_LINES = 1 << 18, 400

ReadLog = Callable[[PodFacts], Awaitable[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """Who is asked; None: that source is switched off. Logs are the engine container's: its start, and its last end."""

    reader: EngineReader | None
    start_log: ReadLog | None
    last_log: ReadLog | None


def sources(settings: Settings, client: Client) -> Sources:
    """Return the sources that the settings allow; must be called inside the event loop."""
    logs = settings.read_pod_logs

    async def start_log(pod: PodFacts) -> str:
        return await client.read_log(pod.namespace, pod.name, ENGINE_CONTAINER, most_bytes=_START_BYTES)

    async def last_log(pod: PodFacts) -> str:
        # While the container waits for its restart, the kubelet gives the run before unasked
        # (k8s.io/kubernetes/pkg/kubelet, validateContainerLogStatus).
        stopped = any(item.name == ENGINE_CONTAINER and (item.terminated or item.waiting) for item in pod.containers)
        return await client.read_log(
            pod.namespace,
            pod.name,
            ENGINE_CONTAINER,
            previous=not stopped,
            most_bytes=_LAST_BYTES,
            last_lines=_LAST_LINES,
        )

    return Sources(reader=_reader(settings), start_log=start_log if logs else None, last_log=last_log if logs else None)


def _reader(settings: Settings) -> EngineReader | None:
    if settings.prometheus_url:
        return PrometheusReader(settings.prometheus_url, now=time.time)
    return PodReader(now=time.time) if settings.scrape_engines else None
