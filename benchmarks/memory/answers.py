"""What an estimator says about a case, in one shape for ours and for the peers'.

In: a case. Out: an `Answer`, None where the case cannot be judged. GiB are per GPU.
"""

from collections.abc import Callable
from dataclasses import dataclass

from benchmarks.cases import CellError
from benchmarks.memory.cases import Case
from inferfleet.domain.memory import Fit
from inferfleet.domain.model import UnknownModel
from inferfleet.engine.memory import estimate, tensor_parallel_problem


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """Weights and pool in GiB per GPU and a verdict; terms and tokens only where the estimator knows them."""

    weights_gib: float
    kv_cache_gib: float
    fit: Fit
    activation_gib: float | None = None
    non_torch_gib: float | None = None
    cuda_graph_gib: float | None = None
    kv_cache_tokens: int | None = None
    max_concurrency: float | None = None


Estimator = Callable[[Case], Answer | None]


def ours(case: Case) -> Answer | None:
    """Answer with the memory model of this project; None for unknown models and settings that it refuses."""
    try:
        return answer(case)
    except ValueError:
        return None


def answer(case: Case) -> Answer:
    """Answer with the memory model of this project. Raises ValueError, naming the field, where it has no answer."""
    if isinstance(case.model, UnknownModel):
        raise CellError("model_id", case.model.id, "a model of `inferfleet catalog models`")
    found = estimate(case.model, case.gpu, case.engine, usable_gib=case.usable_gib)
    size, whole_experts = case.engine.tensor_parallel_size, case.engine.expert_parallel
    refused = tensor_parallel_problem(case.model, size, expert_parallel=whole_experts) is not None
    return Answer(
        weights_gib=found.weights_gib,
        activation_gib=found.activation_gib,
        non_torch_gib=found.non_torch_gib,
        cuda_graph_gib=found.cuda_graph_gib,
        kv_cache_gib=found.kv_cache_gib,
        kv_cache_tokens=found.kv_cache_tokens,
        max_concurrency=found.max_concurrency,
        fit=Fit.DOES_NOT_FIT if refused else found.fit,
    )
