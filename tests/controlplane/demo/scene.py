"""The demo's world for tests: the same cluster, operator and examples, without the telling.

In: nothing. Out: a world in which every example has its answer, on a control plane of its own.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from tests.controlplane.controlplane import ControlPlane
from tests.controlplane.demo.answers import wait_for_answers
from tests.controlplane.demo.world import (
    World,
    apply_examples,
    apply_platform,
    install_chart,
    make_fleet,
    simulated_engines,
    start_operator,
)


@contextlib.contextmanager
def running_world() -> Iterator[World]:
    """Run what `make demo` runs while the block lasts."""
    with ControlPlane.start() as cluster:
        world = make_fleet(cluster)
        with simulated_engines(cluster):
            install_chart(cluster)
            start_operator(cluster)
            apply_platform(cluster)
            apply_examples(cluster)
            wait_for_answers(cluster, lambda _: None)
            yield world
