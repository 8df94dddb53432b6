"""Tests of edge.core.replay: a recorded hour decides itself again, and every change to it is found and named."""

from typing import Any

import msgspec
import pytest

from edge.core.model import Acknowledge, Answer, RecordedEvent, Row, ScenarioRecord, decode_row, encode_row
from edge.core.node import Node
from edge.core.replay import TEXT_CHARACTERS_SHOWN, Difference, Replay
from edge.errors import JournalError
from edge.scenarios.dispatch import Dispatch
from edge.scenarios.dispatch.records import NearestObservation, encode_record, record_in
from tests.edge.recorded import hour, play


@pytest.fixture(scope="module")
def rows() -> list[bytes]:
    return play(Node([Dispatch]), hour(12))


def run(rows: list[bytes], snapshot: bytes | None = None) -> tuple[Replay, Difference | None]:
    """Feed all rows to a new core, up to the first difference."""
    replay = Replay(Node([Dispatch]), snapshot)
    for body in rows:
        difference = replay.feed(body)
        if difference is not None:
            return replay, difference
    return replay, None


def changed(body: bytes, **fields: Any) -> bytes:
    """A row with other fields."""
    return encode_row(msgspec.structs.replace(decode_row(body), **fields))


def rerecorded(row: Row, observations: list[Any] | None = None, decisions: list[Any] | None = None) -> list[Any]:
    """The records of a row with other observations or decisions of dispatch."""
    found = record_in(row)
    body = encode_record((observations or found.observations, decisions or found.decisions))
    return [ScenarioRecord("dispatch", body)]


def first(rows: list[bytes], wanted: Any) -> tuple[int, Row]:
    """The first row of which `wanted` holds, with its place in the list."""
    return next((index, row) for index, row in enumerate(map(decode_row, rows)) if wanted(row))


def test_a_recorded_hour_has_no_difference(rows: list[bytes]) -> None:
    """Declines, lapses, repeats, refusals, windows: every row comes out to the byte."""
    replay, difference = run(rows)
    assert difference is None
    assert replay.rows == len(rows)
    assert replay.events > 12
    assert replay.decisions > 3


@pytest.mark.parametrize("at", [1, 7, 20, 40])
def test_a_replay_may_begin_at_any_snapshot(rows: list[bytes], at: int) -> None:
    """The rows after a snapshot decide themselves as they did."""
    node = Node([Dispatch])
    node.recover(None, rows[:at])
    replay, difference = run(rows[at:], node.snapshot())
    assert difference is None
    assert replay.rows == len(rows) - at


def test_another_decision_is_named(rows: list[bytes]) -> None:
    """A record that claims another rider differs in that decision's field."""
    index, row = first(rows, lambda row: any(decision.rider for decision in record_in(row).decisions))
    made = record_in(row).decisions
    decisions = [msgspec.structs.replace(made[0], rider="r-x"), *made[1:]]
    _, difference = run([*rows[:index], changed(rows[index], scenarios=rerecorded(row, decisions=decisions))])
    assert difference is not None
    assert (difference.row, difference.wall_ms) == (row.number, row.now.wall_ms)
    assert difference.part == "scenarios[0].record[1][0][1]"
    assert difference.recorded == '"r-x"'
    assert difference.replayed == f'"{made[0].rider}"'


def test_another_observation_is_named_where_it_matters(rows: list[bytes]) -> None:
    """A record that claims another travel time leads to other decisions; the first field that shows it is named."""
    index, row = first(rows, lambda row: any(decision.rider for decision in record_in(row).decisions))
    seen = [
        NearestObservation(
            one.order, [msgspec.structs.replace(rider, travel_s=rider.travel_s + 600) for rider in one.riders]
        )
        if isinstance(one, NearestObservation)
        else one
        for one in record_in(row).observations
    ]
    _, difference = run([*rows[:index], changed(rows[index], scenarios=rerecorded(row, observations=seen))])
    assert difference is not None
    assert difference.part.startswith("scenarios[0].record[1][0]")


def test_another_message_is_opened(rows: list[bytes]) -> None:
    """A changed payload is named down to the field inside of it."""
    index, row = first(rows, lambda row: any(isinstance(effect, Answer) for effect in row.effects))
    place = next(place for place, effect in enumerate(row.effects) if isinstance(effect, Answer))
    effects = list(row.effects)
    answer = effects[place]
    assert isinstance(answer, Answer)
    payload = answer.payload.replace(b'"status":"accepted"', b'"status":"mislaid"')
    assert payload != answer.payload
    effects[place] = msgspec.structs.replace(answer, payload=payload)
    _, difference = run([*rows[:index], changed(rows[index], effects=effects)])
    assert difference is not None
    assert difference.part == f"effects[{place}].payload.status"
    assert (difference.recorded, difference.replayed) == ('"mislaid"', '"accepted"')


@pytest.mark.parametrize(("missing", "recorded"), [(True, "nothing"), (False, 'Acknowledge {"reasons":["x"]}')])
def test_an_effect_too_few_or_too_many_is_named(rows: list[bytes], missing: bool, recorded: str) -> None:
    """The first place that only one side has."""
    index, row = first(rows, lambda row: len(row.effects) > 2)
    effects = row.effects[:-1] if missing else [*row.effects, Acknowledge(["x"])]
    _, difference = run([*rows[:index], changed(rows[index], effects=effects)])
    assert difference is not None
    assert difference.part == f"effects[{len(row.effects) - missing}]"
    assert difference.recorded == recorded
    assert (difference.replayed == "nothing") is not missing


def test_a_missing_row_is_a_difference(rows: list[bytes]) -> None:
    """Without row 5 the core counts otherwise than the record."""
    _, difference = run([*rows[:4], *rows[5:]])
    assert difference is not None
    assert difference.part == "number"


def test_a_core_that_fails_differs(rows: list[bytes]) -> None:
    """An exception in the core is a difference with the row's number, not the end of the command."""

    class Failing:
        decided = 0

        def recover(self, snapshot: bytes | None, rows: Any) -> None:
            assert snapshot is None

        def replay(self, row: Row) -> list[Any]:
            raise KeyError(f"o-{row.number}" + "x" * 1000)

    difference = Replay(Failing(), None).feed(rows[0])
    assert difference is not None
    assert difference.part == "replay"
    assert difference.replayed.startswith("KeyError: 'o-1x")
    assert len(difference.replayed) == TEXT_CHARACTERS_SHOWN + 1


def test_a_row_of_a_missing_scenario_is_no_difference(rows: list[bytes]) -> None:
    """Nothing can be compared: the error names the kind, and what to add."""
    body = next(body for body in rows if any(isinstance(item, RecordedEvent) for item in decode_row(body).inputs))
    replay = Replay(Node([]), None)
    with pytest.raises(JournalError, match="which no scenario here has"):
        replay.feed(body)


def test_a_core_without_a_commit_differs(rows: list[bytes]) -> None:
    """A recorded row that now makes none is a difference."""

    class Silent:
        decided = 0

        def recover(self, snapshot: bytes | None, rows: Any) -> None:
            assert snapshot is None

        def replay(self, row: Row) -> list[Any]:
            return []

    difference = Replay(Silent(), None).feed(rows[0])
    assert difference == Difference(1, decode_row(rows[0]).now.wall_ms, "effects", "1 commit", "0 commits")


def test_a_snapshot_of_another_version_is_an_error() -> None:
    """The core's error for a snapshot that it cannot read is passed on."""
    with pytest.raises(JournalError, match="snapshot"):
        Replay(Node([Dispatch]), b"\x90")
