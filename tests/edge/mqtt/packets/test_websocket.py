"""MQTT inside WebSocket, without sockets."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wsproto import ConnectionType, WSConnection
from wsproto.events import (
    AcceptConnection,
    BytesMessage,
    CloseConnection,
    Ping,
    Pong,
    RejectConnection,
    Request,
    TextMessage,
)
from wsproto.events import Event as WsEvent

from edge.mqtt.packets import websocket
from edge.mqtt.packets.websocket import SMALL_BYTES, Stream


class Browser:
    """The other end."""

    def __init__(self, subprotocols: list[str], origin: str | None = None, *, local_origins_only: bool = False) -> None:
        self.stream = Stream(local_origins_only=local_origins_only)
        self.socket = WSConnection(ConnectionType.CLIENT)
        headers = [(b"Origin", origin.encode())] if origin is not None else []
        request = Request(host="node.example", target="/mqtt", subprotocols=subprotocols, extra_headers=headers)
        self.answer = self.send(request)[0]

    def send(self, *events: WsEvent) -> list[WsEvent]:
        """Events in one read; what comes back."""
        self.received = self.stream.receive(b"".join(self.socket.send(event) for event in events))
        return self.read()

    def read(self) -> list[WsEvent]:
        data, self.stream.out = bytes(self.stream.out), bytearray()
        self.socket.receive_data(data)
        return list(self.socket.events())


@pytest.mark.parametrize(
    ("offered", "chosen"),
    [(["mqtt"], "mqtt"), (["mqttv3.1"], "mqttv3.1"), (["mqttv3.1", "mqtt"], "mqtt"), (["chat", "mqtt"], "mqtt")],
)
def test_the_subprotocol_is_mqtt(offered: list[str], chosen: str):
    """The standard's subprotocol is preferred, the older name accepted."""
    answer = Browser(offered).answer
    assert isinstance(answer, AcceptConnection)
    assert answer.subprotocol == chosen


@pytest.mark.parametrize("offered", [[], ["chat"]])
def test_other_subprotocols_are_rejected(offered: list[str]):
    """Who does not speak MQTT is refused in HTTP."""
    browser = Browser(offered)
    assert isinstance(browser.answer, RejectConnection)
    assert browser.answer.status_code == 400
    assert browser.stream.closed


@pytest.mark.parametrize(
    ("origin", "local_only", "status"),
    [
        (None, True, 0),
        ("http://127.0.0.1:8080", True, 0),
        ("http://[::1]", True, 0),
        ("http://localhost", True, 0),
        ("https://evil.example", True, 403),
        ("http://localhost.evil.example", True, 403),
        ("null", True, 403),
        ("http://[", True, 403),
        ("https://shop.example", False, 0),
    ],
)
def test_pages_of_others_may_not_use_an_open_node(origin: str | None, local_only: bool, status: int):
    """Without passwords a browser may only come from a page of this machine."""
    answer = Browser(["mqtt"], origin, local_origins_only=local_only).answer
    assert (answer.status_code if isinstance(answer, RejectConnection) else 0) == status


@given(st.binary(min_size=1, max_size=300), st.lists(st.integers(0, 300), max_size=6), st.booleans())
def test_borders_of_messages_mean_nothing(data: bytes, cuts: list[int], finished: bool):
    """However MQTT bytes are cut into frames and messages, they come out as they went in."""
    browser = Browser(["mqtt"])
    edges = sorted({min(cut, len(data)) for cut in cuts} | {0, len(data)})
    parts = [data[start:end] for start, end in pairwise(edges)]
    browser.send(
        *[BytesMessage(data=part, message_finished=finished or end == len(parts) - 1) for end, part in enumerate(parts)]
    )
    assert browser.received == data


@given(st.integers(1, 400))
def test_frames_may_come_in_pieces(size: int):
    """Wherever the bytes of frames are cut, everything arrives, and nothing waits for the end of a message."""
    browser = Browser(["mqtt"])
    raw = browser.socket.send(BytesMessage(data=b"abc" * 100)) + browser.socket.send(BytesMessage(data=b"end"))
    received = b"".join(browser.stream.receive(raw[at : at + size]) for at in range(0, len(raw), size))
    assert received == b"abc" * 100 + b"end"


