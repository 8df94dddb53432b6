"""What a scenario declares, compared with what the node, the wire and the windows can take."""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, get_args

import msgspec
import msgspec.inspect
from msgspec import Struct

from ...core.decode import Catalog
from ...core.node import NODE
from ...core.scenario import Message, Scenario, Zone
from ...limits import COUNTERS_MAX, IDENTIFIER_PATTERN, MEASURES_MAX
from ...messages.batches import Name
from ...messages.envelope import KIND, Receipt, Up
from ...messages.roles import ROLES
from .bounds import unbounded

OF_THE_NODE: Final = re.compile(r"(accepted|refused|duplicate|located|withheld|shed|answer)\.|late$|other$|discarded$")
"""Counters that the node keeps itself, in the same windows."""

_FORMS: Final = ("count", "measure", "locate")
_HINTS: Final[Mapping[str, str]] = {
    "integer": "is an integer without bounds: write Annotated[int, Meta(ge=…, le=…)] within 63 bits",
    "number": "is a number without bounds: write Annotated[float, Meta(ge=…, le=…)], which also refuses NaN",
    "text": "is a text of any length: write Identifier, Text, or Annotated[str, Meta(max_length=…)]",
    "words": "may have a person's words: write Text, so that no row keeps them, or give it a pattern",
    "bytes": "are bytes of any length: write Annotated[bytes, Meta(max_length=…)]",
    "list": "is a list of any length: write Annotated[list[…], Meta(max_length=…)]",
    "map": "is a map of any size: write Annotated[dict[…], Meta(max_length=…)]",
    "set": "is a set, whose order differs from process to process: write a list",
    "value": "takes any value: name its type",
}


def wrong(kind: type[Scenario], others: list[type[Scenario]]) -> list[str]:
    """Everything about a scenario's declarations that cannot work, as sentences. `others` are those installed."""
    parts: list[Callable[[], Iterator[str]]] = [
        lambda: _names(kind),
        lambda: _messages(kind),
        lambda: _clashes(kind, others),
        lambda: _options(kind),
        lambda: _counters(kind),
        lambda: _receipt(kind),
    ]
    found: list[str] = []
    for part in parts:
        try:
            found += part()
        except Exception as error:  # noqa: BLE001 - a declaration of any shape is looked at; what cannot be is wrong
            found.append(f"{kind.__name__}: the declarations cannot be read ({type(error).__name__}: {error})")
            break
    return found


def summary(kind: type[Scenario]) -> str:
    """What was looked at."""
    up = sum(message.direction == "up" for message in kind.messages)
    options = len(kind.options.__struct_fields__)
    return (
        f"{up} kinds up, {len(kind.messages) - up} down, {len(kind.counters)} counters, {options} options, "
        f"zone {kind.zone}"
    )


def _names(kind: type[Scenario]) -> Iterator[str]:
    if not re.match(IDENTIFIER_PATTERN, kind.name) or kind.name == NODE:
        yield f"name = {kind.name!r}: use lower-case letters, digits and dashes, and not {NODE!r}"
    if kind.zone not in get_args(Zone):
        yield f"zone = {kind.zone!r}: write one of {', '.join(get_args(Zone))}"
    for method in ("round", "snapshot", "restore"):
        if getattr(kind, method) is getattr(Scenario, method):
            yield f"{kind.__name__} has no method {method}(): the contract asks for it"


def _messages(kind: type[Scenario]) -> Iterator[str]:
    if not any(message.direction == "up" for message in kind.messages):
        yield "messages: no kind comes up, so there is nothing to decide"
    seen: dict[tuple[str, str], type] = {}
    bodies: dict[type, str] = {}
    for message in kind.messages:
        if (message.direction, message.kind) in seen:
            yield f"{message.kind}: declared twice in the same direction"
        seen[message.direction, message.kind] = message.body
        if message.body in bodies:
            yield f"{message.kind}: has the body of {bodies[message.body]}; a body names one kind, give each its own"
        bodies[message.body] = message.kind
        for text in _message(message):
            yield f"{message.kind}: {text}"


def _message(message: Message) -> Iterator[str]:
    if not KIND.fullmatch(message.kind):
        yield "a kind is a level of a topic: a lower-case letter, then letters and dots, at most 32"
    if message.direction not in ("up", "down"):
        yield f'direction = {message.direction!r}: write "up" or "down"'
    unknown = [role for role in message.roles if role not in ROLES]
    if unknown or not message.roles:
        yield f"roles = {message.roles}: name those who send (up) or receive (down) it, of {', '.join(ROLES)}"
    if not (isinstance(message.body, type) and issubclass(message.body, Struct)):  # pyright: ignore[reportUnnecessaryIsInstance]
        yield f"the body {message.body!r} is no msgspec.Struct"
        return
    config = message.body.__struct_config__
    if not config.frozen:
        yield f"{message.body.__name__} must be frozen: write class {message.body.__name__}(…, frozen=True)"
    if message.direction == "up":
        yield from _up(message, config)
    yield from _fields(message)


