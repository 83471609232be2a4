"""Whether the mean request fits into the context: vLLM answers 400 to a request whose prompt and output exceed it.

In: a spec and the facts of its model. Out: the tokens of the mean request as stated, and what is wrong with it in words
that name the fields. Assumed lengths refuse nothing: only what somebody wrote can contradict.
"""

from inferfleet.api.v1alpha1 import InferenceDeploymentSpec
from inferfleet.domain.model import Model


def stated_request(spec: InferenceDeploymentSpec) -> int:
    """Return input plus output tokens of the mean request as far as they are stated, 0 when nothing is."""
    stated = spec.traffic or spec.batch
    return 0 if stated is None else (stated.input_tokens or 0) + (stated.output_tokens or 0)


def request_problem(spec: InferenceDeploymentSpec, model: Model) -> str | None:
    """Say that the context cannot hold the mean request, None when it can."""
    request, where = stated_request(spec), "traffic" if spec.traffic is not None else "batch"
    fields = f"spec.{where}.inputTokens + spec.{where}.outputTokens: a mean request of {request} tokens"
    context = spec.engine.max_model_len
    if context is not None and request > context:
        return f"{fields} does not fit into the {context} of spec.engine.maxModelLen"
    if request > model.max_position_embeddings:
        return f"{fields} does not fit into the {model.max_position_embeddings} positions of {model.id}"
    return None