def test_answers_are_binary_messages():
    """What is written arrives as one binary message; before the handshake there is nobody to write to."""
    browser = Browser(["mqtt"])
    browser.stream.out += browser.stream.wrap(b"hello")
    (message,) = browser.read()
    assert isinstance(message, BytesMessage)
    assert bytes(message.data) == b"hello"
    assert Stream(local_origins_only=False).wrap(b"hello") == b""


def test_a_frame_has_what_is_to_be_written():
    """The data, as one message, after what was waiting; the goodbye comes last. Nothing makes no message."""
    browser = Browser(["mqtt"])
    for data, closing, kinds in (
        (b"hello", False, [BytesMessage]),
        (b"", False, []),
        (b"hello", True, [BytesMessage, CloseConnection]),
    ):
        browser.stream.out = browser.stream.frame(bytearray(data), closing=closing)
        assert [type(event) for event in browser.read()] == kinds


def test_pings_are_answered():
    """A ping gets its pong, between MQTT bytes."""
    browser = Browser(["mqtt"])
    (pong,) = browser.send(BytesMessage(data=b"a"), Ping(payload=b"x"), BytesMessage(data=b"b"))
    assert isinstance(pong, Pong)
    assert browser.received == b"ab"


def test_one_call_goes_through_so_many_frames(monkeypatch: pytest.MonkeyPatch):
    """The rest waits for the next call, which is asked for; small frames and control frames are counted as work."""
    monkeypatch.setattr(websocket, "FRAMES_AT_ONCE_MAX", 3)
    browser = Browser(["mqtt"])
    small, large = BytesMessage(data=b"a" * (SMALL_BYTES - 1)), BytesMessage(data=b"b" * SMALL_BYTES)
    browser.send(small, large, Ping(payload=b"x"), large, small)
    seen = [(browser.received.count(b"b"), browser.stream.work, browser.stream.more)]
    for _ in range(2):
        seen.append((browser.stream.receive(b"").count(b"b"), browser.stream.work, browser.stream.more))
    assert seen == [(SMALL_BYTES, 2, True), (SMALL_BYTES, 1, False), (0, 0, False)]
    browser.send(small, small, CloseConnection(code=1000))
    assert (browser.stream.closed, browser.stream.more) == (True, False)


def test_text_is_refused():
    """MQTT is binary: a text message ends the connection with 1003."""
    browser = Browser(["mqtt"])
    (closed,) = browser.send(TextMessage(data="hello"))
    assert isinstance(closed, CloseConnection)
    assert int(closed.code) == 1003
    assert browser.stream.closed


def test_closing():
    """A close is answered; ours is sent once."""
    browser = Browser(["mqtt"])
    (closed,) = browser.send(CloseConnection(code=1000))
    assert isinstance(closed, CloseConnection)
    assert browser.stream.closed
    other = Browser(["mqtt"])
    other.stream.close()
    other.stream.close()
    assert [type(event) for event in other.read()] == [CloseConnection]
    assert other.stream.wrap(b"late") == b""


@given(st.binary(min_size=1, max_size=200), st.booleans())
def test_malformed_input_closes(data: bytes, accepted: bool):
    """Random bytes, as a request or after one, never raise, and what comes out is no longer than what went in."""
    stream = Browser(["mqtt"]).stream if accepted else Stream(local_origins_only=False)
    assert len(stream.receive(data)) <= len(data)
    if not stream.closed:
        assert len(stream.receive(b"\r\n\r\n" + data)) <= 2 * len(data) + 4


@pytest.mark.parametrize(
    "request_",
    [b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", b"POST /mqtt HTTP/1.1\r\nHost: a\r\n\r\n", b"\x10\x0c\x00\x04MQTT"],
)
def test_no_websocket(request_: bytes):
    """Plain HTTP, and MQTT without WebSocket, are refused."""
    stream = Stream(local_origins_only=False)
    stream.receive(request_)
    assert stream.closed


def test_a_request_without_end():
    """Headers are bounded: a request that goes on and on is refused."""
    stream = Stream(local_origins_only=False)
    stream.receive(b"GET /mqtt HTTP/1.1\r\n")
    for at in range(3_000):
        stream.receive(b"X-%d: %s\r\n" % (at, b"x" * 20))
        if stream.closed:
            break
    assert stream.closed
