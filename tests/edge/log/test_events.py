"""Tests for edge/log/events.py: the table agrees with the code, with its page, and with the promise of privacy."""

import ast
import json
import logging
import secrets
from pathlib import Path

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from edge.log import events
from edge.log.events import EVENTS
from tests.pages import part, rows
from tests.phone import Phone, place, site
from tests.repo.project import expect_none, sources, tree
from tests.waiting import wait_until

HERE = {"lat": 31.20417, "lon": 121.40291}
CONSTANTS = {name: event for name, event in vars(events).items() if isinstance(event, events.Event)}


def test_each_event_has_its_name() -> None:
    """That of its constant; no two share one."""
    assert {name.lower() for name in CONSTANTS} == EVENTS.keys()
    assert all(EVENTS[name.lower()] is event for name, event in CONSTANTS.items())


def test_each_call_gives_the_fields_of_its_event() -> None:
    """All of them and no others, wherever it is; and no event is there for nothing."""
    used = {"NOT_WRITTEN", "LIBRARY"}  # by the writer itself
    dynamic = {"NODE_INVITED", "NODE_REVOKED", "NODE_RETIRED"}  # one call for the three

    def wrong(source: str) -> list[str]:
        found: list[str] = []
        for node in ast.walk(tree(source)):
            if not (isinstance(node, ast.Call) and ast.unparse(node.func).endswith(".write")):
                continue
            name = ast.unparse(node.func).removesuffix(".write")
            if name in CONSTANTS:
                used.add(name)
                given = {keyword.arg for keyword in node.keywords} - {"harmless"}
                if given != set(CONSTANTS[name].fields):
                    found.append(f"{source}:{node.lineno}: {name} has {CONSTANTS[name].fields}")
        return found

    expect_none(each for source in sources("edge", "central") for each in wrong(source))
    assert used | dynamic == CONSTANTS.keys()


def test_nothing_logs_past_the_table() -> None:
    """Only the package of the log uses `logging`."""

    def past(source: str) -> bool:
        return any(isinstance(node, ast.Import) and node.names[0].name == "logging" for node in ast.walk(tree(source)))

    expect_none(name for name in sources("edge", "central") if not name.startswith("edge/log/") and past(name))


def test_every_event_is_documented() -> None:
    """docs/operating.md has each event with its level and its fields, in the sequence of the table."""
    written = [
        (cells[0].strip("`"), cells[1], tuple(cells[3].replace("`", "").split()))
        for cells in rows(part("The log")[1])
        if cells[0].startswith("`")
    ]
    assert written == [
        (name, logging.getLevelName(event.level).lower(), event.fields) for name, event in EVENTS.items()
    ]


def knock(port: int, name: str, password: str) -> None:
    """Try to connect once."""
    codes: list[int] = []
    client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
    client.username_pw_set(name, password)
    client.on_connect = lambda _c, _u, _f, code, _p: codes.append(code.value)
    client.connect("127.0.0.1", port)
    while not codes:
        client.loop(0.1)
    assert codes[0] >= 0x80


def test_a_log_has_nothing_that_people_send(tmp_path: Path) -> None:
    """Positions, tokens, passwords and free text are planted in every way that is open; no line has any of them, each
    refused identity is one, and an order is none."""
    secret, note = secrets.token_urlsafe(24), "leave-it-with-the-neighbour"
    with site(tmp_path, "alice", "r-1", "shop-1", log_format="json", log_level="debug") as made:
        begun = len(made.node.output())
        alice, rider = (Phone(name, made.port, made.tokens[name]) for name in ("alice", "r-1"))
        rider.send("rider.shift", id="on", on=True, place=HERE)
        wait_until(lambda: '"event":"scrubbed"' in made.node.output())  # the last line of a start
        before = made.node.output()
        place(alice, 1, note=note)
        alice.send("order.cancel", id="c-1", order="o-1", reason=note)
        alice.answer("receipt")
        assert made.node.output() == before
        for name, password in ((secret, "x"), ("alice", secret), (made.tokens["alice"], "x")):
            knock(made.port, name, password)
        wait_until(lambda: made.node.output().count('"event":"refused"') == 3)
        for phone in (alice, rider):
            phone.close()
        assert made.node.stop() == 0
        lines = [json.loads(line) for line in made.node.output()[begun:].splitlines()]
        refused = [line for line in lines if line["event"] == "refused"]
        assert [line["client"] for line in refused] == ["a name that nobody has", "alice", "a name that nobody has"]
        assert {line["listener"] for line in refused} == {"listen"}
        assert lines[-1]["event"] == "stopped"
        whole = made.node.output()
        for planted in (secret, note, "31.20417", "121.40291", *made.tokens.values(), made.status_token()):
            assert planted not in whole, planted
