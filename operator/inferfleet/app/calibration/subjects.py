"""Whose figures count: pods that run exactly what was decided, with an image that is approved.

In: a decision in force, and what was seen of its children and pods. Out: `Subject`s, each a setting with the pods
that run it. A pod of an older roll-out, of somebody else, or with an image that no policy allows any more is not
among them.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from inferfleet.app.planner import Decided
from inferfleet.budget import matching
from inferfleet.domain.children import ENGINE_CONTAINER
from inferfleet.domain.demand import Demand
from inferfleet.domain.keys import Key
from inferfleet.domain.model import Model
from inferfleet.domain.observed import Child, EngineContainer, PodFacts
from inferfleet.domain.placement import Placement
from inferfleet.domain.problem import Problem
from inferfleet.domain.traffic import traffic_of
from inferfleet.domain.world import Pool, World
from inferfleet.engine import check_image
from inferfleet.engine.calibration import Setting
from inferfleet.observe.engine_arguments import MODEL_NAME_FLAG, engine_of_child, flags_of, settings_of
from inferfleet.observe.store import Store
from inferfleet.observe.world import read_policies
from inferfleet.render import engine_image


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """One placement whose figures count, with its pods, ready or not, sorted by name."""

    key: Key
    uid: str
    placement: str
    setting: Setting
    pods: tuple[PodFacts, ...]


def subjects_of(store: Store, key: Key, decided: Decided) -> tuple[Subject, ...]:
    """Return the placements of one deployment whose figures count."""
    demand = decided.demand
    if demand is None or not isinstance(demand.model, Model):
        return ()
    found = (_subject(store, key, decided, demand, placement) for placement in decided.decision.placements)
    return tuple(subject for subject in found if subject is not None)


def setting_of(demand: Demand, placement: Placement, pool: Pool) -> Setting | None:
    """Return what the engines of a placement run as, None without facts of the model or GPU."""
    if pool.gpu is None or not isinstance(demand.model, Model):
        return None
    return Setting(
        namespace=demand.namespace,
        model=demand.model,
        gpu_type=placement.gpu_type,
        gpu=pool.reported_gpu,
        engine=placement.engine,
        interconnect=pool.interconnect,
        traffic=traffic_of(demand.spec),
    )


def _subject(store: Store, key: Key, decided: Decided, demand: Demand, placement: Placement) -> Subject | None:
    pool, child = decided.pools.get(placement.pool), _child(store, key, decided.uid, placement)
    if pool is None or child is None:
        return None
    setting, engine = setting_of(demand, placement, pool), engine_of_child(child)
    if setting is None or engine is None or not _as_decided(engine, demand, placement):
        return None
    if engine.image != engine_image(demand, placement, pool) or not _approved(store, demand):
        return None
    pods = tuple(pod for pod in store.pods_of(key) if _runs(pod, child, placement, engine))
    return Subject(key=key, uid=decided.uid, placement=placement.name, setting=setting, pods=pods)


def _child(store: Store, key: Key, uid: str, placement: Placement) -> Child | None:
    children = store.children_of(key).values()
    workloads = (child for child in children if child.has_pods and child.owner == uid)
    return next((child for child in workloads if child.name == placement.name), None)


def _as_decided(engine: EngineContainer, demand: Demand, placement: Placement) -> bool:
    named = flags_of(engine).get(MODEL_NAME_FLAG)
    return named == demand.model.id and settings_of(engine, placement.engine.version) == placement.engine


def _approved(store: Store, demand: Demand) -> bool:
    """Whether the matching policies allow the image now; the default image needs none."""
    image = demand.spec.engine.image
    if image is None:
        return True
    understood, _ = read_policies(store.policies.values())
    rules = [policy.spec.engine for policy in matching(World(policies=understood), demand.namespace_labels)]
    allowed = [prefix for rule in rules for prefix in rule.allowed_images]
    digest = any(rule.require_digest for rule in rules)
    return not isinstance(check_image(image, allowed, require_digest=digest), Problem)


def _runs(pod: PodFacts, child: Child, placement: Placement, engine: EngineContainer) -> bool:
    """Whether a pod belongs to the child and was started from its present template."""
    owned = pod.owner == child.uid or pod.owner_name.startswith(f"{child.name}-")
    return owned and not pod.deleting and pod.placement == placement.name and pod.engine == engine


def ended_engines(pods: Iterable[PodFacts]) -> tuple[tuple[PodFacts, str, int], ...]:
    """Return pods whose engine ended and is not ready again: the pod, its termination message, and its restarts."""
    found = []
    for pod in pods:
        for container in pod.containers:
            ended = container.terminated or container.last_terminated
            if container.name == ENGINE_CONTAINER and ended and not container.ready and not pod.deleting:
                message = container.message if container.terminated else container.last_message
                found.append((pod, message, container.restarts))
    return tuple(found)
