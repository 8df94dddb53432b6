"""The messages of scenarios as JSON Schema 2020-12: what the structs have, and what their docstrings add."""

import ast
import inspect
import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise
from textwrap import dedent
from typing import Any, Final, NamedTuple, cast

import msgspec
from msgspec import Struct
from msgspec import inspect as types

from ...core.scenario import Collection, Message, Scenario
from ...errors import MENDABLE, Reason
from ...messages.envelope import Receipt

Schema = dict[str, Any]

IN_FILE: Final = "#/$defs/{name}"
"""References of a file that holds JSON Schema and nothing else."""

IN_COMPONENTS: Final = "#/components/schemas/{name}"
"""References of an AsyncAPI or OpenAPI document."""

_REASONS: Final = [reason.value for reason in Reason]
_TIME: Final = re.compile(r"(\w+_)?at|until|answer_by")
_UNITS: Final = (
    (re.compile(r"\w+_s"), "Seconds."),
    (re.compile(r"\w+_cents"), "Hundredths of the shop's currency."),
    (re.compile(r"lat"), "Degrees, north positive."),
    (re.compile(r"lon"), "Degrees, east positive."),
)


class Contract(NamedTuple):
    """Scenarios in one piece: the kinds up and down, and the schemas of their messages by name."""

    names: list[str]
    up: list[tuple[Message, str, str]]
    """Message, the name of its schema, and that of its receipt ("" for none)."""
    down: list[tuple[Message, str]]
    collections: list[tuple[Collection, list[str]]]
    """With the schemas that one of it can have; the last one, of what is over, where there is one."""
    receipts: list[str]
    """The schemas that a receipt can have: one for each scenario, and that of a message that no scenario knows."""
    schemas: dict[str, Schema]


def contract(scenarios: Iterable[type[Scenario]], references: str = IN_FILE) -> Contract:
    """The contract of these scenarios. `references` is the form of a reference, with `{name}` in it."""
    kinds = list(scenarios)
    messages = [(scenario, message) for scenario in kinds for message in scenario.messages]
    receipts = list(dict.fromkeys([*(scenario.receipt for scenario in kinds), Receipt]))
    collections = [each for scenario in kinds for each in scenario.collections]
    tops = [
        *(message.body for _, message in messages),
        *receipts,
        *(form for each in collections for form in _bodies(each)),
    ]
    forms = list(dict.fromkeys(form for top in tops for form in _structs(types.type_info(top))))
    found, schemas = msgspec.json.schema_components(forms, ref_template=references)
    names = {form: referred(each) for form, each in zip(forms, found, strict=True)}
    for form in receipts:
        schemas[names[form]]["properties"]["reason"] |= {"enum": _REASONS}
    for form, name in names.items():
        _describe(schemas[name], form)
    for scenario, message in messages:
        if message.direction == "up":
            _complete(schemas[names[message.body]], message, scenario)
    sent = {form for _, message in messages if message.direction == "up" for form in _forms(message.body)}
    for form, name in names.items():
        if form not in sent:
            _from_the_node(schemas[name], references)
    return Contract(
        [scenario.name for scenario in kinds],
        [
            (message, names[message.body], names[scenario.receipt] if message.durable else "")
            for scenario, message in messages
            if message.direction == "up"
        ],
        [(message, names[message.body]) for _, message in messages if message.direction == "down"],
        [(each, [names[form] for form in _bodies(each)]) for each in collections],
        [names[form] for form in receipts],
        {
            **{name: schemas[name] for name in dict.fromkeys(names.values())},
            "Reason": {"title": "Reason", "description": "Why an event is refused.", "enum": _REASONS},
            "MendableReason": {
                "title": "MendableReason",
                "description": "Refusals that time can mend: the same event with the same id can be sent again. Every "
                "other refusal is final.",
                "enum": [reason for reason in _REASONS if reason in MENDABLE],
            },
        },
    )


def document(made: Contract) -> Schema:
    """One file of JSON Schema: each message in `$defs`, with its kind as an anchor."""
    anchors = {name: message.kind for message, name, *_ in [*made.up, *made.down]}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:doorstep:schema:1",
        "title": f"Messages of a Doorstep node: {', '.join(made.names)}",
        "description": "Validate a payload with the schema in $defs, or by its kind as the anchor: #order.place. A "
        "receipt has the schema of its scenario.",
        "$defs": {
            name: {"$anchor": anchors[name], **schema} if name in anchors else schema
            for name, schema in made.schemas.items()
        },
    }


