"""The decision as a whole: what is chosen, why, and what is said when nothing can be."""

from dataclasses import replace
from decimal import Decimal

import pytest

from inferfleet.api.enums import CapacityType
from inferfleet.api.reasons import ReadyReason, Reason, Verdict
from inferfleet.domain.decision import Decision
from inferfleet.domain.demand import Demand
from inferfleet.domain.model import UnknownModel
from inferfleet.domain.world import UnreadablePolicy, World
from inferfleet.plan import decide
from tests.builders import BATCH, LLAMA_70B, demand, holding, placed, policy, pool, world

L40S, H100, L4, A100, T4 = (
    pool("l40s-od", "nvidia-l40s-48gb", usd="1.86"),
    pool("h100-od", "nvidia-h100-80gb", usd="10.98", gpus_per_node=8),
    pool("l4-od", "nvidia-l4-24gb", usd="0.80", gpus_per_node=1, nodes=20),
    pool("a100-od", "nvidia-a100-80gb", usd="3.43", gpus_per_node=8),
    pool("t4-od", "nvidia-t4-16gb", usd="0.53"),
)
AWQ = "Qwen/Qwen2.5-14B-Instruct-AWQ"
RELAXED = {"timePerOutputTokenMilliseconds": 200}
SPOT = pool("l40s-spot", "nvidia-l40s-48gb", usd="0.95", capacity_type=CapacityType.SPOT)


def one(where: World, what: Demand) -> Decision:
    (decision,) = decide(where, [what])
    return decision


def reasons(decision: Decision) -> dict[str, Reason]:
    """The reason of each pool's first candidate in the record."""
    found: dict[str, Reason] = {}
    for candidate in decision.candidates:
        found.setdefault(candidate.pool, candidate.reason)
    return found


def test_the_cheapest_pool_that_works_is_chosen_and_stands_first() -> None:
    decision = one(world(H100, A100, L40S), demand())
    assert decision.blocked is None
    assert (placed(decision).pool, decision.candidates[0].reason) == ("l40s-od", Reason.CHEAPEST)


def test_dearer_candidates_are_feasible_and_say_by_how_much() -> None:
    decision = one(world(A100, L40S), demand())
    dearer = next(item for item in decision.candidates if item.pool == "a100-od")
    assert (dearer.verdict, dearer.reason) == (Verdict.FEASIBLE, Reason.MORE_EXPENSIVE)
    assert "more than the chosen one" in dearer.message


def test_the_cost_is_gpus_times_price_times_730_hours() -> None:
    decision = one(world(L40S), demand())
    placement = placed(decision)
    assert decision.run_rate.month.usd == placement.replicas * placement.tensor_parallel_size * Decimal("1.86") * 730


def test_a_70b_model_takes_several_gpus_of_one_node() -> None:
    decision = one(world(L40S, A100), demand(model={"id": LLAMA_70B}, traffic={"requestsPerSecond": "0.2"}))
    assert placed(decision).tensor_parallel_size >= 2


def test_real_time_work_keeps_off_spot_by_default() -> None:
    decision = one(world(L40S, SPOT), demand())
    assert placed(decision).pool == "l40s-od"
    assert reasons(decision)["l40s-spot"] is Reason.CAPACITY_TYPE_NOT_ALLOWED


def test_spot_for_real_time_needs_the_tenant_and_the_policy() -> None:
    asking = demand(placement={"spotPolicy": "Allowed"})
    alone = one(world(L40S, SPOT), asking)
    agreed = one(world(L40S, SPOT, policies=[policy(spot={"realTime": "Allowed"})]), asking)
    assert (placed(alone).pool, placed(agreed).pool) == ("l40s-od", "l40s-spot")


def test_batch_runs_on_spot_although_on_demand_is_free() -> None:
    decision = one(world(L40S, SPOT), demand(base=BATCH))
    assert placed(decision).pool == "l40s-spot"
    assert reasons(decision)["l40s-od"] is Reason.CAPACITY_TYPE_NOT_ALLOWED


def test_batch_leaves_spot_when_no_spot_pool_can_hold_it() -> None:
    small = replace(SPOT, gpu_type="nvidia-t4-16gb", gpu=T4.gpu, gpus_per_node=1)
    assert placed(one(world(L40S, small), demand(base=BATCH))).pool == "l40s-od"


