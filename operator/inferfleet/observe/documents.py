"""A world and demands from plain documents (parsed YAML), for the same decision as in the cluster.

In: documents of our kinds, and optionally Namespaces, Nodes and Pods. Out: a world, the demands in it, and what could
not be read. Documents of other kinds are ignored, because whole manifests folders are given. Must not read files.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from inferfleet.api.objects import InvalidObject, parse
from inferfleet.api.v1alpha1 import GROUP
from inferfleet.domain.demand import Demand
from inferfleet.domain.observed import LabelSet, NodeFacts
from inferfleet.domain.resources import Document
from inferfleet.domain.world import World
from inferfleet.observe import objects
from inferfleet.observe.catalog import Catalog, HubLookup
from inferfleet.observe.project_nodes import label_set, namespace_facts, node_facts
from inferfleet.observe.project_pods import pod_facts
from inferfleet.observe.used_gpus import used_gpus
from inferfleet.observe.world import Sources, build_world, demand_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Offline:
    """What documents hold. `invalid` has one error per object that could not be read, in order of appearance."""

    world: World
    demands: tuple[Demand, ...]
    invalid: tuple[InvalidObject, ...]


def world_from_documents(
    documents: Iterable[Document], *, budgets_required: bool = False, hub_lookup: HubLookup | None = None
) -> Offline:
    """Read documents as the operator would read them from the cluster; nothing is reserved and nothing runs.

    `hub_lookup` is asked about models that are neither built in nor among the documents. A namespace without a
    Namespace document has only the label that Kubernetes puts on each (`kubernetes.io/metadata.name`).
    """
    by_kind: dict[str, list[Document]] = {}
    for document in documents:
        by_kind.setdefault(str(document.get("kind")), []).append(document)
    ours = [item for items in by_kind.values() for item in items if _is_ours(item)]
    invalid = tuple(error for item in ours if (error := _error(item)) is not None)
    profiles = [objects.model_profile(item) for item in by_kind.get("ModelProfile", ())]
    types = [objects.gpu_type(item) for item in by_kind.get("GPUType", ())]
    catalog = Catalog(_readable(types), _readable(profiles), hub_lookup=hub_lookup)
    pods = [facts for item in by_kind.get("Pod", ()) if (facts := pod_facts(item)) is not None]
    world = build_world(
        Sources(
            catalog=catalog,
            pools=[objects.gpu_pool(item) for item in by_kind.get("GPUPool", ())],
            policies=[objects.budget_policy(item) for item in by_kind.get("BudgetPolicy", ())],
            nodes=_nodes(by_kind.get("Node")),
            used=used_gpus(pods),
            budgets_required=budgets_required,
        )
    )
    labels = {facts.name: facts.labels for facts in map(namespace_facts, by_kind.get("Namespace", ()))}
    demands = [
        demand_of(item, catalog=catalog, namespace_labels=labels_of(item.namespace, labels))
        for item in map(objects.inference_deployment, by_kind.get("InferenceDeployment", ()))
    ]
    return Offline(
        world=world,
        demands=tuple(sorted((item for item in demands if isinstance(item, Demand)), key=lambda item: item.key)),
        invalid=invalid,
    )


def labels_of(namespace: str, known: Mapping[str, LabelSet]) -> LabelSet:
    """Return a namespace's labels; the API server itself adds the one with its name."""
    return known.get(namespace, frozenset()) | label_set({"kubernetes.io/metadata.name": namespace})


def _nodes(documents: Iterable[Document] | None) -> tuple[NodeFacts, ...] | None:
    if documents is None:
        return None
    return tuple(facts for item in documents if (facts := node_facts(item)) is not None)


def _is_ours(document: Document) -> bool:
    return str(document.get("apiVersion")).startswith(f"{GROUP}/")


def _error(document: Document) -> InvalidObject | None:
    try:
        parse(document)
    except InvalidObject as error:
        return error
    return None


def _readable(items: Iterable[objects.Platform[objects.Parsed]]) -> list[objects.Parsed]:
    return [item.content for item in items if not isinstance(item.content, objects.Unreadable)]
