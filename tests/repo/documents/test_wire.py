"""docs/wire.md has every message with its fields, and examples that a real node answers as it is written there; the
Chinese page has the same."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from edge.core.decode import Catalog
from edge.errors import MENDABLE, Reason
from edge.mqtt.server.acks import CODES, WITHHELD
from edge.scenarios.loader import DEFAULT, load
from tests.pages import TEXT, blocks, examples, part, rows, sections_of_kinds, without_code
from tests.repo.project import expect_none
from tests.sdk.conversation import DOWN, MADE, conversation
from tests.waiting import wait_until

PAGE: Final = "docs/wire.md"
CHINESE: Final = "docs/wire.zh-CN.md"
YES: Final = {PAGE: "yes", CHINESE: "是"}
AGAIN: Final = {PAGE: ("*again*", "yes"), CHINESE: ("*重发*", "可以")}
CATALOG: Final = Catalog(load(DEFAULT))
SCHEMAS: Final = {message.kind: MADE.schemas[name] for message, name, *_ in [*MADE.up, *MADE.down]}

IN_EACH: Final = {"kind", "id", "at", "v"}
"""Fields of each durable event, which have a table of their own."""

DOMAIN_CODE: Final = 0x83


def wrong_fields(page: str, kind: str, text: str) -> Iterator[str]:
    """What the table of a message does not have as its schema has it."""
    schema = SCHEMAS[kind]
    table = {cells[0].strip("`"): cells[1] for cells in rows(text) if cells[0].startswith("`")}
    known = schema["properties"].keys() - (IN_EACH if "id" in schema["properties"] else {"kind"})
    yield from (f"{page}, {kind}: the table has no {name}" for name in known - table.keys())
    yield from (f"{page}, {kind}: there is no field {name}" for name in table.keys() - known)
    for name in known & table.keys():
        if (table[name] == YES[page]) != (name in schema["required"]):
            yield f"{page}, {kind}: is {name} needed?"


@pytest.mark.parametrize("page", YES)
def test_each_message_has_its_fields(page: str) -> None:
    """In the table of its section, with whether it is needed; those that each event has stand in one place, and those
    of receipts."""
    sections = sections_of_kinds(page)
    assert sections.keys() == SCHEMAS.keys()
    expect_none(each for kind, text in sections.items() for each in wrong_fields(page, kind, text))
    elsewhere = {name.strip("`") for cells in rows(TEXT[page]) for name in re.split(", |、", cells[0])}
    assert elsewhere >= IN_EACH - {"kind"}
    assert elsewhere >= {name for each in MADE.receipts for name in MADE.schemas[each]["properties"]}


@pytest.mark.parametrize("page", AGAIN)
def test_each_reason_has_its_code_and_whether_to_send_again(page: str) -> None:
    """As the endpoint answers, and as the core remembers refusals."""
    withheld, yes = AGAIN[page]

    def wrong(reason: Reason, code: str, again: str) -> Iterator[str]:
        if not code.startswith(f"0x{int(CODES.get(reason, DOMAIN_CODE)):02x}"):
            yield f"{reason}: the code is not {code}"
        if (withheld in code) != (reason in WITHHELD):
            yield f"{reason}: is a 3.1.1 PUBACK withheld?"
        if again.startswith(yes) != (reason in MENDABLE):
            yield f"{reason}: is it to be sent again?"

    table = {cells[0].strip("`"): cells for cells in rows(TEXT[page]) if len(cells) == 4 and cells[2].startswith("0x")}
    assert list(table) == [str(reason) for reason in Reason]
    expect_none(each for name, cells in table.items() for each in wrong(Reason(name), cells[2], cells[3]))


def test_the_chinese_page_has_the_same_examples() -> None:
    """All of them, in the same sequence; and as many sections and rows of tables."""
    assert blocks(TEXT[CHINESE], "json") == blocks(TEXT[PAGE], "json")
    assert len(rows(TEXT[CHINESE])) == len(rows(TEXT[PAGE]))
    headings = [re.findall(r"^(#+) ", without_code(TEXT[page]), re.MULTILINE) for page in (PAGE, CHINESE)]
    assert headings[0] == headings[1]


CLIENTS: Final = {
    "phone-7": ["customer"],
    "rider-12": ["rider"],
    "noodle-bar": ["shop"],
    "corner-shop": ["shop"],
    "gw-1": ["gateway"],
    "desk-1": ["dispatcher"],
}
"""Who sends the examples of docs/wire.md, as they name each other."""


def sender(kind: str) -> str:
    """The client whose message this is."""
    scenario = CATALOG.scenario_of[kind]
    role = CATALOG.kinds[kind].roles[0]
    return next(
        name for name, roles in CLIENTS.items() if role in roles and (scenario, name) != ("labels", "noodle-bar")
    )


SECONDS: Final = {"late_s", "contact_s"}
"""Fields that are counted from when the question comes."""


def timeless(value: Any) -> Any:
    """A message without what depends on when it was made: each time is 0."""
    if isinstance(value, dict):
        return {name: 0 if name in SECONDS else timeless(each) for name, each in value.items()}
    if isinstance(value, list):
        return [timeless(each) for each in value]
    return 0 if isinstance(value, int) and value > 10**12 else value


def test_the_examples_of_messages_are_a_conversation_with_a_node(tmp_path: Path) -> None:
    """docs/wire.md has an example of each kind, up and down. Sent by their clients in the sequence of their times, all
    are accepted; and each example of an answer is what the node answers, but for the times; advice after the last
    drop-off."""
    messages = [(kind, json.loads(text)) for kind, text in examples()]
    assert {kind for kind, _ in messages} == CATALOG.kinds.keys() | DOWN.keys()
    up = [(kind, fields) for kind, fields in messages if kind in CATALOG.kinds]
    down = [(kind, fields) for kind, fields in messages if kind not in CATALOG.kinds]
    down += [("receipt", json.loads(text)) for text in blocks(part("Receipts")[1], "json")]
    assert len({fields["id"] for _, fields in up if "id" in fields}) == sum("id" in fields for _, fields in up)
    clock = next(fields["at"] for kind, fields in up if kind == "order.place")
    when = {"order.track": clock * 2, "orders.list": clock * 2, "rider.position": clock - 1, "order.preview": clock + 1}
    when |= dict.fromkeys(("board.list", "riders.list"), clock + 1)
    options = {"dispatch": {"show_rider": True}}
    with conversation(tmp_path, CLIENTS, clock, options) as clients:
        for kind, fields in sorted(up, key=lambda each: each[1].get("at", when.get(each[0]))):
            client = clients[sender(kind)]
            qos = int("id" in fields)
            client.phone.publish(kind, json.dumps(fields).encode(), qos=qos)
            if qos:
                receipt = json.loads(client.take("receipt", {"id": fields["id"]}))
                assert receipt["status"] == "accepted", receipt
                client.received.append(("receipt", json.dumps(receipt).encode()))
        refused = {**next(fields for kind, fields in up if kind == "order.place"), "id": "e-9"}
        refused["pickup"] = {"lat": 31.2304, "lon": 1214.737}
        clients["phone-7"].phone.publish("order.place", json.dumps(refused).encode())

        def answered(kind: str, fields: Any) -> bool:
            sent = [json.loads(each) for client in clients.values() for each in client.left(kind)]
            return timeless(fields) in [timeless(each) for each in sent]

        for kind, fields in sorted(down, key=lambda each: each[0] == "advice"):
            if kind == "advice":
                done = {"id": "r-9", "at": clock + 700_000, "order": "o-17", "step": "delivered"}
                clients["rider-12"].phone.publish("rider.progress", json.dumps(done).encode(), qos=1)
            wait_until(lambda kind=kind, fields=fields: answered(kind, fields), f"{kind} {fields}")