def test_batch_waits_on_spot_when_a_policy_says_wait() -> None:
    small = replace(SPOT, gpu_type="nvidia-t4-16gb", gpu=T4.gpu, gpus_per_node=1)
    waiting = policy(spot={"batchFallback": "Wait"})
    assert one(world(L40S, small, policies=[waiting]), demand(base=BATCH)).placements == ()


def test_batch_without_size_and_deadline_names_the_fields() -> None:
    decision = one(world(SPOT), demand(base=BATCH, batch={"requests": None, "deadlineSeconds": None}))
    assert decision.blocked is ReadyReason.INVALID_SPEC
    assert "requests or deadlineSeconds" in decision.message


@pytest.mark.parametrize(
    ("change", "where", "reason"),
    [
        ({"placement": {"gpuTypes": ["nvidia-h100-80gb"]}}, L40S, Reason.GPU_TYPE_NOT_ALLOWED),
        ({"placement": {"pools": ["elsewhere"]}}, L40S, Reason.POOL_NOT_ALLOWED),
        ({"placement": {"regions": ["eu-west-1"]}}, L40S, Reason.REGION_NOT_ALLOWED),
        ({"compliance": {"standards": ["HIPAA"]}}, L40S, Reason.COMPLIANCE_NOT_MET),
        ({"compliance": {"dataResidency": ["eu"]}}, L40S, Reason.COMPLIANCE_NOT_MET),
        ({"compliance": {"airGapped": True}}, L40S, Reason.COMPLIANCE_NOT_MET),
        ({"placement": {"spotPolicy": "Required"}}, L40S, Reason.CAPACITY_TYPE_NOT_ALLOWED),
        ({}, replace(L40S, whole_gpus=False), Reason.SHARED_GPU),
        ({}, replace(L40S, gpu_resource_name="nvidia.com/mig-1g.10gb"), Reason.SHARED_GPU),
        ({}, replace(L40S, gpu_resource_name="nvidia.com/gpu.shared"), Reason.SHARED_GPU),
        ({}, replace(L40S, gpu_resource_name="amd.com/gpu"), Reason.POOL_NOT_ALLOWED),
        ({"engine": {"name": "TGI"}}, L40S, Reason.ENGINE_NOT_SUPPORTED),
        ({}, T4, Reason.PRECISION_NOT_SUPPORTED),
        ({"model": {"quantization": "fp8"}}, A100, Reason.PRECISION_NOT_SUPPORTED),
        ({"model": {"quantization": "awq"}}, L40S, Reason.PRECISION_NOT_SUPPORTED),
        ({"model": {"quantization": "mxfp4"}}, H100, Reason.PRECISION_NOT_SUPPORTED),
        ({"model": {"id": AWQ, "quantization": "fp8"}}, L40S, Reason.PRECISION_NOT_SUPPORTED),
        ({"model": {"id": LLAMA_70B}}, replace(L4, nodes=()), Reason.DOES_NOT_FIT),
        ({"engine": {"maxModelLen": 131072}}, L4, Reason.CONTEXT_DOES_NOT_FIT),
        ({"objectives": {"timePerOutputTokenMilliseconds": 2}}, L40S, Reason.TOO_SLOW),
        ({"objectives": {"timeToFirstTokenMilliseconds": 30}}, L40S, Reason.TOO_SLOW),
        ({}, replace(L40S, nodes=()), Reason.NO_CAPACITY),
        ({}, replace(L40S, price=None), Reason.NO_PRICE),
    ],
)
def test_each_obstacle_has_its_own_reason(change: dict[str, object], where: object, reason: Reason) -> None:
    decision = one(world(where), demand(**change))  # type: ignore[arg-type]
    assert decision.placements == ()
    assert reasons(decision)[decision.candidates[0].pool] is reason


def test_a_gpu_under_the_resource_of_another_vendor_names_what_is_accepted() -> None:
    mi300x = pool("mi300x", "amd-mi300x-192gb", gpu_resource_name="nvidia.com/gpu")
    message = one(world(mi300x), demand()).candidates[0].message
    assert "spec.gpuResourceName: nvidia.com/gpu does not offer amd-mi300x-192gb" in message
    assert "accepted: amd.com/gpu" in message


def test_a_tensor_parallel_size_that_does_not_divide_the_heads_is_named() -> None:
    three = replace(L40S, gpus_per_node=3)
    decision = one(world(three), demand())
    refused = next(item for item in decision.candidates if item.tensor_parallel_size == 3)
    assert refused.reason is Reason.TENSOR_PARALLEL_NOT_DIVISIBLE


