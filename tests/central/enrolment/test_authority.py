"""The certificate authority: what it signs is what OpenSSL takes, and nothing else gets a signature."""

import contextlib
import ssl
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from hypothesis import example, given
from hypothesis import strategies as st

from central.enrolment.authority import (
    NODE_DAYS,
    BadRequest,
    CertificateAuthority,
    der,
    ends_ms,
    key_digest,
    key_of,
    pem,
    requested_key,
    top_of,
)
from edge.errors import ConfigError
from tests.central.requests import request

REQUEST = request(ec.generate_private_key(ec.SECP256R1()))


@pytest.fixture
def authority(tmp_path: Path) -> CertificateAuthority:
    """A new one."""
    CertificateAuthority.make(tmp_path, "centre")
    return CertificateAuthority.load("central.toml", str(tmp_path / "ca.pem"), str(tmp_path / "ca.key"))


def test_what_it_signs_is_verified_by_openssl(
    tmp_path: Path, authority: CertificateAuthority, program: Callable[[str], str]
) -> None:
    """A node's certificate as one of a client, the centre's as one of a server for its name; neither as the other."""
    key = ec.generate_private_key(ec.SECP256R1())
    leaf = authority.sign_node("n-1", requested_key(request(key)))
    (tmp_path / "node.pem").write_text(pem(der(leaf)))
    authority.sign_server("centre.example", tmp_path / "server.pem")

    def verifies(file: str, *words: str) -> bool:
        command = [program("openssl"), "verify", "-x509_strict", "-CAfile", "ca.pem", *words, file]
        return not subprocess.run(command, cwd=tmp_path, capture_output=True, check=False).returncode

    assert verifies("node.pem", "-purpose", "sslclient")
    assert not verifies("node.pem", "-purpose", "sslserver")
    assert verifies("server.pem", "-purpose", "sslserver", "-verify_hostname", "centre.example")
    assert not verifies("server.pem", "-purpose", "sslserver", "-verify_hostname", "other.example")
    days = (ends_ms(leaf) / 1000 - datetime.now(UTC).timestamp()) / 86_400
    assert NODE_DAYS - 0.01 < days <= NODE_DAYS
    assert key_of(der(leaf)) == key.public_key()
    assert der(top_of(tmp_path / "server.pem")) == der(authority.certificate)


def test_files_are_for_their_owner_only(tmp_path: Path, authority: CertificateAuthority) -> None:
    """The keys, and what stands beside them."""
    authority.sign_server("127.0.0.1", tmp_path / "server.pem")
    assert {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {0o600}
    ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).load_cert_chain(tmp_path / "server.pem")


def test_a_server_certificate_is_known_again(tmp_path: Path, authority: CertificateAuthority) -> None:
    """For its host, of this authority, and while it lasts."""
    path, now = tmp_path / "server.pem", datetime.now(UTC)
    assert not authority.has_signed(path, "centre.example", now)
    authority.sign_server("centre.example", path)
    assert authority.has_signed(path, "centre.example", now + timedelta(days=390))
    assert not authority.has_signed(path, "centre.example", now + timedelta(days=400))
    assert not authority.has_signed(path, "other.example", now)
    (tmp_path / "other").mkdir()
    CertificateAuthority.make(tmp_path / "other", "centre")
    other = CertificateAuthority.load("", str(tmp_path / "other/ca.pem"), str(tmp_path / "other/ca.key"))
    assert not other.has_signed(path, "centre.example", now)


def test_only_signed_requests_of_p256_keys_are_read() -> None:
    """Another curve, another algorithm and a broken signature are refused in words."""
    key = ec.generate_private_key(ec.SECP256R1())
    good = request(key)
    assert key_digest(requested_key(good)) == key_digest(key.public_key())
    bad = [
        request(ec.generate_private_key(ec.SECP384R1())),
        request(rsa.generate_private_key(65_537, 2_048)),
        good[:-1] + bytes((good[-1] ^ 1,)),
        good.replace(b"n-1", b"n-2"),
        b"",
    ]
    for each in bad:
        with pytest.raises(BadRequest, match="certification request"):
            requested_key(each)


@given(st.binary(max_size=300))
def test_any_bytes_are_a_bad_request(data: bytes) -> None:
    """And no other error."""
    with pytest.raises(BadRequest):
        requested_key(data)


@given(st.lists(st.tuples(st.integers(0, 180), st.integers(0, 255)), min_size=1, max_size=3))
@example([(7, 1)])
def test_a_changed_request_is_bad_and_no_other_error(changes: list[tuple[int, int]]) -> None:
    """Also one of a version that does not exist: whatever the library raises ends nobody but the request."""
    made = bytearray(REQUEST)
    for at, value in changes:
        made[at] = value
    with contextlib.suppress(BadRequest):
        assert requested_key(bytes(made)).curve.name == "secp256r1"


def test_an_authority_of_the_operator_is_used_or_named(tmp_path: Path, authority: CertificateAuthority) -> None:
    """Also one with RSA; another key, a key that others may read, and no key are refused by their option."""
    key = rsa.generate_private_key(65_537, 2_048)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "operator")])
    now = datetime.now(UTC)
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    made = made.serial_number(1).not_valid_before(now).not_valid_after(now + timedelta(days=1))
    made = made.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (tmp_path / "own.pem").write_bytes(made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
    (tmp_path / "own.key").touch(0o600)
    (tmp_path / "own.key").write_bytes(key.private_bytes(*form))
    own = CertificateAuthority.load("central.toml", str(tmp_path / "own.pem"), str(tmp_path / "own.key"))
    own.sign_node("n-1", ec.generate_private_key(ec.SECP256R1()).public_key()).verify_directly_issued_by(
        own.certificate
    )

    def refused(certificate: str, key: str) -> ConfigError:
        with pytest.raises(ConfigError) as raised:
            CertificateAuthority.load("central.toml", str(tmp_path / certificate), str(tmp_path / key))
        return raised.value

    assert refused("none", "own.key").field == "ca_cert"
    assert refused("own.key", "own.key").field == "ca_cert"
    assert "not the key of" in refused("own.pem", "ca.key").hint
    assert refused("own.pem", "own.pem").field == "ca_key"
    (tmp_path / "own.key").chmod(0o644)
    assert "chmod 600" in refused("own.pem", "own.key").hint
    assert authority.pem.startswith("-----BEGIN CERTIFICATE")