def _up(message: Message, config: Any) -> Iterator[str]:
    body = message.body
    if message.durable and not issubclass(body, Up):
        yield f"{body.__name__} is durable and must derive from edge.messages.envelope.Up"
    if config.tag_field != "kind" or config.tag != message.kind:
        hint = f"write tag={message.kind!r} (and, where it does not derive from Up, tag_field='kind')"
        yield f"{body.__name__} has the tag {config.tag!r}: {hint}"
    if config.forbid_unknown_fields:
        yield f"{body.__name__} forbids unknown fields: a newer client's message would be refused"
    for path, what in unbounded(msgspec.inspect.type_info(body), body.__name__):
        yield f"{path} {_HINTS[what]}"


def _fields(message: Message) -> Iterator[str]:
    fields = {field.name: field for field in msgspec.structs.fields(message.body)}
    for name in (*message.personal, *message.in_memory, *(each for names in message.given for each in names)):
        if name not in fields:
            yield f"{message.body.__name__} has no field {name!r}: correct personal, in_memory or given"
    for name in message.in_memory:
        if name in fields and fields[name].default is msgspec.NODEFAULT:
            yield f"{name!r} is in memory only and needs a plain default: that is what the row keeps in its place"
    if message.about and (message.direction != "down" or message.about not in fields):
        yield f"about is for kinds down, and names a field: {message.about!r} is none of {message.body.__name__}"
    if message.in_memory and not (message.durable and message.direction == "up"):
        yield "in_memory is for durable kinds up: nothing else has fields in a row"


def _clashes(kind: type[Scenario], others: list[type[Scenario]]) -> Iterator[str]:
    for message in kind.messages:
        if message.direction == "down" and message.kind == "receipt":
            yield "receipt: this kind is the node's; add fields by Scenario.receipt instead"
        for other in others:
            for taken in other.messages:
                if (taken.direction, taken.kind) == (message.direction, message.kind):
                    yield f"{message.kind}: the scenario {other.name} has this kind too; both cannot run in one node"
    try:
        Catalog([kind])
    except Exception as error:  # noqa: BLE001 - msgspec has its own words for types that it cannot decode
        yield f"messages: the node cannot decode them ({type(error).__name__}: {error})"


def _options(kind: type[Scenario]) -> Iterator[str]:
    form = kind.options
    if not (isinstance(form, type) and issubclass(form, Struct)):  # pyright: ignore[reportUnnecessaryIsInstance]
        yield f"options = {form!r}: it must be a msgspec.Struct"
        return
    if not form.__struct_config__.frozen:
        yield f"{form.__name__} must be frozen: options change only by configure()"
    if not form.__struct_config__.forbid_unknown_fields:
        yield f"{form.__name__} needs forbid_unknown_fields=True: a misspelt option would be ignored silently"
    required = [field.name for field in msgspec.structs.fields(form) if field.required]
    if required:
        yield f"{form.__name__}.{required[0]} has no default: a node must run without the section [{kind.name}]"
        return
    try:
        msgspec.convert(msgspec.to_builtins(form()), form)
        msgspec.msgpack.decode(msgspec.msgpack.encode(form()), type=form)
    except (msgspec.ValidationError, TypeError) as error:
        yield f"{form.__name__}: its own defaults are not valid ({error})"
    for name in kind.restart_options:
        if name not in form.__struct_fields__:
            yield f"restart_options: {form.__name__} has no option {name!r}"
    for name in kind.file_options:
        if name not in form.__struct_fields__:
            yield f"file_options: {form.__name__} has no option {name!r}"


def _counters(kind: type[Scenario]) -> Iterator[str]:
    seen: dict[tuple[str, str], None] = {}
    for counter in kind.counters:
        if counter.form not in _FORMS:
            yield f"counter {counter.name}: form = {counter.form!r}; write one of {', '.join(_FORMS)}"
        try:
            msgspec.convert(f"withheld.{counter.name}", Name)
            msgspec.convert(counter.name, Name)
        except msgspec.ValidationError:
            yield f"counter {counter.name!r}: use lower-case letters, digits, dots, dashes and underscores, at most 86"
        if OF_THE_NODE.match(counter.name):
            yield f"counter {counter.name}: the node counts under this name itself; choose another"
        if (counter.name, counter.form) in seen:
            yield f"counter {counter.name}: declared twice as {counter.form}"
        seen[counter.name, counter.form] = None
        if not counter.of:
            yield f"counter {counter.name}: name what one unit is, of=…"
    for form, most in (("count", COUNTERS_MAX // 2), ("measure", MEASURES_MAX - 1)):
        if (many := sum(counter.form == form for counter in kind.counters)) > most:
            yield f"counters: {many} of the form {form}; at most {most} have a name of their own in a window"


def _receipt(kind: type[Scenario]) -> Iterator[str]:
    form = kind.receipt
    if not (isinstance(form, type) and issubclass(form, Receipt) and form.__struct_config__.frozen):  # pyright: ignore[reportUnnecessaryIsInstance]
        yield f"receipt = {form!r}: it must be a frozen struct derived from edge.messages.envelope.Receipt"
        return
    added = [field.name for field in msgspec.structs.fields(form) if field.required]
    extra = [name for name in added if name not in Receipt.__struct_fields__]
    if extra:
        yield f"{form.__name__}.{extra[0]} has no default: a message that is refused early has none"