def test_the_limit_of_tensor_parallel_size_is_kept() -> None:
    decision = one(world(L40S), demand(model={"id": LLAMA_70B}, placement={"maxTensorParallelSize": 1}))
    assert decision.blocked is ReadyReason.MODEL_DOES_NOT_FIT
    assert {item.reason for item in decision.candidates} == {Reason.DOES_NOT_FIT, Reason.TOO_MANY_GPUS}


def test_the_reason_is_that_of_the_candidate_that_got_furthest() -> None:
    decision = one(world(T4, replace(L40S, nodes=())), demand())
    assert decision.blocked is ReadyReason.NO_CAPACITY


def test_nothing_matches_without_pools_and_says_what_to_do() -> None:
    decision = one(world(), demand())
    assert decision.blocked is ReadyReason.NO_MATCHING_POOL
    assert "GPUPool" in decision.message


def test_a_context_is_shortened_only_with_consent() -> None:
    asked = {"maxModelLen": 131072}
    refused = one(world(L4), demand(engine=asked, objectives=RELAXED))
    agreed = one(world(L4), demand(engine=asked | {"minModelLen": 4096}, objectives=RELAXED))
    assert refused.placements == ()
    assert 4096 <= placed(agreed).engine.max_model_len < 131072


def test_an_unknown_model_is_not_guessed() -> None:
    unknown = replace(demand(), model=UnknownModel(id="acme/x", message="no facts about acme/x: add a ModelProfile"))
    decision = one(world(L40S), unknown)
    assert (decision.blocked, decision.placements) == (ReadyReason.MODEL_UNKNOWN, ())


def test_a_policy_that_cannot_be_understood_blocks_what_it_could_match() -> None:
    unreadable = UnreadablePolicy(name="broken", message="spec.timeZone: 'Mars' is no time zone")
    decision = one(world(L40S, unreadable_policies=(unreadable,)), demand())
    assert (decision.blocked, decision.placements) == (ReadyReason.BUDGET_UNREADABLE, ())
    assert "Mars" in decision.message


def test_without_a_policy_work_is_admitted_unless_one_is_required() -> None:
    free = one(world(L40S), demand())
    required = one(world(L40S, budgets_required=True), demand())
    assert (free.budget.reason, required.blocked) == ("NoPolicy", ReadyReason.OVER_BUDGET)


def test_a_context_beyond_the_model_is_an_invalid_spec() -> None:
    decision = one(world(L40S), demand(engine={"maxModelLen": 500000}))
    assert decision.blocked is ReadyReason.INVALID_SPEC
    assert "spec.engine.maxModelLen" in decision.message


def test_weights_that_vllm_cannot_make_while_loading_name_what_it_can() -> None:
    message = one(world(L40S), demand(model={"quantization": "awq"})).candidates[0].message
    assert "bfloat16 weights, and vLLM 0.32.0 cannot make them awq while loading" in message
    assert "it can make fp8, bitsandbytes, fp8_per_tensor, fp8_per_block, mxfp8" in message


def test_a_method_that_an_older_engine_lacks_is_not_planned_on_it() -> None:
    older = demand(model={"quantization": "fp8_per_block"}, engine={"version": "0.11.0"})
    assert "vLLM 0.11.0 cannot make them fp8_per_block" in one(world(L40S), older).candidates[0].message


def test_a_cache_type_that_the_engine_does_not_know_names_its_choices() -> None:
    decision = one(world(L40S), demand(engine={"kvCacheDtype": "zz"}))
    assert decision.blocked is ReadyReason.INVALID_SPEC
    assert decision.message.startswith("spec.engine.kvCacheDtype: 'zz' must be one of auto, bfloat16,")


