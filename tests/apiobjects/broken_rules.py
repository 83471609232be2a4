"""One object per cross-field rule that breaks this rule alone, with the message that users must read.

In: the good objects. Out: `BROKEN_RULES`, cases with a name, the changes to a good object and the message.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tests.apiobjects.good import Document, good

DELETED = object()
"""Stands for a field that is taken away."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Broken:
    """A good object with changes that make it bad, and what the refusal must say."""

    name: str
    base: str
    changes: dict[str, Any]
    message: str

    def document(self) -> Document:
        """Return the bad object."""
        document = good(self.base)
        for path, value in self.changes.items():
            change(document, path, value)
        return document


def change(document: Document, path: str, value: object) -> None:
    """Set or delete one field, named by dots; numbers are positions in lists, and missing objects are made."""
    *parents, last = path.split(".")
    node: Any = document
    for step in parents:
        node = node[int(step)] if isinstance(node, list) else node.setdefault(step, {})
    key: Any = int(last) if isinstance(node, list) else last
    if value is DELETED:
        del node[key]
    else:
        node[key] = value


_SAME_PLACE = "input and output must not be the same place"
_PATH = "path must be relative, without '.', '..' and '//'"
_VALUES = "values is required for In and NotIn, and forbidden for Exists and DoesNotExist"
_TOLERATION = "value is forbidden with operator Exists, and key is required with operator Equal"
_NAME = "metadata.name must be a DNS-1035 label of at most 45 characters"


def _case(name: str, base: str, message: str, changes: dict[str, Any]) -> Broken:
    return Broken(name=name, base=base, changes=changes, message=message)


def _model_cases() -> tuple[Broken, ...]:
    one_of = "exactly one of id and profileRef is required"
    profile = {"name": "my-model"}
    return (
        _case("two models", "real time", one_of, {"spec.model.profileRef": profile}),
        _case("no model", "real time", one_of, {"spec.model.id": DELETED}),
        _case(
            "weights in a claim without its name",
            "batch in volumes",
            "claimName is required when source is PersistentVolumeClaim",
            {"spec.model.claimName": DELETED},
        ),
        _case(
            "a claim beside Hugging Face",
            "real time",
            "claimName and path need source PersistentVolumeClaim",
            {"spec.model.claimName": "weights"},
        ),
        _case("weights at an absolute path", "batch in volumes", _PATH, {"spec.model.path": "/llm"}),
        _case("weights outside the claim", "batch in volumes", _PATH, {"spec.model.path": "llm/../../etc"}),
        _case(
            "an image without a version",
            "real time",
            "version is required when image is set",
            {"spec.engine.version": DELETED},
        ),
        _case(
            "context limits in the wrong order",
            "real time",
            "minModelLen must not be larger than maxModelLen",
            {"spec.engine.minModelLen": 8193},
        ),
        _case(
            "fewer tokens than sequences in one engine step",
            "real time",
            "maxNumBatchedTokens must not be smaller than maxNumSeqs",
            {"spec.engine.maxNumBatchedTokens": 255},
        ),
    )


def _workload_cases() -> tuple[Broken, ...]:
    batch = {"input": {"url": "https://example.com/in"}, "output": {"s3": {"bucket": "out", "key": "out"}}}
    traffic = {"requestsPerSecond": "4", "inputTokens": 1, "outputTokens": 1}
    return (
        _case(
            "no traffic", "real time", "traffic is required when workload.class is RealTime", {"spec.traffic": DELETED}
        ),
        _case(
            "no batch", "batch in volumes", "batch is required when workload.class is Batch", {"spec.batch": DELETED}
        ),
        _case(
            "a batch in real time",
            "real time",
            "batch is not used when workload.class is RealTime",
            {"spec.batch": batch},
        ),
        _case(
            "traffic on a batch",
            "batch in volumes",
            "traffic is not used when workload.class is Batch",
            {"spec.traffic": traffic},
        ),
        _case(
            "replica limits in the wrong order",
            "real time",
            "minReplicas must not be larger than maxReplicas",
            {"spec.scaling.minReplicas": 7},
        ),
    )