def _bodies(collection: Collection) -> list[type[Struct]]:
    return [form for form in (collection.body, collection.over) if form is not None]


# -- the structs -------------------------------------------------------------------------------------------------------


def _forms(form: type[Struct]) -> Iterator[type[Struct]]:
    return _structs(types.type_info(form))


def _structs(info: object) -> Iterator[type[Struct]]:
    """The struct of a type, and those of its fields."""
    if isinstance(info, types.StructType):
        yield info.cls
    for value in getattr(info, "__struct_fields__", ()):
        yield from _inside(getattr(info, value))


def _inside(value: object) -> Iterator[type[Struct]]:
    if isinstance(value, types.Field):
        yield from _structs(value.type)
    elif isinstance(value, types.Type):
        yield from _structs(value)
    elif isinstance(value, tuple):
        for each in cast(tuple[object, ...], value):
            yield from _inside(each)


def field_docs(form: type[Struct]) -> dict[str, str]:
    """The docstring below each field of a struct and of those from which it derives."""
    docs: dict[str, str] = {}
    for each in reversed(form.__mro__):
        if each is Struct or not issubclass(each, Struct):
            continue
        body = cast(ast.ClassDef, ast.parse(dedent(inspect.getsource(each))).body[0]).body
        for node, following in pairwise(body):
            if isinstance(node, ast.AnnAssign) and isinstance(following, ast.Expr):
                docs[ast.unparse(node.target)] = " ".join(str(ast.literal_eval(following.value)).split())
    return docs


# -- what msgspec leaves open ------------------------------------------------------------------------------------------


def _describe(schema: Schema, form: type[Struct]) -> None:
    """The description of a struct, and of each of its fields, with the unit."""
    schema["description"] = inspect.cleandoc(schema.get("description", ""))
    docs = field_docs(form)
    properties: dict[str, Schema] = schema["properties"]
    for name, field in properties.items():
        for part in (each for one in _parts(field) for each in (one, one.get("items", {}))):
            if "pattern" in part:  # Python's anchors are none in ECMA-262
                part["pattern"] = part["pattern"].replace(r"\A", "^").replace(r"\Z", "$")
        words = " ".join(each for each in (docs.get(name, ""), _unit(name, field)) if each)
        if words:
            field["description"] = words


def _complete(schema: Schema, message: Message, scenario: type[Scenario]) -> None:
    """Of a message towards the node: the kind, which the topic has already, the sets of fields of which it needs one,
    and an example."""
    schema["properties"]["kind"] = {
        "const": message.kind,
        "description": "The kind, which the topic has, too. It can be left out.",
    }
    schema["required"].remove("kind")
    for field in schema["properties"].values():
        if not field.get("default", True) and field["default"] != 0:
            del field["default"]  # null, and an empty text, are as good as an absent field
    if message.given:
        schema["anyOf"] = [
            {"required": list(names), "properties": {name: {"not": {"type": "null"}} for name in names}}
            for names in message.given
        ]
    example = next((fields for _, kind, fields in scenario.examples(1) if kind == message.kind), None)
    if example is not None:
        schema["examples"] = [example]


def _from_the_node(schema: Schema, references: str) -> None:
    """Of a message from the node: what has its default is absent, so that there is neither null nor a default."""
    properties: dict[str, Schema] = schema["properties"]
    for field in properties.values():
        field.pop("default", None)
        if field.get("enum") == _REASONS:
            del field["type"], field["enum"]
            field["$ref"] = references.format(name="Reason")
        options = [each for each in field.pop("anyOf", []) if each != {"type": "null"}]
        if len(options) == 1:
            field |= options[0]
        elif options:
            field["anyOf"] = options


def _unit(name: str, field: Schema) -> str:
    if not any(part.get("type") in ("integer", "number") for part in _parts(field)):
        return ""
    if _TIME.fullmatch(name):
        return "Unix milliseconds."
    return next((words for pattern, words in _UNITS if pattern.fullmatch(name)), "")


def _parts(field: Schema) -> list[Schema]:
    """What a field may be; its one form, where it is not optional."""
    return field.get("anyOf", [field])


def referred(schema: Mapping[str, Any]) -> str:
    """The name in a reference."""
    return str(schema["$ref"]).rpartition("/")[2]
