"""What a dashboard sees of a budget is the sum that admission asks."""

from inferfleet.budget import Ledger
from inferfleet.plan import decide
from inferfleet.report.metrics import Metrics
from tests.builders import demand, holding, policy, pool, world

L40S = pool("l40s-od", "nvidia-l40s-48gb", usd="1.00")


def test_every_amount_of_a_policy_is_shown_in_usd_of_a_month() -> None:
    of, chat = policy(usd="1500"), demand("chat")
    (decision,) = decide(world(L40S, policies=[of]), [chat])
    metrics = Metrics()
    metrics.budgets([Ledger(world(L40S, policies=[of], holdings=[holding(chat, decision)])).statement(of)])
    shown = metrics.render().decode()
    for amount, usd in (("limit", "1500.0"), ("reserved_run_rate", "730.0"), ("remaining", "770.0")):
        assert f'inferfleet_budget_usd_per_month{{amount="{amount}",policy="team-a"}} {usd}' in shown


def test_a_policy_that_is_gone_is_shown_no_more() -> None:
    metrics = Metrics()
    metrics.budgets([Ledger(world(policies=[policy()])).statement(policy())])
    metrics.budgets([])
    assert "inferfleet_budget_usd_per_month{" not in metrics.render().decode()
