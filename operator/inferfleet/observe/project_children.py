"""`Child` values of raw Deployments, Jobs, Services and PodDisruptionBudgets.

In: documents as the API server sends them. Out: frozen values; the part that can be compared with a manifest is kept
as compact JSON, everything else is dropped. Must not decide whether something drifted.
"""

from dataclasses import replace

from inferfleet.domain.children import DEPLOYMENT_LABEL, HASH_ANNOTATION
from inferfleet.domain.observed import Child, ChildCondition
from inferfleet.domain.packing import pack, unpack
from inferfleet.domain.resources import Document
from inferfleet.observe.engine_arguments import engine_container
from inferfleet.observe.project_pods import time_of

_KEPT_METADATA = ("name", "namespace", "labels", "ownerReferences")
_OURS = "inferfleet.dev/"


def child(document: Document) -> Child:
    """Return the child value of an object that carries our label (whoever controls it)."""
    metadata, status = document["metadata"], document.get("status") or {}
    owner: Document = next((item for item in metadata.get("ownerReferences") or () if item.get("controller")), {})
    return Child(
        api_version=document["apiVersion"],
        kind=document["kind"],
        namespace=metadata["namespace"],
        name=metadata["name"],
        uid=metadata["uid"],
        owner=owner.get("uid") or "",
        deployment=(metadata.get("labels") or {}).get(DEPLOYMENT_LABEL) or "",
        manifest_hash=(metadata.get("annotations") or {}).get(HASH_ANNOTATION) or "",
        content=_content(document),
        deleting=metadata.get("deletionTimestamp") is not None,
        generation=metadata.get("generation") or 0,
        template_generation=metadata.get("generation") or 0,
        observed_generation=status.get("observedGeneration") or 0,
        replicas=status.get("replicas") or 0,
        ready_replicas=status.get("readyReplicas") or 0,
        updated_replicas=status.get("updatedReplicas") or 0,
        active=status.get("active") or 0,
        succeeded=status.get("succeeded") or 0,
        failed=status.get("failed") or 0,
        created=time_of(metadata.get("creationTimestamp")),
        conditions=tuple(_condition(item) for item in status.get("conditions") or ()),
        engine=engine_container(((document.get("spec") or {}).get("template") or {}).get("spec") or {}),
    )


def since_template(known: Child | None, seen: Child) -> Child:
    """Return a child with the generation that brought its pod template, if an earlier version of the child is known.

    Any change of the spec counts as a generation, most of them a change of `replicas`. `kubectl rollout status` and
    kstatus wait for every generation, because they know nothing earlier; a service that grows would end for them.
    """
    if known is None or known.uid != seen.uid or not seen.has_pods:
        return seen
    if known.generation == seen.generation or _template(known) == _template(seen):
        return replace(seen, template_generation=known.template_generation)
    return seen


def _template(item: Child) -> object:
    return (unpack(item.content).get("spec") or {}).get("template")


def _content(document: Document) -> bytes:
    """Return everything that a manifest could have set, packed; of the annotations only our own."""
    metadata = {key: document["metadata"][key] for key in _KEPT_METADATA if key in document["metadata"]}
    annotations = document["metadata"].get("annotations") or {}
    metadata["annotations"] = {key: value for key, value in annotations.items() if key.startswith(_OURS)}
    body = {key: value for key, value in document.items() if key not in ("metadata", "status")}
    return pack({**body, "metadata": metadata})


def _condition(item: Document) -> ChildCondition:
    return ChildCondition(
        type=item["type"],
        status=item["status"],
        reason=item.get("reason") or "",
        message=item.get("message") or "",
        since=time_of(item.get("lastTransitionTime")),
    )
