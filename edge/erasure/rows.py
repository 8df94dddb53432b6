"""A row, or a snapshot, without one client. Pure.

What the client sent, and what it was sent, goes whole. What others were sent about the client's things goes where the
kind has personal fields (the door in a rider's assignment), and elsewhere the words that the client wrote. In what is
left a stand-in takes the place of its name, for what others did stays theirs.
"""

import struct
from collections.abc import Iterator, Mapping, Sequence
from itertools import compress, zip_longest
from typing import Any, Final

import msgspec
from msgspec.structs import replace

from ..core.aggregate import State as WindowsState
from ..core.model import (
    Acknowledge,
    Answer,
    Batch,
    Configure,
    Recordable,
    Recorded,
    RecordedEvent,
    Rejected,
    Row,
    Rules,
    ScenarioRecord,
    Snapshot,
)
from ..core.outbox import State as OutboxState
from ..core.scenario import Part, Scenario
from ..messages.envelope import free_texts, loose
from ..scenarios.names import Forms, Renaming

_DOUBLE: Final = struct.Struct(">d")
_PENDING: Final = msgspec.msgpack.Decoder(tuple[list[Answer], tuple[int, int, int, int]]).decode


class Erasure:
    """One client's, with the name that takes the place of its own. `kinds` are all scenarios that the journal has. Rows
    come in their sequence: whose event first names a thing and is accepted is whose it is."""

    def __init__(self, client: str, stand_in: str, kinds: Sequence[type[Scenario]]) -> None:
        self.names = Renaming(client, stand_in)
        self._client = client
        self._kinds = {kind.name: kind for kind in kinds}
        messages = [(kind, message) for kind in kinds for message in kind.messages]
        self._forms = Forms(kinds)
        self._about = {each.kind: each.about for _, each in messages if each.about}
        self._goes = {each.kind for _, each in messages if each.about and each.personal}
        self._personal = {each.kind: each.personal for _, each in messages if each.direction == "up"}
        self._texts = {
            each.kind: free_texts(each.body) for _, each in messages if each.direction == "up" and each.durable
        }
        self._owners: dict[tuple[str, str], bool] = {}
        self._places: dict[bytes, None] = {}
        self._shared: dict[bytes, None] = {}  # a shop's place is nobody's door, though somebody may live there

    def row(self, row: Row) -> Row | None:
        """The row without the client; None where it stays as it is.

        Raises:
            msgspec.DecodeError: something in it is of another version, or of a scenario that is not in `kinds`.
        """
        self._look(row)
        kept: list[Recorded] = []
        stays: list[bool] = []
        for item in row.inputs:
            mine = isinstance(item, RecordedEvent | Rejected) and item.client == self._client
            if isinstance(item, RecordedEvent | Rejected):
                stays.append(not mine)
            if not mine:
                kept.append(self._input(item))
        effects = [self._effect(each, stays) for each in row.effects if not self.goes(each)]
        found = replace(row, inputs=kept, effects=effects, scenarios=[self._record(each) for each in row.scenarios])
        return None if found == row else found

    def snapshot(self, state: Snapshot) -> Snapshot:
        """The state without the client. After the rows that lead to it."""
        answers, counters = _PENDING(state.pending_answers)
        left = [self._answer(each) for each in answers if not self.goes(each)]
        same = left == answers
        return replace(
            state,
            rules=self._rules(state.rules),
            packed_clients=[self.names.name(each) for each in state.packed_clients],
            pending_answers=state.pending_answers if same else msgspec.msgpack.encode((left, counters)),
            windows=self.names.packed(state.windows, WindowsState),
            outbox=self._outbox(state.outbox),
            scenarios={name: self._renamed(name, body, "state") for name, body in state.scenarios.items()},
        )

    def is_at_home(self, packed: bytes) -> bool:
        """Whether MessagePack has a number out of the client's personal fields, such as its door. After the rows."""
        return any(each in packed for each in self._places if each not in self._shared)

    # -- inside --------------------------------------------------------------------------------------------------------

    def _look(self, row: Row) -> None:
        """Whose the things are that an accepted event names for the first time, and where the client was."""
        fields = dict.fromkeys(self._about.values())
        durable = (each for each in row.inputs if isinstance(each, RecordedEvent | Rejected))
        for item, reason in zip_longest(durable, _reasons(row), fillvalue=""):
            if isinstance(item, RecordedEvent):
                body: dict[str, Any] = msgspec.msgpack.decode(item.body)
                mine = item.client == self._client
                for field in (each for each in fields if each in body and not reason):
                    self._owners.setdefault((field, str(body[field])), mine)
                if mine:
                    texts = (body.get(field) for field in self._texts.get(item.kind, ()))
                    self.names.unspoken.update({text: None for text in texts if text and isinstance(text, str)})
                personal = self._personal.get(item.kind, ())
                for field, value in body.items():
                    if mine or field not in personal:
                        found = self._places if field in personal else self._shared
                        found.update(dict.fromkeys(map(_DOUBLE.pack, _numbers(value))))

    def goes(self, effect: Recordable) -> bool:
        """Whether an effect is not for others to keep. After the rows that lead to it."""
        if not isinstance(effect, Answer):
            return False
        if effect.client == self._client:
            return True
        if effect.kind not in self._goes:
            return False
        field = self._about[effect.kind]
        return self._owners.get((field, str(loose(effect.payload).get(field, ""))), False)

    def _input(self, item: Recorded) -> Recorded:
        if isinstance(item, RecordedEvent):
            body, shop = bytes(item.body), self.names.name(item.shop)
            after = self.names.packed(body, self._forms.up(item.kind))
            return replace(item, body=msgspec.Raw(after), shop=shop) if (after, shop) != (body, item.shop) else item
        if isinstance(item, Rejected):
            return replace(item, detail=self.names.sentence(item.detail))
        return Configure(self._rules(item.rules)) if isinstance(item, Configure) else item

    def _record(self, record: ScenarioRecord) -> ScenarioRecord:
        after = self._renamed(record.scenario, record.record, "record")
        return replace(record, record=after) if after != record.record else record

    def _renamed(self, name: str, body: bytes, part: Part) -> bytes:
        scenario = self._of(name)
        if type(scenario).renamed is Scenario.renamed and self._client.encode() in body:
            raise msgspec.ValidationError(f"the scenario {name!r} has no method renamed()")
        return scenario.renamed(body, part, self.names) if body else body

    def _outbox(self, body: bytes) -> bytes:
        """What waits for the centre: who has taken part in the figures of a shop, and those of the client, if it is
        one."""
        if self._client.encode() not in body:
            return body
        state = msgspec.msgpack.decode(body, type=OutboxState)
        state.statements.forget(self._client)
        return self.names.packed(msgspec.msgpack.encode(state), OutboxState)

    def _rules(self, rules: Rules) -> Rules:
        """Options may name clients, too."""
        options = {
            name: msgspec.Raw(self.names.packed(bytes(packed), self._of(name).options))
            for name, packed in rules.scenarios.items()
        }
        return replace(rules, scenarios=options) if options != rules.scenarios else rules

    def _effect(self, effect: Recordable, stays: list[bool]) -> Recordable:
        if isinstance(effect, Answer):
            return self._answer(effect)
        if isinstance(effect, Acknowledge) and len(effect.reasons) == len(stays):
            return Acknowledge(list(compress(effect.reasons, stays)))
        assert isinstance(effect, Acknowledge | Batch)
        return effect

    def _answer(self, answer: Answer) -> Answer:
        payload = answer.payload
        return replace(answer, payload=self.names.packed(payload, self._forms.down(answer.kind, payload)))

    def _of(self, name: str) -> Scenario:
        kind = self._kinds.get(name)
        if kind is None:
            raise msgspec.ValidationError(f"there is no scenario {name!r} here")
        return kind()


def _reasons(row: Row) -> Sequence[str]:
    """What became of each durable input."""
    return next((each.reasons for each in row.effects if isinstance(each, Acknowledge)), ())


def _numbers(value: Any) -> Iterator[float]:
    """Every number with a fraction in it: such a one is not there by chance."""
    if isinstance(value, float) and not value.is_integer():
        yield value
    elif isinstance(value, Mapping):
        for each in value.values():  # pyright: ignore[reportUnknownVariableType]
            yield from _numbers(each)
    elif isinstance(value, list):
        for each in value:  # pyright: ignore[reportUnknownVariableType]
            yield from _numbers(each)
