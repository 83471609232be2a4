"""The `Pool` of a GPUPool object and its nodes.

In: the object, a catalogue, node facts, and what bound pods request per node. Out: a pool whose nodes say how many
GPUs are free and whether work may land there. A node that contradicts the pool is named and not used. Must not
subtract what was promised and is not bound yet; the plan does.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import date

from inferfleet.api.quantities import parse_quantity
from inferfleet.api.v1alpha1 import GPUPool
from inferfleet.api.v1alpha1.metadata import Toleration as TolerationSpec
from inferfleet.catalog.gpu_resource import resource_problem
from inferfleet.catalog.node_gpu import Identified
from inferfleet.domain.gpu import GPU, Price
from inferfleet.domain.observed import NodeFacts
from inferfleet.domain.world import LabelValues, Node, Pool, Toleration
from inferfleet.observe.catalog import Catalog
from inferfleet.observe.node_fit import (
    NodeFit,
    other_gpu,
    partial_gpus,
    spot_mark,
    spot_marks,
    telling_labels,
    untolerated,
)
from inferfleet.observe.used_gpus import Used
from inferfleet.render import tolerated

# Nodes that a message names.
SHOWN = 3


def pool_of(
    item: GPUPool,
    *,
    catalog: Catalog,
    nodes: Iterable[NodeFacts] | None,
    used: Used,
    price_date: date | None = None,
) -> Pool:
    """Return the pool with its nodes; `nodes` None: the nodes are not known (files without any).

    `price_date` is the day of the pool's own price, None when nobody can tell.
    """
    spec, gpu = item.spec, catalog.gpu(item.spec.gpu_type)
    mine = tuple(sorted(members(spec.node_selector.items(), nodes or ()), key=lambda node: node.name))
    tolerations = tuple(_toleration(toleration) for toleration in spec.tolerations)
    fits = _fits(mine, item, catalog, tolerations)
    views = tuple(_node(fit, spec.gpu_resource_name, used) for fit in fits)
    whole_gpus = not views or any(not node.shared and not node.mig for node in views)
    trouble = problem(item, catalog, mine)
    allocatable = spec.node_allocatable
    return Pool(
        name=item.metadata.name,
        gpu_type=spec.gpu_type,
        gpu=gpu,
        gpus_per_node=spec.gpus_per_node,
        capacity_type=spec.capacity_type,
        node_selector=_selector(item),
        tolerations=tolerations,
        gpu_resource_name=spec.gpu_resource_name,
        region=spec.region,
        max_nodes=spec.max_nodes,
        price=price_of(item, gpu, price_date),
        interconnect=spec.interconnect,
        namespace_selector=spec.namespace_selector,
        compliance=spec.compliance,
        node_cpu=parse_quantity(str(allocatable.cpu)) if allocatable and allocatable.cpu is not None else None,
        node_memory_bytes=int(parse_quantity(str(allocatable.memory)))
        if allocatable and allocatable.memory is not None
        else None,
        nodes=views,
        nodes_known=nodes is not None,
        memory_mib=_least_memory(views, gpu),
        whole_gpus=whole_gpus,
        problem=trouble,
        left_out=tuple(text for fit in fits if (text := fit.left_out) is not None),
        # A pool with only such nodes gets no new work, and what runs there must not be restarted.
        avoided=telling_labels(fits, spec.gpu_resource_name, _selector(item)) if whole_gpus and trouble is None else (),
    )


def price_of(item: GPUPool, gpu: GPU | None, price_date: date | None = None) -> Price | None:
    """Return what a GPU-hour of the pool costs: its own price, else its GPU type's for the capacity type.

    None when nobody states one. Missing is not zero; zero is a price (owned hardware). `price_date` is the day of the
    pool's own price, None when nobody can tell.
    """
    spec = item.spec
    if spec.usd_per_gpu_hour is None:
        return gpu.price(spec.capacity_type) if gpu else None
    return Price(
        capacity_type=spec.capacity_type,
        usd_per_gpu_hour=spec.usd_per_gpu_hour,
        source=f"pool {item.metadata.name}",
        date=price_date,
    )


def counted_once(pools: Iterable[Pool]) -> tuple[Pool, ...]:
    """Return the pools with every node in the first, by name, that selects it: no GPU is promised twice."""
    owner: dict[str, str] = {}
    result = []
    for pool in sorted(pools, key=lambda pool: pool.name):
        shared = [node.name for node in pool.nodes if node.name in owner]
        if shared:
            others = ", ".join(sorted({owner[name] for name in shared}))
            names = ", ".join(shared[:SHOWN]) + (f" and {len(shared) - SHOWN} more" if len(shared) > SHOWN else "")
            most = None if pool.max_nodes is None else max(0, pool.max_nodes - len(shared))
            pool = replace(  # noqa: PLW2901 - the pool as it is to be used
                pool,
                nodes=tuple(node for node in pool.nodes if node.name not in owner),
                max_nodes=most,
                counted_elsewhere=f"spec.nodeSelector also selects {names}, counted in {others}",
            )
        owner |= {node.name: pool.name for node in pool.nodes}
        result.append(pool)
    return tuple(result)


def members(selector: Iterable[tuple[str, str]], nodes: Iterable[NodeFacts]) -> Iterator[NodeFacts]:
    """Yield the nodes of a pool: those that carry all labels of its selector."""
    wanted = frozenset(selector)
    return (node for node in nodes if wanted <= node.labels)


def detected(catalog: Catalog, nodes: Iterable[NodeFacts]) -> tuple[str, ...]:
    """Return the GPU types that the nodes' labels show, sorted; nodes that cannot be identified are left out."""
    found = {reading.gpu_type for node in nodes if isinstance(reading := catalog.identify(node.labels), Identified)}
    return tuple(sorted(found))


