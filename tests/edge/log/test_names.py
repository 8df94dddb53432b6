"""The log with pseudonyms: each name of a client is one, and nothing else is."""

import json
import os
from typing import Any

from hypothesis import assume, given
from hypothesis import strategies as st

from edge.limits import NAME_PATTERN
from edge.log.events import REFUSED, ROW_GONE
from edge.log.names import NamesHidden
from edge.log.writer import Writer

CLIENTS = {"till-1", "rider-12", "openid.7"}
HIDDEN = NamesHidden(lambda name: f"p-{len(name)}", CLIENTS.__contains__)


def test_names_are_hidden_wherever_they_stand() -> None:
    """In the field of a client, in lists, in sentences with points and quotes; words that are no client stay."""
    fields: dict[str, Any] = {
        "client": "rider-12",
        "names": "over_quota_by till-1, rider-12; held_back_by openid.7",
        "sentence": "till-1 sends too much. Mend 'rider-12': it is not rider-123.",
        "row": 7,
    }
    assert HIDDEN(fields) == {
        "client": "p-8",
        "names": "over_quota_by p-6, p-8; held_back_by p-8",
        "sentence": "p-6 sends too much. Mend 'p-8': it is not rider-123.",
        "row": 7,
    }
    assert HIDDEN({"client": "a caller"}) == {"client": "a caller"}
    assert HIDDEN({"client": "gone-9"}) == {"client": "p-6"}


@given(st.from_regex(NAME_PATTERN), st.sampled_from(["{}", "{}: why", "({}), and", "a {} b", "{}. Then"]))
def test_no_name_is_left(name: str, sentence: str) -> None:
    """Whatever a name is, but for one that ends with a point or a dash, of which that stays."""
    name = name.rstrip("._-")
    assume(name not in ("a", "and", "b", "why", "Then"))
    hidden = NamesHidden(lambda _: "P", {name}.__contains__)
    assert hidden({"sentence": sentence.format(name)}) == {"sentence": sentence.format("P")}


def test_a_line_has_pseudonyms_in_its_message_and_its_fields() -> None:
    """In JSON as in text."""
    for form in ("json", "text"):
        reading, writing = os.pipe()
        writer = Writer(form, stderr=writing)  # type: ignore[arg-type]
        writer.hidden = HIDDEN
        _emit(writer, REFUSED, listener="listen", client="till-1", address="127.0.0.1", why="wrong password of till-1")
        _emit(writer, ROW_GONE, client="rider-12", row=3)
        os.close(writing)
        with os.fdopen(reading, "rb") as file:
            lines = file.read().decode()
        assert not any(name in lines for name in CLIENTS)
        assert lines.count("p-6") >= 2
        if form == "json":
            assert json.loads(lines.splitlines()[1])["client"] == "p-8"


def _emit(writer: Writer, event: Any, **fields: Any) -> None:
    import logging

    record = logging.LogRecord("doorstep", event.level, "", 0, "%s", (event.text.format_map(fields),), None)
    record.event, record.fields = event, fields
    writer.emit(record)
