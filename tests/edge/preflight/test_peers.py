"""Tests of edge.preflight.peers, with a real centre, brokers and nodes."""

import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from bench.lab.mosquitto import Mosquitto
from bench.lab.programs import make_certificates
from bench.lab.settings import write_private
from bench.lab.site import Site
from edge.app.config import load
from edge.preflight import peers
from edge.preflight.finding import Report
from tests.enrolled import enrolling


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """A configured node and its centre; neither runs."""
    with Site(tmp_path).configure(["alice"]) as made:
        yield made


def uplink(site: Site) -> list[str]:
    """What is found of the centre."""
    report = Report()
    path = site.folder / "edge.toml"
    peers.uplink(str(path), load(path), report)
    return [finding.text for finding in report.findings]


def test_a_centre_is_asked_without_a_trace(site: Site) -> None:
    """With the right token nothing is found, and the centre does not know the node afterwards; a wrong one
    is refused by name."""
    site.centre.start()
    assert uplink(site) == []
    assert site.nodes() == []
    write_private(site.folder / "uplink.token", "wrong")
    (found,) = uplink(site)
    assert "refused the connection for user 'n-1'" in found


def test_an_enrolled_node_shows_its_certificate(tmp_path: Path) -> None:
    """To the centre of its enrolment, whose word comes back after a revocation; a centre that is away is named."""
    with enrolling(tmp_path) as made:
        made.centre.start()
        assert made.enroll() == ""
        report = Report()
        path = tmp_path / "edge.toml"
        peers.uplink(str(path), load(path), report)
        assert report.findings == []
        assert report.facts["uplink_peer_days"]
        assert made.nodes() == []
        made.command("revoke", "n-1", "--config", "central.toml")
        assert "was revoked" in uplink(made)[0]
        made.centre.stop()
        assert "nobody answers" in uplink(made)[0]


def broker(folder: Path, url: str, token: str = "") -> list[str]:
    """What is found of a broker."""
    token_file = {"link_token_file": "link.token"} if token else {}
    with Site(folder).configure(["alice"], {"link": url, **token_file}, centre=False):
        if token:
            write_private(folder / "link.token", token)
        report = Report()
        path = folder / "edge.toml"
        peers.broker(str(path), load(path), report)
    return [finding.name for finding in report.findings]


def test_a_broker_for_everybody_is_an_error(tmp_path: Path) -> None:
    """One that asks for passwords takes the node's only; one that does not is called open."""
    with Mosquitto(tmp_path / "closed", users={"n-1": "secret"}) as closed:
        assert broker(tmp_path / "a", closed.url, "secret") == []
        assert broker(tmp_path / "b", closed.url, "wrong") == ["link"]
    with Mosquitto(tmp_path / "open") as free:
        assert broker(tmp_path / "c", free.url, "secret") == ["open_broker"]


def public(url: str, authority: str = "") -> tuple[list[str], Report]:
    """What is found on a phone's way."""
    report = Report()
    peers.public(url, authority, report)
    return [finding.text for finding in report.findings], report


def test_a_phones_way_is_taken_to_its_end(tmp_path: Path) -> None:
    """A node behind wss answers, with the authority that its certificate is from; without it TLS is named, at another
    path or port what answers there."""
    authority, chain, key = make_certificates(tmp_path, 30)
    with Site(tmp_path).configure(["alice"], centre=False) as site:
        site.write_config(listen_wss="127.0.0.1:0", listen_ws="127.0.0.1:0", tls_cert=chain.name, tls_key=key.name)
        site.node.start()
        ports = site.ports()
        url = f"wss://localhost:{ports['listen_wss']}/mqtt"
        found, report = public(url, str(authority))
        assert found == []
        assert 29 < float(report.facts["public_peer_days"]) <= 30
        assert "TLS fails" in public(url)[0][0]
        assert "TLS fails" in public(f"wss://localhost:{site.port}", str(authority))[0][0]
        plain, report = public(f"ws://127.0.0.1:{ports['listen_ws']}/")
        assert ["WeChat" in text for text in plain] == [True]
        assert report.ok
        assert "HTTP status" in public(f"ws://127.0.0.1:{site.status_port}/")[0][-1]


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (b"", "closed the connection without a CONNACK"),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "without a CONNACK"),
        (b"\x20\x05\x00\x87\x02\x1f\x00", "no MQTT 5 server"),
        (b"\xd0\x00", "instead of a CONNACK"),
        (b"\x20\x03\x00\x87\x00", "not authorized"),
    ],
)
def test_whatever_answers_is_a_sentence(tmp_path: Path, answer: bytes, words: str) -> None:
    """Nothing, HTTP, half a packet, another packet, a refusal: each has its sentence, and none raises."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            with suppress(OSError):  # at the end the socket is closed, whether or not both have come
                for _ in range(2):
                    plain, _ = server.accept()
                    plain.recv(1024)
                    plain.sendall(answer)
                    plain.close()

        threading.Thread(target=serve, daemon=True).start()
        url = f"mqtt://127.0.0.1:{server.getsockname()[1]}"
        with Site(tmp_path).configure(["alice"], {"link": url}, centre=False):
            report = Report()
            peers.broker(str(tmp_path / "edge.toml"), load(tmp_path / "edge.toml"), report)
    assert words in report.findings[0].text


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("https://shop.example", "what a phone connects to"),
        ("wss://", "what a phone connects to"),
        ("wss://no-such-name.invalid", "is unknown here"),
        ("wss://127.0.0.1:1", "nobody answers"),
    ],
)
def test_a_way_that_leads_nowhere_is_named(url: str, words: str) -> None:
    """No URL of a phone, a name that nobody knows, a port that nobody has."""
    assert words in public(url)[0][0]
