"""Shortcuts into rendered bodies."""

from typing import Any

from inferfleet.domain.demand import Demand
from inferfleet.domain.placement import Placement
from inferfleet.domain.world import Pool
from inferfleet.render import Manifest, RenderFacts, render
from tests.golden.cases import FACTS, case


def rendered(of: Demand, *placed: tuple[Placement, Pool], facts: RenderFacts = FACTS, suspended: bool = False) -> Any:
    """Render placements, each in its pool."""
    situation = case(of, *placed, suspended=suspended)
    return render(situation.demand, situation.decision, situation.pools, facts)


def of_kind(manifests: tuple[Manifest, ...], kind: str) -> list[Manifest]:
    return [manifest for manifest in manifests if manifest.kind == kind]


def only(manifests: tuple[Manifest, ...], kind: str) -> dict[str, Any]:
    (found,) = of_kind(manifests, kind)
    return found.body


def pod(manifests: tuple[Manifest, ...]) -> dict[str, Any]:
    """The pod spec of the first workload."""
    spec: dict[str, Any] = manifests[0].body["spec"]["template"]["spec"]
    return spec


def engine(manifests: tuple[Manifest, ...]) -> dict[str, Any]:
    """The engine's container, wherever it stands."""
    spec = pod(manifests)
    containers: list[dict[str, Any]] = [*spec.get("initContainers", ()), *spec["containers"]]
    return next(found for found in containers if found["name"] == "engine")


def flags(manifests: tuple[Manifest, ...]) -> dict[str, str]:
    """The engine's flags by name; switches have an empty value."""
    pairs = (argument.partition("=") for argument in engine(manifests)["args"][1:])
    return {name: value for name, _, value in pairs}
