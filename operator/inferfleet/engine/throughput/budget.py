"""The token budget of an engine step: what `max_num_batched_tokens` leaves to prompts beside the running sequences.

In: the budget and the request shape. Out: the largest batch whose successors' prompts keep up, and the steps that a
prompt is spread over. Counts tokens only; how long a step takes is `step.py`'s. Source: vLLM
vllm/v1/core/sched/scheduler.py (running sequences first, chunks of prompts with what is left).
"""

from dataclasses import dataclass

from inferfleet.domain.engine import EngineSettings
from inferfleet.domain.traffic import Traffic


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenBudget:
    """Tokens that one step may take, and what one request asks of all steps together.

    `prompt_tokens` are the tokens of a prompt that the prefix cache does not hold.
    """

    per_step: float
    prompt_tokens: float
    output_tokens: float

    def largest_batch(self, prompt_share: float = 1.0) -> float:
        """Return how many sequences may decode so that prompts fill at most `prompt_share` of what they leave.

        One of B sequences ends every output / B steps and the next prompt replaces it, so a step carries B x prompt /
        output tokens of prompts beside its B tokens: B x prompt / output = prompt_share x (budget - B). Below 1 the
        engine spends most of its steps on prompts.
        """
        return prompt_share * self.per_step / (self.prompt_tokens / self.output_tokens + prompt_share)

    def prompt_share(self, batch: float) -> float:
        """Return the share of the tokens left by `batch` sequences that the prompts replacing them take; at most 1."""
        wanted, left = batch * self.prompt_tokens / self.output_tokens, self.per_step - batch
        return wanted / left if wanted < left else 1.0

    def steps(self, batch: float) -> float:
        """Return the steps over which a prompt is spread beside `batch` sequences, at least 1."""
        left = self.per_step - batch
        return max(1.0, self.prompt_tokens / left) if left > 0 else max(1.0, self.prompt_tokens)


def token_budget(engine: EngineSettings, traffic: Traffic) -> TokenBudget:
    """Return the budget of an engine for requests of one shape."""
    return TokenBudget(
        per_step=float(max(1, engine.max_num_batched_tokens)),
        prompt_tokens=traffic.input_tokens * (1 - traffic.prefix_hit_rate),
        output_tokens=float(max(traffic.output_tokens, 1)),
    )