def _batch_cases() -> tuple[Broken, ...]:
    one_input = "exactly one of persistentVolumeClaim, urlSecretRef, s3 and url is required"
    one_output = "exactly one of persistentVolumeClaim, urlSecretRef and s3 is required"
    claim, secret = {"claimName": "prompts", "path": "x"}, {"name": "prompts", "key": "input"}
    volumes = "batch in volumes"
    return (
        _case("two inputs", volumes, one_input, {"spec.batch.input.url": "https://example.com/in"}),
        _case("no input", volumes, one_input, {"spec.batch.input": {}}),
        _case("two outputs", volumes, one_output, {"spec.batch.output.urlSecretRef": secret}),
        _case("no output", volumes, one_output, {"spec.batch.output": {}}),
        _case("an absolute input", volumes, _PATH, {"spec.batch.input.persistentVolumeClaim.path": "/in"}),
        _case(
            "an input outside its volume", volumes, _PATH, {"spec.batch.input.persistentVolumeClaim.path": "a/../../b"}
        ),
        _case("an input written in two ways", volumes, _PATH, {"spec.batch.input.persistentVolumeClaim.path": "./in"}),
        _case(
            "an input with an empty part",
            volumes,
            _PATH,
            {"spec.batch.input.persistentVolumeClaim.path": "d//in.jsonl"},
        ),
        _case("an output outside its volume", volumes, _PATH, {"spec.batch.output.persistentVolumeClaim.path": ".."}),
        _case(
            "the input overwritten",
            volumes,
            _SAME_PLACE,
            {"spec.batch.input.persistentVolumeClaim": claim, "spec.batch.output.persistentVolumeClaim": claim},
        ),
        _case(
            "the input overwritten through a slash",
            volumes,
            _SAME_PLACE,
            {
                "spec.batch.input.persistentVolumeClaim": claim,
                "spec.batch.output.persistentVolumeClaim": {**claim, "path": "x/"},
            },
        ),
        _case(
            "the input overwritten although it ends in a slash",
            volumes,
            _SAME_PLACE,
            {
                "spec.batch.input.persistentVolumeClaim": {**claim, "path": "x/"},
                "spec.batch.output.persistentVolumeClaim": claim,
            },
        ),
        _case(
            "the input object overwritten",
            "batch in object stores",
            _SAME_PLACE,
            {"spec.batch.output.s3.key": "in.jsonl"},
        ),
        _case(
            "the input URL overwritten",
            "batch behind secret URLs",
            _SAME_PLACE,
            {"spec.batch.output.urlSecretRef.key": "input"},
        ),
    )


def _platform_cases() -> tuple[Broken, ...]:
    experts = "numExpertsPerTok and moeIntermediateSize are required when numExperts is set"
    heads = "numKeyValueHeads must not be larger than numAttentionHeads"
    requirement = "matchExpressions.0"
    return (
        _case(
            "node limits in the wrong order", "pool", "minNodes must not be larger than maxNodes", {"spec.minNodes": 9}
        ),
        _case(
            "GPUs under the name of something else",
            "pool",
            "gpuResourceName must be nvidia.com/gpu or amd.com/gpu",
            {"spec.gpuResourceName": "cpu"},
        ),
        _case("a value that is not compared", "pool", _TOLERATION, {"spec.tolerations.0.value": "x"}),
        _case("a comparison without a key", "pool", _TOLERATION, {"spec.tolerations.1.key": DELETED}),
        _case("In without values", "pool", _VALUES, {f"spec.namespaceSelector.{requirement}.values": DELETED}),
        _case("Exists with values", "pool", _VALUES, {f"spec.namespaceSelector.{requirement}.operator": "Exists"}),
        _case("NotIn without values", "budget", _VALUES, {f"spec.namespaceSelector.{requirement}.values": DELETED}),
        _case("more key heads than query heads", "model profile", heads, {"spec.config.numKeyValueHeads": 33}),
        _case("experts without a width", "model profile", experts, {"spec.config.moeIntermediateSize": DELETED}),
        _case("experts that no token visits", "model profile", experts, {"spec.config.numExpertsPerTok": DELETED}),
        _case(
            "more hours than a month has",
            "budget",
            "hoursPerMonth must be at most 744",
            {"spec.commitments.0.hoursPerMonth": "744.1"},
        ),
    )


def _route_cases() -> tuple[Broken, ...]:
    one_of = "exactly one of deploymentRef and provider is required"
    return (
        _case("a backend that is two", "route", one_of, {"spec.backends.1.deploymentRef": {"name": "chat"}}),
        _case("a backend that is none", "route", one_of, {"spec.backends.0.deploymentRef": DELETED}),
        _case(
            "two gateways without Redis",
            "route",
            "redisSecretRef is required when replicas is larger than 1",
            {"spec.redisSecretRef": DELETED},
        ),
    )


def _name_cases() -> tuple[Broken, ...]:
    names = {"a long name": "a" * 46, "a name that starts with a digit": "1chat", "a name with a dot": "chat.v2"}
    return tuple(
        _case(f"{words} for a {base} object", base, _NAME, {"metadata.name": name})
        for words, name in names.items()
        for base in ("real time", "route")
    )


BROKEN_RULES = (
    *_model_cases(),
    *_workload_cases(),
    *_batch_cases(),
    *_platform_cases(),
    *_route_cases(),
    *_name_cases(),
)
"""Every rule at least once; a test says when one is missing."""
