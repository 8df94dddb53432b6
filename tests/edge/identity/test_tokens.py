"""Tokens that somebody else signs."""

import json
import time
from pathlib import Path
from typing import Any

import jwt
import pytest

from edge.errors import InputError
from edge.identity.credentials import Newcomer
from edge.identity.tokens import ALGORITHMS, KEYS_MAX, Algorithm, TokenKeys, make_key, mint
from edge.messages.grants import Grant

NOW_S = int(time.time())


class Issuer:
    """A shop's server with one key, and a node that knows it."""

    def __init__(self, folder: Path, algorithm: Algorithm = "ES256") -> None:
        self.private, self.public = folder / "key.json", folder / "keys.json"
        self.kid = make_key(self.private, self.public, algorithm)
        self.key = jwt.PyJWK(json.loads(self.private.read_text())).key
        self.algorithm = algorithm

    def sign(self, head: dict[str, Any] | None = None, **claims: Any) -> bytes:
        """A token with these claims beside the usual ones; None takes one away."""
        usual = {"sub": "c-1", "role": "customer", "aud": "doorstep", "exp": NOW_S + 3_600, "iat": NOW_S, "jti": "j-1"}
        kept = {name: value for name, value in (usual | claims).items() if value is not None}
        return jwt.encode(kept, self.key, self.algorithm, {"kid": self.kid} | (head or {})).encode()

    def node(self) -> TokenKeys:
        return TokenKeys.load(self.public, "doorstep")


@pytest.fixture
def issuer(tmp_path: Path) -> Issuer:
    return Issuer(tmp_path)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_minted_token_is_good_for_its_client(tmp_path: Path, algorithm: Algorithm) -> None:
    """Both algorithms: the grant has role, shop and end; another client cannot use it."""
    issuer = Issuer(tmp_path, algorithm)
    token, token_id = mint(issuer.private, Newcomer("till-2", ("shop",), "shop-4", "json"), "doorstep", 3_600)
    grant = issuer.node().verify("till-2", token.encode())
    assert isinstance(grant, Grant)
    assert (grant.roles, grant.shop, grant.token_id, grant.key_id) == (("shop",), "shop-4", token_id, issuer.kid)
    assert grant.encoding == "json"
    assert NOW_S + 3_600 <= grant.expires_at <= time.time() + 3_600
    assert issuer.node().verify("till-3", token.encode()) == "its sub is not the user name"


@pytest.mark.parametrize(
    ("claims", "words"),
    [
        ({"exp": NOW_S - 1}, "expired"),
        ({"nbf": NOW_S + 3_6000}, "future"),
        ({"aud": "elsewhere"}, "token_audience"),
        ({"aud": None}, "missing"),
        ({"exp": None}, "missing"),
        ({"role": None}, "missing"),
        ({"role": "root"}, "none of customer"),
        ({"role": []}, "none of customer"),
        ({"role": ["customer", 7]}, "none of customer"),
        ({"role": "shop", "shop": "a/b"}, "its shop is no name"),
        ({"role": "shop", "shop": 7}, "its shop is no name"),
        ({"encoding": "xml"}, "none of json, msgpack"),
        ({"encoding": ["json"]}, "none of json, msgpack"),
        ({"sub": "x" * 3_000}, "at most 2048 bytes"),
    ],
)
def test_wrong_claims_are_refused_in_words(issuer: Issuer, claims: dict[str, Any], words: str) -> None:
    """Whatever is signed: it must be for this node, for now, and for a role."""
    found = issuer.node().verify("c-1", issuer.sign(**claims))
    assert isinstance(found, str)
    assert words in found


def test_a_token_of_anybody_else_is_refused(issuer: Issuer, tmp_path: Path) -> None:
    """Another key under the same kid, an unknown kid, no signature, HS256 with the public key as secret, rubbish."""
    (tmp_path / "other").mkdir()
    other = Issuer(tmp_path / "other")
    claims = {"sub": "c-1", "role": "customer", "aud": "doorstep", "exp": NOW_S + 3_600}
    forged = jwt.encode(claims, "k" * 32, "HS256", {"kid": issuer.kid}).encode()
    unsigned = jwt.encode(claims, None, "none", {"kid": issuer.kid}).encode()  # pyright: ignore[reportArgumentType]
    node = issuer.node()
    assert isinstance(node.verify("c-1", issuer.sign()), Grant)
    for token in (other.sign({"kid": issuer.kid}), other.sign(), forged, unsigned, b"", b"a.b.c", b"\xff.\xff.\xff"):
        assert isinstance(node.verify("c-1", token), str)
    assert not isinstance(node.verify("c-1", issuer.sign()[:-2] + b"AA"), Grant)


