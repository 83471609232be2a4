"""A change of the code that is meant to change no decision changes none.

`python -m tests.property.test_recorded_decisions` records them anew, which a change of the rules calls for.
"""

import hashlib
import json
from pathlib import Path

from tests.histories import facts, history

RECORDED = Path(__file__).with_name("recorded_decisions.json")
SEEDS = range(60)


def fingerprint(seed: int) -> str:
    moments = [facts(moment.decisions) for moment in history(seed)]
    return hashlib.sha256(json.dumps(moments, default=str).encode()).hexdigest()[:16]


def test_decisions_are_those_that_were_recorded() -> None:
    recorded = json.loads(RECORDED.read_text(encoding="utf-8"))
    assert {str(seed): fingerprint(seed) for seed in SEEDS} == recorded


def test_the_recorded_histories_meet_moves_mixes_refusals_and_pauses() -> None:
    moments = [moment for seed in SEEDS for moment in history(seed)]
    decisions = [decision for moment in moments for decision in moment.decisions]
    assert any(decision.moving for decision in decisions)
    assert any(len(decision.placements) > 1 and not decision.moving for decision in decisions)
    assert {"OverBudget", "NoCapacity", "NoPrice"} <= {str(decision.blocked) for decision in decisions}
    assert any(decision.history.back_offs for decision in decisions)


if __name__ == "__main__":
    RECORDED.write_text(json.dumps({str(seed): fingerprint(seed) for seed in SEEDS}, indent=1) + "\n", encoding="utf-8")