def problem(item: GPUPool, catalog: Catalog, nodes: Iterable[NodeFacts]) -> str | None:
    """Return why the pool cannot be used as it is described, None when it can."""
    wanted = item.spec.gpu_type
    gpu = catalog.gpu(wanted)
    if gpu is None:
        return f"spec.gpuType: {wanted} is neither in the built-in catalogue nor a GPUType"
    mismatch = resource_problem(gpu, item.spec.gpu_resource_name)
    if mismatch is not None:
        return mismatch
    found = detected(catalog, nodes)
    others = [name for name in found if name != wanted]
    if others and wanted not in found:
        return f"spec.gpuType says {wanted}, but the nodes carry {', '.join(others)}"
    return None


def objection(node: NodeFacts, item: GPUPool, catalog: Catalog) -> str | None:
    """Return why a node's labels forbid its use in this pool, None when they do not.

    Without a label that names a product the pool's own statement counts; an unknown product forbids the use.
    """
    marks = spot_marks(_selector(item), item.spec.capacity_type)
    return other_gpu(node, catalog.identify(node.labels), item.spec.gpu_type) or spot_mark(node, marks)


def _fits(
    nodes: Iterable[NodeFacts], item: GPUPool, catalog: Catalog, declared: tuple[Toleration, ...]
) -> tuple[NodeFit, ...]:
    spec = item.spec
    marks = spot_marks(_selector(item), spec.capacity_type)
    tolerations = tolerated(declared, gpu_resource_name=spec.gpu_resource_name, capacity_type=spec.capacity_type)
    return tuple(
        NodeFit(
            node=node,
            reading=(reading := catalog.identify(node.labels)),
            contradiction=other_gpu(node, reading, spec.gpu_type),
            spot=spot_mark(node, marks),
            partial=partial_gpus(node, reading),
            taint=untolerated(node, tolerations),
        )
        for node in nodes
    )


def _node(fit: NodeFit, resource: str, used: Used) -> Node:
    node = fit.node
    gpus = dict(node.allocatable).get(resource, 0)
    known = fit.reading if isinstance(fit.reading, Identified) else None
    barred = fit.contradiction is not None or fit.spot is not None
    return Node(
        name=node.name,
        gpus=gpus,
        free=max(0, gpus - used.get(node.name, {}).get(resource, 0)),
        schedulable=node.ready and not node.cordoned and not barred and fit.taint is None,
        memory_mib=known.memory_mib if known and not barred else None,
        shared=known.shared if known else False,
        mig=known.mig_profile is not None if known else False,
    )


def _selector(item: GPUPool) -> LabelValues:
    return tuple(sorted(item.spec.node_selector.items()))


def _least_memory(nodes: Iterable[Node], gpu: GPU | None) -> int | None:
    """Return the least memory that a usable node reports, None where that is not less than the type's."""
    figures = [node.memory_mib for node in nodes if node.schedulable and node.memory_mib and not node.mig]
    if not figures or gpu is None or min(figures) >= gpu.memory_mib:
        return None
    return min(figures)


def _toleration(item: TolerationSpec) -> Toleration:
    return Toleration(
        key=item.key or "", operator=str(item.operator), value=item.value or "", effect=str(item.effect or "")
    )
