"""Tests of edge.scenarios.privacy."""

import msgspec
import pytest

from edge.core.scenario import Scenario
from edge.scenarios.dispatch import Dispatch
from edge.scenarios.labels import Labels
from edge.scenarios.privacy import kept_fields, leaving_figures

SCENARIOS: list[type[Scenario]] = [Dispatch, Labels]


def test_every_field_of_every_message_is_listed_once() -> None:
    """As many rows as the structs have fields, and every personal field that a scenario declares is among them."""
    fields = kept_fields(SCENARIOS, 7)
    messages = [message for scenario in SCENARIOS for message in scenario.messages]
    assert len(fields) == sum(len(msgspec.structs.fields(message.body)) for message in messages)
    personal = {(field.kind, field.field) for field in fields if field.personal}
    assert personal == {(message.kind, name) for message in messages for name in message.personal}


@pytest.mark.parametrize(
    ("kind", "field", "kept", "days"),
    [
        ("order.place", "dropoff", "journal", 7),
        ("rider.position", "points", "memory", None),
        ("rider.shift", "place", "memory", None),
        ("rider.shift", "on", "journal", 7),
        ("rider.place", "lat", "nowhere", None),
        ("assignment", "stops", "journal", 7),
        ("order.cancel", "reason", "memory", None),
    ],
)
def test_where_a_field_is_kept(kind: str, field: str, kept: str, days: float | None) -> None:
    """A position never touches the disk; what is durable stays for the retention; an answer of memory is gone."""
    (found,) = [each for each in kept_fields(SCENARIOS, 7) if (each.kind, each.field) == (kind, field)]
    assert (found.kept, found.days) == (kept, days)


def test_an_option_keeps_what_people_write() -> None:
    """Then it is in the journal as any other field."""
    fields = kept_fields(SCENARIOS, 7, keep_free_text=True)
    assert {each.kept for each in fields if (each.kind, each.field) == ("order.cancel", "reason")} == {"journal"}


def test_a_place_leaves_among_many_only() -> None:
    """What is counted by place has the bound of people, and nothing else has one."""
    figures = leaving_figures(SCENARIOS, 5)
    assert {figure.people_min for figure in figures if figure.form == "locate"} == {5}
    assert {figure.people_min for figure in figures if figure.form != "locate"} == {None}
