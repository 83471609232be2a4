"""The KV cache: bytes per block, what one request needs, how many tokens a pool holds.

In: model facts and engine settings. Out: a `CacheLayout` and answers about it. Pure. Source: vLLM 0.11.0 and 0.32.0
v1/core/kv_cache_utils.py and v1/kv_cache_interface.py (grouping, page sizes, bytes of one request).
"""

import math
from dataclasses import dataclass

from inferfleet.catalog.memory_laws import MemoryLaw
from inferfleet.domain.engine import EngineSettings
from inferfleet.domain.model import LinearAttention, Model
from inferfleet.engine.memory.matrices import local_heads

BLOCK_TOKENS = 16  # vLLM's default block size on CUDA
ONE_BYTE_CACHES = ("fp8", "int8")
GROUP_MERGE_RATIO = 1.5  # kinds of nearly equal size form one group each (_get_kv_cache_groups_uniform_page_size)
STATE_BYTES = 2  # the recurrent state follows the model's 16 bits when mamba_cache_dtype is auto
UNPACKED_LATENT_HEAD = 256  # before MLA support vLLM cached DeepSeek-V2 unpacked, padded to 256 per head


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheLayout:
    """How the pool of one GPU is cut into blocks.

    A block holds `block_tokens` tokens of `group_layers` layers and takes `block_bytes`. Of the groups, `full_groups`
    grow with the request, `window_groups` stop at `window_tokens`, `state_groups` hold one block for each request.
    """

    block_tokens: int
    block_bytes: float
    full_groups: int
    window_groups: int
    window_tokens: int
    state_groups: int

    @property
    def groups(self) -> int:
        """Number of groups that share the pool."""
        return self.full_groups + self.window_groups + self.state_groups

    def blocks(self, pool_bytes: float) -> int:
        """Blocks in a pool, rounded down; 0 for a negative pool."""
        return max(0, int(pool_bytes // self.block_bytes))

    def request_blocks(self, tokens: int) -> int:
        """Blocks that one request of this many tokens holds at its peak."""
        full = self.full_groups * math.ceil(tokens / self.block_tokens)
        window = self.window_groups * self._window_blocks(tokens)
        return full + window + self.state_groups

    def request_bytes(self, tokens: int) -> float:
        """Bytes that one request of this many tokens needs."""
        return self.request_blocks(tokens) * self.block_bytes

    def longest_request(self, pool_bytes: float) -> int:
        """Largest number of tokens of one request that the pool holds; 0 when it holds none.

        Without full-attention layers a request of any length fits once its window does; then the answer has no bound
        and is returned as a very large number that the model's own limit cuts off.
        """
        free = self.blocks(pool_bytes) - self.state_groups
        if free <= 0:
            return 0
        window_blocks = self._window_blocks(self.window_tokens)
        within_window = free // (self.full_groups + self.window_groups) * self.block_tokens
        beyond = free - self.window_groups * window_blocks
        if self.window_groups == 0 or (beyond >= 0 and self.full_groups == 0):
            return within_window if self.full_groups else UNBOUNDED
        if beyond > 0 and beyond // self.full_groups * self.block_tokens > self.window_tokens:
            return beyond // self.full_groups * self.block_tokens
        spare = free - self.window_groups  # every window group holds one block more than its tokens need
        return max(0, spare // (self.full_groups + self.window_groups) * self.block_tokens)

    def _window_blocks(self, tokens: int) -> int:
        return math.ceil(min(tokens, self.window_tokens) / self.block_tokens) + 1


UNBOUNDED = 2**40


def element_bytes(engine: EngineSettings) -> float:
    """Bytes of one cached value: 1 for 8-bit caches, else the computation type's."""
    if engine.kv_cache_dtype.startswith(ONE_BYTE_CACHES):
        return 1.0
    if engine.kv_cache_dtype in {"auto", ""}:
        return 4.0 if engine.dtype == "float32" else 2.0
    return 4.0 if engine.kv_cache_dtype == "float32" else 2.0


def cache_layout(model: Model, engine: EngineSettings, law: MemoryLaw, layers: int) -> CacheLayout:
    """Return the layout for a stage of `layers` layers (all layers without pipeline parallelism)."""
    token_bytes = layer_token_bytes(model, engine, law)
    cached = layers - round(model.num_kv_shared_layers * layers / model.num_hidden_layers)
    linear, window = model.linear_attention, model.sliding_window
    if linear is not None:
        return _hybrid_layout(linear, engine, cached, token_bytes)
    sliding = round(window.num_layers * cached / model.num_hidden_layers) if window is not None else 0
    if window is None or sliding == 0 or not law.layer_groups:
        return _layout(token_bytes * cached, full=1)
    reach = window.window - 1 + engine.max_num_batched_tokens
    if sliding == cached:
        return _layout(token_bytes * cached, full=0, window=1, reach=reach)
    smaller, larger = sorted((sliding, cached - sliding))
    group = larger if larger < smaller * GROUP_MERGE_RATIO else smaller
    return _layout(
        token_bytes * group,
        full=math.ceil((cached - sliding) / group),
        window=math.ceil(sliding / group),
        reach=reach,
    )


def layer_token_bytes(model: Model, engine: EngineSettings, law: MemoryLaw) -> float:
    """Bytes of one token in one layer on one GPU: key and value of the local heads, or the MLA vector, undivided."""
    size = element_bytes(engine)
    latent = model.latent_attention
    if latent is not None and law.latent_cache:
        index = (latent.index_head_dim or 0) * 1.03125  # one byte a value and a 32-bit scale per 128
        return (latent.kv_lora_rank + latent.qk_rope_head_dim) * size + index
    if latent is not None:
        return 2 * local_heads(model.num_attention_heads, engine.tensor_parallel_size) * UNPACKED_LATENT_HEAD * size
    return 2 * local_heads(model.num_key_value_heads, engine.tensor_parallel_size) * model.head_dim * size


def _layout(token_bytes: float, *, full: int, window: int = 0, reach: int = 0) -> CacheLayout:
    return CacheLayout(
        block_tokens=BLOCK_TOKENS,
        block_bytes=token_bytes * BLOCK_TOKENS,
        full_groups=full,
        window_groups=window,
        window_tokens=reach,
        state_groups=0,
    )


def _hybrid_layout(linear: LinearAttention, engine: EngineSettings, layers: int, token_bytes: float) -> CacheLayout:
    """Gated delta net layers hold one state per request; attention blocks grow until a block is as large as a state.

    Source: vLLM model_executor/models/config.py (HybridAttentionMambaModelConfig) and layers/mamba/mamba_utils.py.
    """
    keys = linear.num_key_heads * linear.key_head_dim
    values = linear.num_value_heads * linear.value_head_dim
    convolution = (2 * keys + values) * (linear.convolution_kernel - 1)
    state = (convolution + values * linear.key_head_dim) / engine.tensor_parallel_size * STATE_BYTES
    tokens = max(1, math.ceil(state / (token_bytes * BLOCK_TOKENS))) * BLOCK_TOKENS
    full_layers = max(1, layers // linear.full_attention_interval)
    return CacheLayout(
        block_tokens=tokens,
        block_bytes=token_bytes * tokens * full_layers,
        full_groups=1,
        window_groups=0,
        window_tokens=0,
        state_groups=math.ceil((layers - full_layers) / full_layers),
    )