def test_keys_can_be_changed_without_a_gap(issuer: Issuer, tmp_path: Path) -> None:
    """A second key beside the first: tokens of both are good until the first is taken out."""
    second = tmp_path / "second.json"
    kid = make_key(second, issuer.public, "EdDSA")
    token = mint(second, Newcomer("c-1", ("customer",)), "doorstep", 3_600)[0].encode()
    node = issuer.node()
    assert isinstance(node.verify("c-1", token), Grant)
    assert isinstance(node.verify("c-1", issuer.sign()), Grant)
    kept = [key for key in json.loads(issuer.public.read_text())["keys"] if key["kid"] == kid]
    issuer.public.write_text(json.dumps({"keys": kept}))
    assert issuer.node().verify("c-1", issuer.sign()) == "its kid is that of no known key"
    assert kid in issuer.node()
    assert issuer.kid not in issuer.node()


def test_the_private_key_is_secret_and_is_never_replaced(issuer: Issuer) -> None:
    """Mode 0600, and no part of it in the public file; making it again is refused."""
    assert issuer.private.stat().st_mode & 0o777 == 0o600
    assert all("d" not in key for key in json.loads(issuer.public.read_text())["keys"])
    with pytest.raises(InputError, match="There is a key already"):
        make_key(issuer.private, issuer.public, "ES256")


def test_at_most_a_few_keys(issuer: Issuer, tmp_path: Path) -> None:
    """A JWKS file has a bound."""
    for number in range(1, KEYS_MAX):
        make_key(tmp_path / f"{number}.json", issuer.public, "EdDSA")
    with pytest.raises(InputError, match=f"holds {KEYS_MAX} keys already"):
        make_key(tmp_path / "more.json", issuer.public, "EdDSA")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("{", "not JSON"),
        ("[]", "A map was expected"),
        ("{}", '"keys"'),
        ('{"keys": [7]}', "A map was expected"),
        ('{"keys": [{"kty": "EC"}]}', "has no kid"),
        ('{"keys": [{"kid": "a", "kty": "oct", "k": "c2VjcmV0"}]}', "is secret"),
        ('{"keys": [{"kid": "a", "kty": "RSA", "n": "AQAB", "e": "AQAB"}]}', "neither on P-256"),
        ('{"keys": [{"kid": "a", "kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"}]}', "cannot be used"),
        ('{"keys": [{"kid": "a", "kty": "OKP", "crv": "Ed25519", "x": "AA"}]}', "cannot be used"),
    ],
)
def test_a_file_of_keys_that_cannot_be_used_is_refused(tmp_path: Path, content: str, words: str) -> None:
    """The error names the key and what is wrong; a private key in the public file is one of the mistakes."""
    path = tmp_path / "keys.json"
    path.write_text(content)
    with pytest.raises(InputError, match=words):
        TokenKeys.load(path, "doorstep")


def test_the_private_key_in_the_public_file_is_a_mistake(issuer: Issuer) -> None:
    """And so is the public file as the private key, a missing file, and a client without a right name."""
    issuer.public.write_text(json.dumps({"keys": [json.loads(issuer.private.read_text())]}))
    with pytest.raises(InputError, match="is secret"):
        issuer.node()
    with pytest.raises(InputError, match="no private key"):
        mint(issuer.public, Newcomer("c-1", ("customer",)), "doorstep", 3_600)
    with pytest.raises(InputError, match="cannot be read"):
        mint(issuer.public.with_name("none"), Newcomer("c-1", ("customer",)), "doorstep", 3_600)
    with pytest.raises(InputError, match="not a client's name"):
        mint(issuer.private, Newcomer("c/1", ("customer",)), "doorstep", 3_600)
