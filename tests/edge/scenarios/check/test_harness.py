"""Tests of edge.scenarios.check.harness: it lets a good scenario pass, and finds each mistake that was planted."""

import pytest

from edge.scenarios.check.harness import CHECKS, Harness
from edge.scenarios.check.subject import find
from tests.edge.scenarios.check.conftest import Plant

SCENARIO, MESSAGES = "scenario.py", "messages.py"
SUMS, RESTORED = "list(self._sums.values())", "{each.order: each for each in sums}"
OF_A_SET = {SUMS: "[self._sums[name] for name in set(self._sums)]"}
DEADLINE, FIGURES = "return self._due_s() if self._sums else None", '"orders": len(self._sums)}}'
ADD = "def _add(self, body: Any, now: Now, out: Effects) -> Outcome:\n"
CENTS, KNOWN = "cents = body.cents + (known.cents if known else 0)", "known = self._sums.get(body.order)"
ROUND = "return [self._add(event.body, now, out) for event in events]"

Mistake = tuple[str, dict[str, str], str, str]
"""File, what is replaced in it by what, the check that finds it, and words of the finding."""

MISTAKES: dict[str, Mistake] = {
    "a set is walked through": (SCENARIO, OF_A_SET, "purity", "walks through a set"),
    "a set's order reaches the snapshot": (SCENARIO, OF_A_SET, "determinism", "snapshots of two processes"),
    "a clock is imported": (
        SCENARIO,
        {"import msgspec\n": "import time\n\nimport msgspec\n"},
        "purity",
        "imports time",
    ),
    "an integer has no bound": (
        MESSAGES,
        {"Cents = Annotated[int, Meta(ge=1, le=100_000)]": "Cents = int"},
        "declarations",
        "Add.cents is an integer without bounds",
    ),
    "the snapshot forgets a field": (
        SCENARIO,
        {RESTORED: "{each.order: Sum(each.order, '', each.cents, each.changed_s) for each in sums}"},
        "state",
        "makes another snapshot",
    ),
    "a client's name is a plain text": (
        SCENARIO,
        {"    to: Client\n": "    to: str\n"},
        "names",
        "the state still has 'rider-",
    ),
    "what is not in the snapshot decides": (
        SCENARIO,
        {CENTS: f"{CENTS}\n        self.last = getattr(self, 'last', 0) + 1\n        cents += self.last == 40"},
        "state",
        "decides differently",
    ),
    "a restored node has forgotten its timer": (
        SCENARIO,
        {
            ROUND: f"self.began = True\n        {ROUND}",
            DEADLINE: DEADLINE.replace("if ", "if hasattr(self, 'began') and "),
        },
        "state",
        "has its next deadline at None",
    ),
    "an answer depends on hash()": (
        SCENARIO,
        {"Total(order=body.order, cents=cents,": "Total(order=body.order, cents=cents + hash(body.order) % 7,"},
        "determinism",
        "two processes wrote different rows: row",
    ),
    "what is counted is not declared": (
        SCENARIO,
        {'out.count("cents", ': "out.count(body.to, "},
        "counters",
        "is not declared as Counter('rider-",
    ),
    "an event has no outcome": (
        SCENARIO,
        {"for event in events]": "for event in events[1:]]"},
        "answers",
        "fewer outcomes",
    ),
    "a state was not thought of": (
        SCENARIO,
        {KNOWN: f"{KNOWN.replace('.get(body.order)', '[body.order]')} if body.cents > 250 else None"},
        "answers",
        "KeyError: 'o-",
    ),
    "a deadline stays in the past": (
        SCENARIO,
        {DEADLINE: "return 0.0 if self._sums else None"},
        "answers",
        "again and again",
    ),
    "the state grows for ever": (SCENARIO, {"24 * 3600.0": "1e12"}, "growth", "grows without end"),
    "a figure comes only later": (SCENARIO, {FIGURES: f"{FIGURES} if self._sums else {{}}"}, "reports", "only later"),
    "a reader changes the state": (
        SCENARIO,
        {FIGURES: '"orders": len(self._sums.popitem()) if self._sums else 0}}'},
        "reports",
        "changes the state",
    ),
    "state outside of the scenario": (
        SCENARIO,
        {
            ADD: f"seen: ClassVar[list[str]] = []\n\n    {ADD}        self.seen.append(body.order)\n",
            "at=now.wall_ms)": "at=now.wall_ms + len(self.seen))",
        },
        "replay",
        "decided differently",
    ),
    "an example is not valid": (
        SCENARIO,
        {'"cents": 50 * (1 + number)': '"cents": 0'},
        "examples",
        "refused: malformed",
    ),
    "all seeds are the same": (
        SCENARIO,
        {"for number in range(6):": "seed = 1\n        for number in range(6):"},
        "examples",
        "examples(1) equals examples(2)",
    ),
    "examples depend on the process": (
        SCENARIO,
        {"rider-{seed % 5}": "rider-{hash(str(seed)) % 5}"},
        "examples",
        "differ between two processes",
    ),
}


def test_the_project_that_new_writes_passes(plant: Plant) -> None:
    """Every check holds for the example as it is written."""
    findings = list(Harness(plant(), seeds=2).run())
    assert [finding.check for finding in findings] == list(CHECKS)
    assert [finding for finding in findings if not finding.ok] == []


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_planted_mistake_is_found(mistake: str, plant: Plant) -> None:
    """The check that is there for it finds the mistake, and names it."""
    file, replaced, check, words = MISTAKES[mistake]
    harness = Harness(plant(file, replaced), seeds=2)
    harness.growth_messages = 4_000
    found = harness.check(check)
    assert not any(finding.ok for finding in found), found
    assert any(words in finding.text for finding in found), found


@pytest.mark.parametrize("check", [name for name in CHECKS if name not in ("growth", "cost")])
def test_dispatch_passes(check: str) -> None:
    """The scenario that the node comes with holds all of it, too."""
    harness = Harness(find("dispatch"), seeds=1)
    assert [finding.text for finding in harness.check(check) if not finding.ok] == []
