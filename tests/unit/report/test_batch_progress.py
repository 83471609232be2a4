"""A batch's counts come from a tenant's pod: they are believed only as far as the status can hold them."""

from datetime import UTC, datetime

import pytest

from inferfleet.api.v1alpha1 import BatchStatus
from inferfleet.domain.observed import ContainerFacts
from inferfleet.plan import decide
from inferfleet.report.batch_progress import batch_status
from inferfleet.report.observation import UP_TO_DATE, Observation
from tests.builders import BATCH, demand, pod_facts, world


def after(message: str, previous: BatchStatus | None = None) -> BatchStatus:
    asked = demand("job", base=BATCH)
    (decision,) = decide(world(), [asked])
    worker = ContainerFacts(name="worker", terminated="Completed", message=message)
    pod = pod_facts(
        name="job-x", deployment="job", owner="job-uid", owner_name="job", phase="Succeeded", ready=False,
        containers=(worker,),
    )  # fmt: skip
    seen = Observation(
        generation=1, spec=asked.spec, decision=decision, application=UP_TO_DATE, children={}, pods=(pod,),
        may_grow=False, now=datetime(2026, 11, 1, tzinfo=UTC),
    )  # fmt: skip
    return batch_status(previous, seen)


def test_the_workers_termination_messages_become_the_progress() -> None:
    found = after('{"total": 10, "done": 7, "quarantined": 1}')
    assert (found.total, found.done, found.quarantined) == (10, 7, 1)


def test_counts_never_go_back() -> None:
    assert after('{"done": 3}', BatchStatus(done=5)).done == 5


@pytest.mark.parametrize("count", [str(10**30), "true", "-4", '"many"', "1.5"])
def test_an_absurd_count_leaves_a_status_that_can_be_stored(count: str) -> None:
    found = after(f'{{"total": {count}, "done": {count}, "quarantined": {count}}}')
    assert BatchStatus.model_validate(found.model_dump()) == found
    assert found.done in (0, 2**53 - 1)
