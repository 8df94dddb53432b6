"""Tests of edge.identity.certificate, against the output of openssl and against bytes that are no certificate."""

import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.lab.programs import find_program, make_certificates
from edge.errors import ConfigError
from edge.identity.certificate import client_context, days_left, expires_ms, server_context

DAY_MS = 86_400_000


def expiry_by_openssl(path: Path) -> int:
    command = [find_program("openssl"), "x509", "-in", f"{path}", "-noout", "-enddate"]
    output = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    end = datetime.strptime(output, "notAfter=%b %d %H:%M:%S %Y GMT").replace(tzinfo=UTC)
    return int(end.timestamp() * 1000)


@pytest.fixture(scope="module")
def pems(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """An authority's certificate and one of its certificates."""
    authority, certificate, _ = make_certificates(tmp_path_factory.mktemp("certificates"))
    return authority, certificate


def test_the_end_is_the_one_that_openssl_reads(pems: tuple[Path, Path]) -> None:
    """To the second, for an authority and for a certificate of it, and for one that ends in 2060 (another encoding)."""
    for pem in pems:
        assert expires_ms(pem.read_text()) == expiry_by_openssl(pem)
    late = pems[0].with_name("late.pem")
    days = str((datetime(2060, 1, 1, tzinfo=UTC) - datetime.now(UTC)).days)
    new = ("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj", "/CN=x")
    command = [find_program("openssl"), *new, "-days", days, "-keyout", f"{late}.key", "-out", f"{late}"]
    subprocess.run(command, capture_output=True, check=True)
    assert expires_ms(late.read_text()) == expiry_by_openssl(late)


def test_a_chain_ends_with_its_first_end(pems: tuple[Path, Path]) -> None:
    """Of several certificates the one counts that ends first; text around them does not matter."""
    texts = [pem.read_text() for pem in pems]
    assert expires_ms("a comment\n" + texts[0] + "between\n" + texts[1]) == min(map(expiry_by_openssl, pems))


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_damage_is_no_certificate_and_no_error(pems: tuple[Path, Path], data: st.DataObject) -> None:
    """Whatever the bytes: a number or None, never an exception."""
    text = bytearray(pems[1].read_bytes())
    for _ in range(data.draw(st.integers(0, 4))):
        text[data.draw(st.integers(0, len(text) - 1))] = data.draw(st.integers(0, 255))
    found = expires_ms(text[: data.draw(st.integers(0, len(text)))].decode("ascii", errors="replace"))
    assert found is None or isinstance(found, int)


def test_the_days_that_are_left_are_of_the_wall_clock() -> None:
    """What never ends has none; what is over has less than none."""
    assert days_left(None) is None
    assert (days_left(0) or 0) < -10_000
    assert (days_left(4_102_444_800_000) or 0) > 0  # the year 2100


def test_what_is_no_certificate_has_no_end() -> None:
    """An empty file, or one with a key in it."""
    assert expires_ms("") is None
    assert expires_ms("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----") is None


def test_a_certificate_is_loaded_again_or_refused_by_name(tmp_path: Path) -> None:
    """What cannot be loaded names the option and what it must be; what can be loaded shows when it ends."""
    _, certificate, key = make_certificates(tmp_path)
    _, ends = server_context("edge.toml", str(certificate), str(key))
    assert ends == expiry_by_openssl(certificate)
    with pytest.raises(ConfigError, match=r"edge\.toml: tls_cert = .* It must be a PEM chain"):
        server_context("edge.toml", str(key), str(key))


def test_a_key_that_everybody_may_read_is_refused_with_the_command(tmp_path: Path) -> None:
    """A group may share it, as distributions do; the world may not."""
    _, certificate, key = make_certificates(tmp_path)
    key.chmod(0o644)
    with pytest.raises(ConfigError, match=f"tls_key = .* run chmod o= {key}"):
        server_context("edge.toml", str(certificate), str(key))
    key.chmod(0o640)
    server_context("edge.toml", str(certificate), str(key))


def test_an_authority_is_trusted_or_refused_by_name(pems: tuple[Path, Path], tmp_path: Path) -> None:
    """The file's end is known; without a file the system's authorities are trusted; what is no PEM names its option."""
    assert client_context("edge.toml", "uplink_ca", str(pems[0]))[1] == expiry_by_openssl(pems[0])
    assert client_context("edge.toml", "uplink_ca", "")[1] is None
    (tmp_path / "ca.pem").write_text("nothing")
    with pytest.raises(ConfigError, match=r"edge\.toml: uplink_ca = .* PEM file of CA"):
        client_context("edge.toml", "uplink_ca", str(tmp_path / "ca.pem"))
