"""Refusals in words."""

from edge.mqtt.client.failure import of_connack, of_disconnect
from edge.mqtt.packets.codec import ConnAckPacket, ConnAckReasonCode, DisconnectPacket, DisconnectReasonCode


def test_a_wrong_token_names_the_user_and_what_to_check() -> None:
    """The text has the user, the code's name, the peer's own words and a hint; trying again soon cannot help."""
    packet = ConnAckPacket(reason_code=ConnAckReasonCode.BAD_USER_NAME_OR_PASSWORD, reason_str="no such user")
    failure = of_connack(packet, "n1")
    assert failure.text == (
        "The peer refused the connection for user 'n1': bad user name or password (no such user). "
        "Check the user name and the token."
    )
    assert failure.refused


def test_a_busy_peer_is_tried_again() -> None:
    """What passes by itself is no refusal."""
    assert not of_connack(ConnAckPacket(reason_code=ConnAckReasonCode.SERVER_BUSY), "").refused
    assert not of_disconnect(DisconnectPacket(reason_code=DisconnectReasonCode.SERVER_SHUTTING_DOWN)).refused


def test_a_takeover_is_no_reason_to_fight() -> None:
    """Two clients with one identifier would throw each other out for ever: the text states it."""
    failure = of_disconnect(DisconnectPacket(reason_code=DisconnectReasonCode.SESSION_TAKEN_OVER))
    assert failure.refused
    assert "the same client identifier" in failure.text
