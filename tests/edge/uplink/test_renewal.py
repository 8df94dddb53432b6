"""Renewal without a centre: when it asks, what it believes, and what it does with an answer."""

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from edge.errors import InputError
from edge.messages.sync.enrolment import ENROL_REQUEST, EnrolAnswer, decode_request, encode
from edge.uplink.enrolment import IDENTITY, Enrolment, read
from edge.uplink.renewal import RETRY_S, Renewal
from tests.edge.certified import UPLINK, enrolled, pair


class Uplinks:
    """A connected uplink that records what it is to send, and the TLS that it is to use."""

    def __init__(self, folder: Path, days: float) -> None:
        self.connected = True
        self.sent: list[tuple[str, bytes]] = []
        self.used: list[Any] = []
        self.link = SimpleNamespace(set_tls=self.used.append)
        sync: Any = self
        self.renewal = Renewal(enrolled(folder, days=days), sync, self.trust)

    def send(self, kind: str, payload: bytes) -> None:
        self.sent.append((kind, payload))

    def trust(self, enrolment: Enrolment) -> Any:
        return enrolment.fingerprint

    def look(self, now: float = 0.0) -> None:
        self.renewal._look(now)

    def answer(self, **fields: str) -> None:
        """To the last request."""
        self.renewal.on_answer(encode(EnrolAnswer(id=decode_request(self.sent[-1][1]).id, **fields)))


@pytest.mark.parametrize(("days", "asks"), [(89, False), (30.5, False), (29.5, True), (1, True), (-100, True)])
def test_it_asks_from_day_60_on(tmp_path: Path, days: float, asks: bool) -> None:
    """Once an hour, and only where the centre is there."""
    made = Uplinks(tmp_path, days)
    made.connected = False
    made.look()
    assert made.sent == []
    made.connected = True
    for now in (0.0, 1.0, RETRY_S - 1):
        made.look(now)
    assert [kind for kind, _ in made.sent] == [ENROL_REQUEST] * asks
    made.look(RETRY_S)
    assert len(made.sent) == 2 * asks


def test_an_answer_is_kept_and_used(tmp_path: Path) -> None:
    """The file has the new certificate, the uplink its TLS, and nothing more is asked."""
    made = Uplinks(tmp_path, 20)
    made.look()
    _, certificate = pair(days=90)
    made.answer(certificate=certificate, uplink=UPLINK)
    found = read(tmp_path, "n-1")
    assert found is not None
    assert made.used == [found.fingerprint]
    assert made.renewal.ends_ms == found.ends_ms
    made.look(2 * RETRY_S)
    assert (len(made.sent), len(made.used)) == (1, 1)


def test_what_it_did_not_ask_for_it_does_not_believe(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Another id, a second answer, a refusal, an answer without a certificate: the old one stays."""
    made = Uplinks(tmp_path, 20)
    before = (tmp_path / IDENTITY).read_bytes()
    _, certificate = pair()
    made.renewal.on_answer(encode(EnrolAnswer(id="other", certificate=certificate, uplink=UPLINK)))
    made.look()
    made.renewal.on_answer(encode(EnrolAnswer(id="other", certificate=certificate, uplink=UPLINK)))
    made.answer(refused="revoked", detail="Ask for an invitation.")
    assert "Ask for an invitation." in caplog.text
    made.answer(certificate=certificate, uplink=UPLINK)
    made.look(RETRY_S)
    made.answer(certificate="nothing", uplink=UPLINK)
    assert "the enrolment stays as it was" in caplog.text
    assert (tmp_path / IDENTITY).read_bytes() == before
    assert made.used == []
    with pytest.raises(ValueError, match=r"."):
        made.renewal.on_answer(b"nothing")


def test_a_new_enrolment_is_taken_up(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Once; one that cannot be used, or is of another node, is logged and changes nothing."""
    made = Uplinks(tmp_path, 20)
    (tmp_path / IDENTITY).write_text("nothing")
    made.look()
    other = enrolled(tmp_path, node="n-2")
    made.look()
    assert "that of n-2" in caplog.text
    assert made.used == []
    fresh = enrolled(tmp_path)
    for now in (1.0, 2.0):
        made.look(now)
    assert made.used == [fresh.fingerprint]
    assert fresh.fingerprint != other.fingerprint


async def test_it_looks_as_long_as_it_runs(tmp_path: Path) -> None:
    """An error of the disk does not end it."""
    made = Uplinks(tmp_path, 20)

    def fails(_: Enrolment) -> Any:
        raise InputError("uplink.pem", None, "It cannot be used.")

    made.renewal._trust = fails
    running = asyncio.create_task(made.renewal.run())
    await asyncio.sleep(0)
    _, certificate = pair()
    made.answer(certificate=certificate, uplink=UPLINK)
    await asyncio.sleep(0)
    assert not running.done()
    running.cancel()