@pytest.mark.parametrize(
    ("asked", "rendered"), [({"maxNumBatchedTokens": 128}, (128, 128)), ({"maxNumSeqs": 4096}, (4096, 4096))]
)
def test_a_batch_limit_that_is_not_given_follows_the_one_that_is(
    asked: dict[str, int], rendered: tuple[int, int]
) -> None:
    engine = placed(one(world(L40S), demand(engine=asked, objectives=RELAXED))).engine
    assert (engine.max_num_seqs, engine.max_num_batched_tokens) == rendered


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"engine": {"maxModelLen": 1000}}, "1100 tokens does not fit into the 1000 of spec.engine.maxModelLen"),
        ({"traffic": {"inputTokens": 130_900}}, "131200 tokens does not fit into the 131072 positions"),
    ],
)
def test_a_mean_request_beyond_the_context_names_the_fields(change: dict[str, object], words: str) -> None:
    decision = one(world(L40S), demand(**change))  # type: ignore[arg-type]
    assert decision.blocked is ReadyReason.INVALID_SPEC
    assert decision.message.startswith("spec.traffic.inputTokens + spec.traffic.outputTokens")
    assert words in decision.message


def test_a_mean_batch_request_beyond_the_context_names_the_fields() -> None:
    decision = one(world(SPOT), demand(base=BATCH, engine={"maxModelLen": 1199}))
    assert decision.message.startswith("spec.batch.inputTokens + spec.batch.outputTokens: a mean request of 1200")


def test_an_assumed_request_length_refuses_no_context() -> None:
    lengths = {"inputTokens": None, "outputTokens": None}
    decision = one(world(SPOT), demand(base=BATCH, batch=lengths, engine={"maxModelLen": 1024}))
    assert decision.blocked is None


def test_a_context_is_never_shortened_below_a_mean_request() -> None:
    asked = {"maxModelLen": 131072, "minModelLen": 1024}
    traffic = {"inputTokens": 120_000, "outputTokens": 300}
    decision = one(world(L4), demand(engine=asked, traffic=traffic))
    assert reasons(decision)["l4-od"] is Reason.CONTEXT_DOES_NOT_FIT


def test_arguments_that_no_policy_allows_are_an_invalid_spec() -> None:
    decision = one(world(L40S), demand(engine={"extraArgs": ["--enable-prefix-caching"]}))
    assert decision.blocked is ReadyReason.INVALID_SPEC
    assert "extraArgs" in decision.message


def test_zero_replicas_suspend_and_reserve_nothing() -> None:
    decision = one(world(L40S), demand(replicas=0))
    assert (decision.suspended, decision.placements, decision.blocked) == (True, (), None)


def test_an_owned_count_is_used_and_the_recommendation_is_still_told() -> None:
    decision = one(world(L40S), demand(replicas=3))
    assert placed(decision).replicas == 3
    assert decision.recommended_replicas is not None


def test_a_count_outside_the_limits_is_clamped_and_said() -> None:
    decision = one(world(L40S), demand(replicas=9, scaling={"maxReplicas": 2}))
    assert placed(decision).replicas == 2
    assert decision.replicas_clamped is not None


def test_rate_zero_gets_the_minimum() -> None:
    decision = one(world(L40S), demand(traffic={"requestsPerSecond": "0"}, scaling={"minReplicas": 2}))
    assert placed(decision).replicas == 2


def test_what_runs_is_kept_when_something_cheaper_appears() -> None:
    asking = demand()
    first = one(world(A100), asking)
    second = one(world(A100, L40S, holdings=[holding(asking, first)]), asking)
    assert (placed(second).pool, second.candidates[0].reason) == ("a100-od", Reason.KEPT)
    assert reasons(second)["l40s-od"] is Reason.MOVE_NOT_WORTH_IT


def test_what_runs_keeps_its_engine_settings_although_an_estimate_says_it_cannot_fit() -> None:
    asking = demand(engine={"minModelLen": 1024}, objectives=RELAXED)
    first = one(world(L4), asking)
    running = replace(placed(first), engine=replace(placed(first).engine, max_model_len=2048))
    held = holding(asking, replace(first, placements=(running,)))
    again = one(world(replace(L4, memory_mib=17_500), holdings=[held]), asking)
    assert placed(again).engine == running.engine


def test_a_refused_change_leaves_what_runs_running() -> None:
    asking = demand()
    first = one(world(L40S), asking)
    changed = demand(placement={"gpuTypes": ["nvidia-b200-180gb"]})
    second = one(world(L40S, holdings=[holding(asking, first)]), changed)
    assert second.blocked is ReadyReason.NO_MATCHING_POOL
    assert second.placements == first.placements


def test_the_decision_does_not_depend_on_the_order_of_pools() -> None:
    pools = (H100, A100, L40S, SPOT, L4)
    assert one(world(*pools), demand()) == one(world(*reversed(pools)), demand())
