"""One id for two events: the same content gets the recorded receipt, any other content is refused."""

import tempfile
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from msgspec import to_builtins

from edge.core.model import Event, Now, Repeat, Row
from tests.edge.pipeline.lookups import CATALOG, looked_up, receipt
from tests.fuzz.damage import fuzzed
from tests.messages import AT, GOOD, text

DURABLE = [(kind, fields) for kind, fields in GOOD if "id" in fields]


@st.composite
def again(draw: st.DrawFn, kind: str, fields: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """The same event, or one with a field of another one, without a field, at another time, or of another kind."""
    other_kind, other = draw(st.sampled_from(DURABLE))
    match draw(st.sampled_from(("same", "stamp", "field", "without", "other"))):
        case "same":
            return kind, fields
        case "stamp":
            return kind, {**fields, "at": AT + draw(st.integers(0, 1000)), "v": draw(st.integers(0, 9))}
        case "field":
            name = draw(st.sampled_from(sorted(other.keys() - {"id"})))
            return kind, {**fields, name: other[name]}
        case "without":
            name = draw(st.sampled_from(sorted(fields.keys() - {"id"})))
            return kind, {key: value for key, value in fields.items() if key != name}
        case _:
            return other_kind, other


@st.composite
def pairs(draw: st.DrawFn) -> tuple[tuple[str, dict[str, Any]], tuple[str, dict[str, Any]]]:
    """An event, and what comes under its id later."""
    first = draw(st.sampled_from(DURABLE))
    return first, draw(again(*first))


def decoded(kind: str, fields: dict[str, Any], id_: str) -> Event | None:
    """An event, or None where the message is refused by itself."""
    made = CATALOG.decode("alice", kind, text({**fields, "id": id_}), "wgs84")
    return made if isinstance(made, Event) else None


def content(event: Event) -> dict[str, Any]:
    """What two events have to have in common."""
    return {name: value for name, value in to_builtins(event.body).items() if name not in ("at", "v")}


@fuzzed
@given(st.lists(pairs(), min_size=1, max_size=8))
def test_an_id_stands_for_one_content(drawn: list[Any]) -> None:
    """Whatever differs but the stamp and the version: the refusal has the reason, and the receipt that was recorded is
    not shown for it."""
    kept: list[Any] = []
    answers: list[Any] = []
    lookups: list[Repeat] = []
    wanted: list[str] = []
    for number, ((kind, fields), (later_kind, later)) in enumerate(drawn):
        id_ = f"e-{number}"
        first, second = decoded(kind, fields, id_), decoded(later_kind, later, id_)
        if first is None or second is None:
            continue
        kept.append(CATALOG.recorded(first, kind))
        answers.append(receipt("alice", id_))
        lookups.append(Repeat("alice", later_kind, id_, 1, second.body, json=False))
        wanted.append("" if content(first) == content(second) else "id_reused")
    with tempfile.TemporaryDirectory() as folder:
        shown, acknowledged, _ = looked_up(Path(folder), Row(1, Now(1.0, 77), kept, [], answers), lookups)
    assert [reason for _, reason in acknowledged] == wanted
    payloads = [answer.payload for answer, _ in shown[0]["alice"]] if lookups else []
    assert [payload == answer.payload for payload, answer in zip(payloads, answers, strict=True)] == [
        not reason for reason in wanted
    ]
