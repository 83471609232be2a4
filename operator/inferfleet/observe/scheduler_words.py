"""Whether a pod waits for a node or for something that no node brings, by the scheduler's message.

In: reason and message of a pod's condition PodScheduled=False. Out: whether another node of its pool could help. The
scheduler names for each node the first thing that keeps the pod off, so it names a volume only where a node would do.
"""

import re

# k8s.io/api/core/v1, PodReasonUnschedulable; other reasons are scheduling gates and errors.
_UNSCHEDULABLE = "Unschedulable"
_PREFIX = re.compile(r"^\d+/\d+ nodes are available: ")
_COUNT = re.compile(r"^\d+ ")
# What nodes lack or forbid: NodeResourcesFit, TaintToleration, NodeUnschedulable, NodeAffinity, InterPodAffinity
# and PodTopologySpread (k8s.io/kubernetes/pkg/scheduler/framework/plugins).
_ABOUT_NODES = re.compile(
    r"^(Insufficient |Too many pods|no nodes available"
    r"|node\(s\) (had (untolerated )?taints?\b|were unschedulable"
    r"|didn't (match|satisfy) .*(affinity|selector|topology spread)))",
    re.IGNORECASE,
)


def waits_for_a_node(reason: str, message: str) -> bool:
    """Return whether the scheduler's message is about nodes alone; an empty or unspecific one counts as such."""
    if reason not in ("", _UNSCHEDULABLE):
        return False
    said = message.partition(" preemption:")[0]
    found = _PREFIX.match(said)
    if found is None:
        return not said or said[0].isdigit() or _ABOUT_NODES.match(said) is not None
    parts = re.split(r", (?=\d+ )", said[found.end() :])
    return all(_ABOUT_NODES.match(_COUNT.sub("", part)) for part in parts)
