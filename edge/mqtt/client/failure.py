"""Why a connection to a peer ended, in words for a person, and whether trying again soon can help."""

from typing import Final

from msgspec import Struct

from ...messages.sentences import printable
from ..packets.codec import ConnAckPacket, ConnAckReasonCode, DisconnectPacket, DisconnectReasonCode


class MqttConnectionError(Struct, frozen=True):
    """Why a connection ended. `refused` means that trying again soon cannot help."""

    text: str
    refused: bool = False


_ALLOWED: Final = "Check the user name, the token, and what the peer allows this user."

# Keys are numbers: the codec's enumerations cannot be hashed.
_CONNACK_HINTS: Final = {
    int(ConnAckReasonCode.UNSUPPORTED_PROTOCOL_VERSION): "The peer does not speak MQTT 5: use one that does.",
    int(ConnAckReasonCode.CLIENT_ID_NOT_VALID): "Choose another client identifier.",
    int(ConnAckReasonCode.BAD_USER_NAME_OR_PASSWORD): "Check the user name and the token.",
    int(ConnAckReasonCode.NOT_AUTHORIZED): _ALLOWED,
    int(ConnAckReasonCode.BANNED): "Ask the peer's operator to lift the ban.",
    int(ConnAckReasonCode.BAD_AUTHENTICATION_METHOD): "The peer wants a way of authentication that this client lacks.",
}
_DISCONNECT_HINTS: Final = {
    int(DisconnectReasonCode.SESSION_TAKEN_OVER): "Another client uses the same client identifier: give each its own.",
    int(DisconnectReasonCode.NOT_AUTHORIZED): _ALLOWED,
    int(DisconnectReasonCode.ADMINISTRATIVE_ACTION): "The peer's operator ended the session: ask there.",
}


def of_connack(packet: ConnAckPacket, username: str) -> MqttConnectionError:
    """The failure that a CONNACK other than success means."""
    user = f" for user {username!r}" if username else ""
    hint = _CONNACK_HINTS.get(int(packet.reason_code))
    reason = _reason_text(packet.reason_code, packet.reason_str)
    return MqttConnectionError(
        f"The peer refused the connection{user}: {reason}. {hint or 'Trying again.'}", hint is not None
    )


def of_disconnect(packet: DisconnectPacket) -> MqttConnectionError:
    """The failure that a DISCONNECT of the peer means."""
    hint = _DISCONNECT_HINTS.get(int(packet.reason_code))
    reason = _reason_text(packet.reason_code, packet.reason_str)
    return MqttConnectionError(f"The peer disconnected: {reason}. {hint or 'Trying again.'}", hint is not None)


def _reason_text(code: ConnAckReasonCode | DisconnectReasonCode, detail: str | None) -> str:
    name = code.name.lower().replace("_", " ")
    return f"{name} ({printable(detail)})" if detail else name
