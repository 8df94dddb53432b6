"""The same contract as types of TypeScript, with the descriptions as comments."""

import json
from collections.abc import Iterable
from typing import Any, Final

from ...messages.roles import ROLES
from .schema import Contract, Schema, referred

_PLAIN: Final = {"string": "string", "integer": "number", "number": "number", "boolean": "boolean", "null": "null"}
_HEAD: Final = "// Messages of a Doorstep node: {names}. Written by `doorstep scenario protocol`; do not edit.\n"


def document(made: Contract) -> str:
    """One file of declarations: an interface for each message, and the kinds of both directions."""
    roles = {message.kind: message.roles for message, *_ in made.up}
    return "\n".join(
        [
            _HEAD.format(names=", ".join(made.names)),
            *(_declaration(name, schema) for name, schema in made.schemas.items()),
            _comment("What a client is, by its credential or its token."),
            f"export type Role = {_literals(ROLES)};\n",
            _comment("Events by kind: a client publishes them to `ds/<node>/up/<client>/<kind>`."),
            _map("Up", {message.kind: name for message, name, _ in made.up}),
            _comment("Answers by kind: a client receives them at `ds/<node>/down/<client>/<kind>`."),
            _map("Down", {message.kind: name for message, name in made.down} | {"receipt": " | ".join(made.receipts)}),
            _comment("Who may send each kind."),
            _map("Senders", {kind: _literals(names or ROLES) for kind, names in roles.items()}),
            _comment("The receipt of each kind. A kind that is not here is sent at QoS 0 and has none."),
            _map("Receipts", {message.kind: receipt for message, _, receipt in made.up if receipt}),
        ]
    )


def _declaration(name: str, schema: Schema) -> str:
    head = _comment(schema["description"])
    if "enum" in schema:
        return f"{head}\nexport type {name} = {_literals(schema['enum'])};\n"
    lines = [head, f"export interface {name} {{"]
    for field, each in schema["properties"].items():
        if words := " ".join(part for part in (each.get("description", ""), _bounds(each)) if part):
            lines.append(_comment(words, "  "))
        lines.append(f"  {field}{'' if field in schema.get('required', ()) else '?'}: {_type(each)};")
    return "\n".join([*lines, "}\n"])


def _type(schema: Schema) -> str:
    match schema:
        case {"$ref": _}:
            return referred(schema)
        case {"const": value}:
            return json.dumps(value)
        case {"enum": values}:
            return _literals(values)
        case {"anyOf": options}:
            return " | ".join(_type(each) for each in options)
        case {"prefixItems": parts}:
            return f"[{', '.join(_type(each) for each in parts)}]"
        case {"type": "array"}:
            return f"Array<{_type(schema['items'])}>" if "items" in schema else "unknown[]"
        case {"type": "object"}:
            return "Record<string, unknown>"
        case {"type": plain}:
            return _PLAIN[plain]
        case _:
            return "unknown"


def _bounds(schema: Schema) -> str:
    """The bounds of a field in words, where there are some."""
    for part in schema.get("anyOf", [schema]):
        match part:
            case {"minimum": least, "maximum": most} if abs(most) < 10**10:
                return f"{least} to {most}."
            case {"minItems": least, "maxItems": most}:
                return f"{least} to {most} items."
            case {"maxLength": most}:
                return f"At most {most} characters."
            case {"pattern": pattern}:
                return f"`{pattern}`"
            case _:
                continue
    return ""


def _map(name: str, kinds: dict[str, str]) -> str:
    return "\n".join([f"export interface {name} {{", *(f'  "{kind}": {each};' for kind, each in kinds.items()), "}\n"])


def _literals(values: Iterable[Any]) -> str:
    return " | ".join(json.dumps(value) for value in values)


def _comment(text: str, indent: str = "") -> str:
    lines = text.splitlines()
    if len(lines) == 1:
        return f"{indent}/** {text} */"
    return "\n".join([f"{indent}/**", *(f"{indent} * {line}".rstrip() for line in lines), f"{indent} */"])
