"""Pools that do not deliver: given up after a quarter of an hour, left alone longer each time, and asked again."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from inferfleet.api.enums import CapacityType
from inferfleet.api.reasons import ReadyReason, Reason
from inferfleet.domain.decision import Decision
from inferfleet.domain.demand import Demand, Holding, Pods
from inferfleet.domain.history import BackOff, History
from inferfleet.domain.world import Pool
from inferfleet.plan import decide
from tests.builders import BATCH, LLAMA_70B, all_ready, demand, holding, placed, pool, waiting_for_nodes, world

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
QUARTER = timedelta(minutes=15)
L40S = pool("l40s-od", "nvidia-l40s-48gb", usd="1.86", nodes=0, max_nodes=8)
A100 = pool("a100-od", "nvidia-a100-80gb", usd="3.43", nodes=0, gpus_per_node=8, max_nodes=8)
BUSY = {"requestsPerSecond": "20"}


def one(what: Demand, *pools: Pool, held: Holding | None = None, now: datetime = NOW) -> Decision:
    (decision,) = decide(world(*pools, holdings=[held] if held else []), [what], now=now)
    return decision


def unscheduled(what: Demand, *pools: Pool, scheduled: int = 0) -> Holding:
    """What the demand holds after its first decision, with pods that find no node since noon."""
    first = one(what, *pools)
    return holding(what, first, pods=waiting_for_nodes(first, NOW, scheduled=scheduled))


def reason(decision: Decision, where: str) -> Reason:
    return next(item.reason for item in decision.candidates if item.pool == where)


def test_a_pool_that_cannot_schedule_is_left_for_the_next_candidate() -> None:
    decision = one(demand(), L40S, A100, held=unscheduled(demand(), L40S, A100), now=NOW + QUARTER)
    assert (placed(decision).pool, reason(decision, "l40s-od")) == ("a100-od", Reason.POOL_BACKING_OFF)


def test_the_next_candidate_has_its_own_size_and_settings() -> None:
    large = demand(
        model={"id": LLAMA_70B},
        traffic={"requestsPerSecond": "0.2"},
        objectives={"timePerOutputTokenMilliseconds": 200},
    )
    first = one(large, L40S, A100)
    second = one(large, L40S, A100, held=unscheduled(large, L40S, A100), now=NOW + QUARTER)
    assert placed(first).pool != placed(second).pool
    assert placed(second).engine.tensor_parallel_size == placed(second).tensor_parallel_size
    assert placed(first).engine != placed(second).engine


def test_it_is_given_a_quarter_of_an_hour() -> None:
    held = unscheduled(demand(), L40S, A100)
    decision = one(demand(), L40S, A100, held=held, now=NOW + QUARTER - timedelta(seconds=1))
    assert (placed(decision).pool, decision.revisit_at) == ("l40s-od", NOW + QUARTER)


def test_pods_that_never_got_a_node_do_not_lend_their_name() -> None:
    decision = one(demand(), L40S, A100, held=unscheduled(demand(), L40S, A100), now=NOW + QUARTER)
    assert placed(decision).name != "chat"


def test_with_nowhere_else_to_go_the_reservation_is_released_and_it_is_tried_again() -> None:
    decision = one(demand(), L40S, held=unscheduled(demand(), L40S), now=NOW + QUARTER)
    assert (decision.blocked, decision.placements) == (ReadyReason.NO_CAPACITY, ())
    assert decision.revisit_at == NOW + 2 * QUARTER
    again = one(demand(), L40S, held=holding(demand(), decision), now=NOW + 2 * QUARTER)
    assert placed(again).pool == "l40s-od"


def test_what_was_released_is_free_for_others_in_the_same_pass() -> None:
    held = unscheduled(demand(), L40S)
    where = world(L40S, holdings=[held])
    decision = next(item for item in decide(where, [demand()], now=NOW + QUARTER))
    assert decision.run_rate.usd_per_hour == 0


def test_every_failure_in_a_row_doubles_the_pause() -> None:
    failed = History(back_offs=(BackOff(pool="l40s-od", until=NOW - timedelta(minutes=30), failures=2),))
    held = replace(unscheduled(demand(), L40S, A100), history=failed)
    decision = one(demand(), L40S, A100, held=held, now=NOW + QUARTER)
    assert decision.history.back_offs == (BackOff(pool="l40s-od", until=NOW + 5 * QUARTER, failures=3),)


def test_a_pause_counts_once_while_it_lasts() -> None:
    held = unscheduled(demand(), L40S, A100)
    first = one(demand(), L40S, A100, held=held, now=NOW + QUARTER)
    still = replace(held, history=first.history)
    assert one(demand(), L40S, A100, held=still, now=NOW + QUARTER * 1.5).history.back_offs == first.history.back_offs


def test_a_pool_that_delivered_has_a_clean_record() -> None:
    first = one(demand(), L40S)
    failed = History(back_offs=(BackOff(pool="l40s-od", until=NOW - timedelta(minutes=1), failures=3),))
    held = holding(demand(), first, pods=all_ready(first), history=failed)
    assert one(demand(), L40S, held=held).history.back_offs == ()


def test_an_old_failure_is_forgotten() -> None:
    failed = History(back_offs=(BackOff(pool="a100-od", until=NOW - timedelta(hours=13), failures=3),))
    held = holding(demand(), one(demand(), L40S), history=failed)
    assert one(demand(), L40S, held=held).history.back_offs == ()


def test_what_got_nodes_stays_and_the_rest_is_held_back() -> None:
    what = demand(traffic=BUSY)
    held = unscheduled(what, L40S, scheduled=1)
    decision = one(what, L40S, A100, held=held, now=NOW + QUARTER)
    assert (placed(decision).pool, placed(decision).replicas, decision.budget.reason) == ("l40s-od", 1, "GrowthHeld")


def test_the_rest_is_asked_for_again_after_the_pause() -> None:
    what = demand(traffic=BUSY)
    held = unscheduled(what, L40S, scheduled=1)
    cut = one(what, L40S, A100, held=held, now=NOW + QUARTER)
    later = one(what, L40S, A100, held=holding(what, cut, pods=all_ready(cut)), now=NOW + 3 * QUARTER)
    assert placed(later).replicas == held.placements[0].replicas


CLAIM = 'persistentvolumeclaim "models" not found'


def stuck(what: Demand, *pools: Pool, scheduled: int = 0) -> Holding:
    """What the demand holds after its first decision, with pods that wait for a volume since noon."""
    first = one(what, *pools)
    pods = (
        Pods(placement=item.name, ready=scheduled, scheduled=scheduled, stuck_since=NOW, stuck=CLAIM)
        for item in first.placements
    )
    return holding(what, first, pods=tuple(pods))


def test_pods_that_no_node_would_help_are_given_up_and_no_pool_is_left_alone_for_it() -> None:
    decision = one(demand(), L40S, A100, held=stuck(demand(), L40S, A100), now=NOW + QUARTER)
    assert (decision.blocked, decision.placements) == (ReadyReason.UNSCHEDULABLE, ())
    assert decision.history.back_offs == ()
    assert CLAIM in decision.message


def test_they_are_given_a_quarter_of_an_hour_as_well() -> None:
    held = stuck(demand(), L40S, A100)
    decision = one(demand(), L40S, A100, held=held, now=NOW + QUARTER - timedelta(seconds=1))
    assert (placed(decision).pool, decision.revisit_at) == ("l40s-od", NOW + QUARTER)


def test_they_are_asked_for_again_where_they_were_after_a_pause() -> None:
    given_up = one(demand(), L40S, A100, held=stuck(demand(), L40S, A100), now=NOW + QUARTER)
    assert given_up.revisit_at == NOW + 2 * QUARTER
    again = one(demand(), L40S, A100, held=holding(demand(), given_up), now=NOW + 2 * QUARTER)
    assert (placed(again).pool, placed(again).name) == ("l40s-od", "chat")


def test_what_runs_stays_while_another_replica_is_stuck() -> None:
    what = demand(traffic=BUSY)
    held = stuck(what, L40S, scheduled=1)
    decision = one(what, L40S, held=held, now=NOW + QUARTER)
    assert (decision.blocked, decision.placements) == (None, held.placements)


def test_a_move_whose_successor_is_stuck_is_off_and_its_pool_is_not_left_alone() -> None:
    what = demand(placement={"rebalance": {"policy": "WhenCheaper"}})
    dear = one(what, A100)
    moving = one(what, L40S, A100, held=holding(what, dear, pods=all_ready(dear)))
    new, old = moving.placements
    pods = (
        Pods(placement=new.name, stuck_since=NOW, stuck=CLAIM),
        Pods(placement=old.name, ready=1, scheduled=1),
    )
    decision = one(what, L40S, A100, held=holding(what, moving, pods=pods), now=NOW + QUARTER)
    assert (placed(decision).pool, decision.history.back_offs) == ("a100-od", ())


def test_it_comes_back_when_the_pool_delivers_and_rebalance_allows_it() -> None:
    what = demand(placement={"rebalance": {"policy": "WhenCheaper"}})
    left = one(what, L40S, A100, held=unscheduled(what, L40S, A100), now=NOW + QUARTER)
    settled = holding(what, left, pods=all_ready(left))
    early = one(what, L40S, A100, held=settled, now=NOW + QUARTER + timedelta(minutes=59))
    back = one(what, L40S, A100, held=settled, now=NOW + QUARTER + timedelta(minutes=60))
    assert [early.placements[0].pool, back.placements[0].pool] == ["a100-od", "l40s-od"]


def test_it_does_not_flap_while_the_pool_still_fails() -> None:
    """Ten hours in which the cheap pool never delivers: the pauses and the cooldown bound the attempts."""
    what = demand(placement={"rebalance": {"policy": "WhenCheaper"}})
    held, now, attempts = unscheduled(what, L40S, A100), NOW + QUARTER, 0
    for _ in range(120):
        decision = one(what, L40S, A100, held=held, now=now)
        pods = [item for item in decision.placements if item.pool == "a100-od"]
        new = [item for item in decision.placements if item.pool == "l40s-od"]
        was = {item.name for item in held.placements if item.pool == "l40s-od"}
        attempts += bool({item.name for item in new} - was)
        since = min((each.unscheduled_since for each in held.pods if each.unscheduled_since and new), default=now)
        held = holding(
            what,
            decision,
            pods=(
                *all_ready(replace(decision, placements=tuple(pods))),
                *waiting_for_nodes(replace(decision, placements=tuple(new)), since),
            ),
        )
        now += timedelta(minutes=5)
        assert pods, "the dear one serves all the time"
    assert attempts <= 6


def test_a_batch_on_spot_waits_rather_than_pays_more_while_there_is_time() -> None:
    spot = replace(L40S, name="l40s-spot", capacity_type=CapacityType.SPOT)
    what = replace(demand(base=BATCH), created=NOW)
    decision = one(what, spot, A100, held=unscheduled(what, spot, A100), now=NOW + QUARTER)
    assert (decision.blocked, decision.placements) == (ReadyReason.NO_CAPACITY, ())
