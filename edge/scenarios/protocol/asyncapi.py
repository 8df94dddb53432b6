"""The same contract as AsyncAPI 3: which topics there are, who sends what at which QoS, and what comes back."""

from collections.abc import Iterable
from typing import Any, Final, cast

from ...core.scenario import Message
from ...messages.envelope import topic_down, topic_up
from ...messages.roles import ROLES
from .schema import IN_COMPONENTS, Contract, Schema

_MQTT: Final = "0.2.0"
"""Version of AsyncAPI's own description of MQTT."""

_PARAMETERS: Final[dict[str, Schema]] = {
    "node": {"description": "The name of the node."},
    "client": {"description": "The user name of the connection. Nobody has a topic of another one's."},
}
_ALIVE: Final = "node.status"


def document(made: Contract) -> Schema:
    """A client of these scenarios: it sends what goes up and receives what comes down. `made` has IN_COMPONENTS as its
    references."""
    names = [name for _, name, *_ in [*made.up, *made.down]] + made.receipts
    kinds = {name: message.kind for message, name, *_ in [*made.up, *made.down]}
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": f"A client of a Doorstep node: {', '.join(made.names)}",
            "version": "1",
            "description": "What a client sends to a node and receives from it. Payloads are one map, in JSON or in "
            "MessagePack. The tags of an operation are the roles of the clients that it is for.",
        },
        "defaultContentType": "application/json",
        "servers": {
            "node": {
                "host": "localhost:1883",
                "protocol": "mqtt",
                "description": "MQTT 5 or 3.1.1, over TCP, TLS or WebSocket, as configured at the node.",
                "security": [{"$ref": "#/components/securitySchemes/token"}],
            }
        },
        "channels": {
            **{message.kind: _channel(topic_up, message.kind, [name]) for message, name, _ in made.up},
            **{message.kind: _channel(topic_down, message.kind, [name]) for message, name in made.down},
            "receipt": _channel(topic_down, "receipt", made.receipts),
            _ALIVE: _alive(),
        },
        "operations": {
            **{f"send.{message.kind}": _send(message, made, receipt) for message, _, receipt in made.up},
            **{
                f"receive.{message.kind}": _receive(message.kind, message.roles, _level(message))
                for message, _ in made.down
            },
            "receive.receipt": _receive("receipt", ROLES, 1),
            f"receive.{_ALIVE}": {
                "action": "receive",
                "channel": {"$ref": f"#/channels/{_ALIVE}"},
                "summary": "Whether the node is there. Where it uses a broker of others only; retained, and its will.",
                "bindings": _qos(1),
            },
        },
        "components": {
            "messages": {name: _message(made.schemas[name], kinds.get(name, "receipt"), name) for name in names},
            "schemas": {name: _older(schema) for name, schema in made.schemas.items()},
            "securitySchemes": {
                "token": {
                    "type": "userPassword",
                    "description": "The client's name, and its token or JWT as the password.",
                }
            },
        },
    }


def _channel(topic: Any, kind: str, names: list[str]) -> Schema:
    return {
        "address": topic("{node}", "{client}", kind),
        "parameters": _PARAMETERS,
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in names},
    }


def _alive() -> Schema:
    payload: Schema = {"type": "object", "properties": {"alive": {"type": "boolean"}}, "required": ["alive"]}
    return {
        "address": "ds/{node}/status",
        "parameters": {"node": _PARAMETERS["node"]},
        "messages": {"Alive": {"name": _ALIVE, "title": "Alive", "payload": payload}},
    }


def _send(message: Message, made: Contract, receipt: str) -> Schema:
    operation: Schema = {
        "action": "send",
        "channel": {"$ref": f"#/channels/{message.kind}"},
        "tags": [{"name": role} for role in message.roles],
        "bindings": _qos(_level(message)),
    }
    if receipt:
        answers = dict.fromkeys([receipt, made.receipts[-1]])
        operation["reply"] = {
            "channel": {"$ref": "#/channels/receipt"},
            "messages": [{"$ref": f"#/channels/receipt/messages/{name}"} for name in answers],
        }
    return operation


def _receive(kind: str, roles: Iterable[str], level: int) -> Schema:
    return {
        "action": "receive",
        "channel": {"$ref": f"#/channels/{kind}"},
        "tags": [{"name": role} for role in roles],
        "bindings": _qos(level),
    }


def _level(message: Message) -> int:
    return 1 if message.durable else 0


def _qos(level: int) -> Schema:
    return {"mqtt": {"qos": level, "retain": False, "bindingVersion": _MQTT}}


def _message(schema: Schema, kind: str, name: str) -> Schema:
    message: Schema = {
        "name": kind,
        "title": name,
        "summary": schema["description"].partition("\n\n")[0].replace("\n", " "),
        "payload": {"$ref": IN_COMPONENTS.format(name=name)},
    }
    if "examples" in schema:
        message["examples"] = [{"payload": example} for example in schema["examples"]]
    return message


def _older(schema: Any) -> Any:
    """A schema in the words of draft 07, which AsyncAPI uses: it has lists of fixed length in `items`."""
    if isinstance(schema, list):
        return [_older(each) for each in cast(list[Any], schema)]
    if not isinstance(schema, dict):
        return schema
    found = {key: _older(value) for key, value in cast(Schema, schema).items()}
    if "prefixItems" in found:
        found["items"], found["additionalItems"] = found.pop("prefixItems"), False
    return found
