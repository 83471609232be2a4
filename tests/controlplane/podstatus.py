"""The status that a kubelet would write, as KWOK templates: one place that knows the fields of a pod's status.

In: what the engine container does (the one that requests GPUs) and what the rest does. Out: a Go template over a pod.
Native sidecars, which are init containers that stay, count as containers here, as they do for a kubelet.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

_NOW = "{{ $now | Quote }}"
_GPU = '(dig "resources" "limits" "nvidia.com/gpu" (dig "resources" "limits" "amd.com/gpu" "" .) .)'


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerState:
    """What one container's status says. `state` and `last_state` are YAML in flow style."""

    state: str
    last_state: str = "{}"
    ready: bool = False
    started: bool = False
    restarts: int = 0


RUNNING = ContainerState(state=f"{{running: {{startedAt: {_NOW}}}}}", ready=True, started=True)
LOADING = ContainerState(state=f"{{running: {{startedAt: {_NOW}}}}}")
"""The process runs and does not answer its probes yet, as while vLLM loads a model."""


def terminated(exit_code: int, *, reason: str = "", message: str = "") -> ContainerState:
    """Return the state of a container that has ended."""
    return ContainerState(state=_terminated(exit_code, reason, message))


def crash_looping(exit_code: int, *, reason: str = "Error", message: str = "") -> ContainerState:
    """Return the state of a container that ended and waits to be started again."""
    waiting = _waiting("CrashLoopBackOff", "back-off 10s restarting failed container")
    return ContainerState(state=waiting, last_state=_terminated(exit_code, reason, message), restarts=1)


def waiting(reason: str, message: str) -> ContainerState:
    """Return the state of a container that cannot be started."""
    return ContainerState(state=_waiting(reason, message))


def pod_status(*, engine: ContainerState, others: ContainerState | None = None, phase: str = "Running") -> str:
    """Return the template of a pod's status. `others` is absent where they do what the engine does."""
    rest = others or engine
    ready = _condition_status(engine.ready and rest.ready)
    return "\n".join(
        [
            "{{ $now := Now }}",
            "{{ $ip := or .status.podIP (PodIPWith .spec.nodeName (or .spec.hostNetwork false)"
            " .metadata.uid .metadata.name .metadata.namespace) }}",
            f"phase: {phase}",
            "startTime: {{ or .status.startTime $now | Quote }}",
            "hostIP: {{ NodeIPWith .spec.nodeName | Quote }}",
            "hostIPs: [{ip: {{ NodeIPWith .spec.nodeName | Quote }}}]",
            "podIP: {{ $ip | Quote }}",
            "podIPs: [{ip: {{ $ip | Quote }}}]",
            "conditions:",
            _condition("PodReadyToStartContainers", "True"),
            _condition("Initialized", "True"),
            _condition("ContainersReady", ready),
            _condition("Ready", ready),
            "{{ range .spec.readinessGates }}",
            f'- {{type: {{{{ .conditionType | Quote }}}}, status: "True", lastTransitionTime: {_NOW}}}',
            "{{ end }}",
            "initContainerStatuses:",
            "{{ range .spec.initContainers }}",
            '{{ if eq (or .restartPolicy "") "Always" }}',
            _either(engine, rest),
            "{{ else }}",
            _container(ContainerState(state=_terminated(0, "Completed", ""), ready=True)),
            "{{ end }}",
            "{{ end }}",
            "containerStatuses:",
            "{{ range .spec.containers }}",
            _either(engine, rest),
            "{{ end }}",
        ]
    )


def _either(engine: ContainerState, rest: ContainerState) -> str:
    if engine == rest:
        return _container(engine)
    return "\n".join([f"{{{{ if {_GPU} }}}}", _container(engine), "{{ else }}", _container(rest), "{{ end }}"])


def _container(state: ContainerState) -> str:
    lines = [
        "- name: {{ .name | Quote }}",
        "  image: {{ .image | Quote }}",
        "  imageID: {{ .image | Quote }}",
        f"  ready: {json.dumps(state.ready)}",
        f"  started: {json.dumps(state.started)}",
        f"  restartCount: {state.restarts}",
        f"  state: {state.state}",
        f"  lastState: {state.last_state}",
    ]
    return "\n".join(lines)


def _condition(name: str, status: str) -> str:
    return f'- {{type: {name}, status: "{status}", lastTransitionTime: {_NOW}}}'


def _condition_status(holds: bool) -> str:
    return "True" if holds else "False"


def _terminated(exit_code: int, reason: str, message: str) -> str:
    why = f"reason: {_text(reason or ('Completed' if exit_code == 0 else 'Error'))}, message: {_text(message)}"
    return f"{{terminated: {{exitCode: {exit_code}, {why}, startedAt: {_NOW}, finishedAt: {_NOW}}}}}"


def _waiting(reason: str, message: str) -> str:
    return f"{{waiting: {{reason: {_text(reason)}, message: {_text(message)}}}}}"


def _text(value: str) -> str:
    """Return a string as a YAML scalar that the template engine leaves alone."""
    return json.dumps(value).replace("{{", '{{ "{{" }}')
