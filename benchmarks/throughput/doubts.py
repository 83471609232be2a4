"""Which measured rows cannot be what they say, and which are answered with less trust.

In: a `Case`. Out: `CellError` for what no engine runs, or a doubt. Reports label loosely (a checkpoint in 8 bits called
bf16, 220 GiB of weights on one GPU of 140), so only what is far out is refused: those rows were measured, too.
"""

from benchmarks.cases import CellError, Row
from benchmarks.throughput.checkpoints import checkpoint, guessed
from inferfleet.domain.engine import EngineSettings
from inferfleet.domain.gpu import GPU
from inferfleet.domain.memory import GIB
from inferfleet.domain.model import Model
from inferfleet.domain.traffic import Traffic
from inferfleet.engine.memory import checkpoint_bytes, tensor_parallel_problem

# Loosest count of GPUs among the measured rows: weights of 1.57 times the memory that they name.
MOST_WEIGHTS = 1.6
# Rotary embeddings are stretched up to four times the trained context (YaRN, arXiv 2309.00071).
MOST_STRETCH = 4


def refuse_impossible(
    row: Row, model: Model, gpu: GPU, *, engine: EngineSettings, n_gpu: int, traffic: Traffic
) -> None:
    """Raise CellError for a size, a length or weights that no engine runs."""
    size = engine.tensor_parallel_size
    if n_gpu < size:
        raise CellError("n_gpu", row["n_gpu"], f"at least the tensor parallel size, {size}")
    problem = tensor_parallel_problem(model, size, expert_parallel=True)
    if problem is not None:
        raise CellError("tp", str(size), f"a size that divides the model: {problem}")
    longest = MOST_STRETCH * model.max_position_embeddings
    if traffic.input_tokens + traffic.output_tokens > longest:
        raise CellError("isl", row["isl"], f"with osl at most {longest}, {MOST_STRETCH} times the model's context")
    weights = _lightest_gib(row, model)
    if weights > MOST_WEIGHTS * gpu.memory_gib * n_gpu:
        raise CellError("gpu", row["gpu"], f"GPUs that hold {weights:.0f} GiB of weights; here {n_gpu}")


def doubtful(row: Row, model: Model, traffic: Traffic) -> bool:
    """Whether a row leaves open what ran: a model known by its size alone, blank sizes, or a stretched context."""
    unsized = not row["tp"] and not row["n_gpu"]
    stretched = traffic.input_tokens + traffic.output_tokens > model.max_position_embeddings
    return guessed(row["model"]) or unsized or stretched


def _lightest_gib(row: Row, model: Model) -> float:
    """Return GiB of weights in the stated or the published format, whichever is smaller."""
    published = checkpoint(row["model"], "") or model
    return min(checkpoint_bytes(model), checkpoint_bytes(published)) / GIB
