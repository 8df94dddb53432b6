"""Several clients talk with a real node whose clock shows a chosen time: who gets what, compared with what is expected.

Every message that the node sends is checked against the schema of its kind on the way.
"""

import base64
import json
import queue
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

from bench.lab.mosquitto import Mosquitto
from bench.lab.site import Site
from edge.identity.credentials import Newcomer, add
from edge.messages.envelope import loose
from edge.scenarios.loader import DEFAULT, load
from edge.scenarios.protocol.schema import contract, document
from tests.phone import ANSWER_S_MAX, Phone
from tests.waiting import wait_until

Fields = dict[str, Any]

NODE = "n-1"
ACL = f"""
user {NODE}
topic read ds/{NODE}/up/#
topic write ds/{NODE}/down/#
topic readwrite ds/{NODE}/status

pattern write ds/{NODE}/up/%u/#
pattern read ds/{NODE}/down/%u/#
"""
"""What the broker lets the node, and each client, do."""

MADE = contract(load(DEFAULT))
DOCUMENT = document(MADE)
RECEIPT_OF = {message.kind: receipt for message, _, receipt in MADE.up}
DOWN = {message.kind: name for message, name in MADE.down}


class Client:
    """One of them: what it has received and nobody has asked for yet."""

    def __init__(self, phone: Phone) -> None:
        self.phone = phone
        self.received: list[tuple[str, bytes]] = []

    def take(self, kind: str, expected: Fields) -> bytes:
        """The first message of a kind that has all of these fields. Fails where none comes."""
        found: list[tuple[str, bytes]] = []

        def arrived() -> bool:
            self._gather()
            found.extend(one for one in self.received if one[0] == kind and holds(loose(one[1]), expected))
            return bool(found)

        try:
            wait_until(arrived, seconds=ANSWER_S_MAX)
        except AssertionError:
            raise AssertionError(f"{self.phone.name} got no {kind} with {expected}, but {self.received}") from None
        self.received.remove(found[0])
        return found[0][1]

    def left(self, kind: str) -> list[bytes]:
        """What has come of this kind that nobody has asked for."""
        self._gather()
        return [payload for each, payload in self.received if each == kind]

    def _gather(self) -> None:
        while True:
            try:
                kind, payload = self.phone.answers.get_nowait()
            except queue.Empty:
                return
            check(kind, loose(payload))
            self.received.append((kind, payload))


def check(kind: str, fields: Fields) -> None:
    """A message from the node is one of its schema, and has no field that the schema does not name."""
    name = RECEIPT_OF.get(fields["of"]) or MADE.receipts[-1] if kind == "receipt" else DOWN[kind]
    Draft202012Validator({**DOCUMENT, "$ref": f"#/$defs/{name}"}).validate(fields)
    assert fields.keys() <= MADE.schemas[name]["properties"].keys(), (kind, fields)


def holds(value: Any, expected: Any) -> bool:
    """Whether a value is as expected; a map may have more fields."""
    if isinstance(expected, dict):
        return isinstance(value, dict) and all(holds(value.get(name), each) for name, each in expected.items())
    if isinstance(expected, list):
        return len(value) == len(expected) and all(holds(*pair) for pair in zip(value, expected, strict=True))
    return value == expected


@contextmanager
def running_node(folder: Path, clients: Mapping[str, Any], clock_ms: int, options: Fields) -> Iterator[Site]:
    """A node and the tokens of its clients. `clients` has the roles of each; `options` are further ones of the node.
    Its clock shows `clock_ms` (Unix ms) at the start."""
    anchors = {"clock_wall_anchor_ms": clock_ms, "clock_real_anchor_ms": int(time.time() * 1000)}
    with Site(folder).configure((), {**anchors, **options}, centre=False) as site:
        site.tokens = add(folder / "credentials", [Newcomer(name, roles) for name, roles in clients.items()])
        site.start()
        yield site


@contextmanager
def running_broker(folder: Path, names: Iterable[str]) -> Iterator[tuple[Mosquitto, Mapping[str, str], Fields]]:
    """A broker of others for clients of these names: the broker, their passwords, and the options of the node."""
    words = {name: f"{name}-word" for name in [*names, NODE]}
    (folder / "broker").mkdir()
    (folder / "link.token").touch(0o600)
    (folder / "link.token").write_text(words[NODE])
    with Mosquitto(folder / "broker", users=words, acl=ACL) as broker:
        link = {"link": f"mqtt://127.0.0.1:{broker.port}", "link_token_file": "link.token"}
        yield broker, words, {"listen": "", **link}


@contextmanager
def conversation(
    folder: Path, clients: Mapping[str, Any], clock_ms: int, options: Fields, *, v5: bool = True, broker: bool = False
) -> Iterator[dict[str, Client]]:
    """Such a node's clients by name, connected to it or, like the node, to a broker of others."""
    with ExitStack() as stack:
        if broker:
            between, words, link = stack.enter_context(running_broker(folder, clients))
            stack.enter_context(running_node(folder, clients, clock_ms, options | link))
            phones = {name: Phone(name, between.port, words[name], v5=v5) for name in clients}
        else:
            site = stack.enter_context(running_node(folder, clients, clock_ms, options))
            phones = {name: Phone(name, site.port, site.tokens[name], v5=v5) for name in clients}
        for phone in phones.values():
            stack.callback(phone.close)
        yield {name: Client(phone) for name, phone in phones.items()}


def payload_of(step: Fields) -> bytes:
    """The bytes of a vector: `payload` as JSON, `text`, or `base64`; `padded_to` so many bytes with spaces."""
    if "base64" in step:
        return base64.b64decode(step["base64"])
    text: str = step["text"] if "text" in step else json.dumps(step["payload"])
    return text.encode().ljust(step.get("padded_to", 0))
