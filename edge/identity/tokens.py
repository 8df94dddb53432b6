"""Tokens for phones: a JWT that a shop's own server signs, so that no line is written on the node for each customer.

`sub` is the client's name, `role` one role or a list, `shop` the shop that it acts for (with the role `shop`), `aud`
the value of `token_audience`, `exp` its end. ES256 and Ed25519 only: with HS256 whoever can check a token could make
one. The public keys stand in a JWKS file; several are good at once, so that keys can be changed without a gap.

The libraries for it take 25 MB and 0.2 s to import, so only a node that has `token_keys` imports them.
"""

import json
import os
import re
import secrets
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Literal, get_args

from ..errors import InputError
from ..limits import NAME_PATTERN
from ..messages.grants import ENCODINGS, Grant
from ..messages.roles import ROLES
from .credentials import Newcomer, checked
from .files import write_atomic

Algorithm = Literal["ES256", "EdDSA"]
ALGORITHMS: Final[tuple[Algorithm, ...]] = get_args(Algorithm)
TOKEN_BYTES_MAX: Final = 2_048
"""A token with every claim is a quarter of that."""

KEYS_MAX: Final = 16
"""Public keys in the file: this year's and last year's of a few servers."""

VERIFIED_MAX: Final = 10_000
"""Tokens whose signature (150 us) is not checked again when their client comes back: 5 MB."""

FILE_BYTES_MAX: Final = 64 * 1024
"""Sixteen keys are a tenth of that."""

SHAPE: Final = re.compile(rb"[A-Za-z0-9_-]{1,1024}\.[A-Za-z0-9_-]{1,1024}\.[A-Za-z0-9_-]{1,256}")
"""What makes a password a token. (Tokens of the credentials file have no dot.)"""

_NAME: Final = re.compile(NAME_PATTERN)


class TokenKeys:
    """The public keys, by their `kid`, as the file had them when loaded."""

    def __init__(self, keys: Mapping[str, tuple[Algorithm, Any]], audience: str) -> None:
        self._keys, self._audience = keys, audience
        self._verified: dict[bytes, tuple[str, Grant]] = {}

    @classmethod
    def load(cls, path: str | os.PathLike[str], audience: str) -> "TokenKeys":
        """Read a JWKS file. Raises InputError, which names the key that cannot be used."""
        target = Path(path)
        keys: dict[str, tuple[Algorithm, Any]] = {}
        for number, entry in enumerate(_entries(target), 1):
            name, algorithm, key = _public(target, number, entry)
            if name in keys:
                raise InputError(str(target), None, f"The kid {name!r} is there twice. Remove one of the two keys.")
            keys[name] = (algorithm, key)
        return cls(keys, audience)

    def __contains__(self, key_id: str) -> bool:
        return key_id in self._keys

    def verify(self, client: str, token: bytes) -> Grant | str:
        """What the token grants to the client, or in words why it is refused."""
        known = self._verified.get(token)
        if known is not None and known[0] == client and known[1].expires_at > time.time():
            return known[1]
        grant = self._verify(client, token)
        if isinstance(grant, Grant):
            if len(self._verified) >= VERIFIED_MAX:
                del self._verified[next(iter(self._verified))]
            self._verified[token] = (client, grant)
        return grant

    def _verify(self, client: str, token: bytes) -> Grant | str:
        import jwt

        if len(token) > TOKEN_BYTES_MAX:
            return f"a token has at most {TOKEN_BYTES_MAX} bytes"
        try:
            head = jwt.get_unverified_header(token)
            name = head.get("kid")
            if name is None and len(self._keys) == 1:
                name = next(iter(self._keys))
            if not isinstance(name, str) or name not in self._keys:
                return "its kid is that of no known key"
            algorithm, key = self._keys[name]
            claims = jwt.decode(
                token,
                key,
                algorithms=[algorithm],
                audience=self._audience,
                options={"require": ["sub", "aud", "exp", "role"]},
            )
        except jwt.PyJWTError as error:
            return _words(error)
        return _grant(client, claims, name)


def make_key(private: str | os.PathLike[str], public: str | os.PathLike[str], algorithm: Algorithm) -> str:
    """Write a new private key (an existing file is never replaced), and add its public half to the JWKS file. Its
    `kid`. Raises InputError."""
    from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    secret_path, public_path = Path(private), Path(public)
    if secret_path.exists():
        raise InputError(str(secret_path), None, "There is a key already. Give another file with --key.")
    entries = _entries(public_path) if public_path.exists() else []
    if len(entries) >= KEYS_MAX:
        raise InputError(str(public_path), None, f"It holds {KEYS_MAX} keys already. Remove one that no server uses.")
    name = secrets.token_hex(8)
    made = generate_private_key(SECP256R1()) if algorithm == "ES256" else Ed25519PrivateKey.generate()
    entries.append(_jwk(made.public_key(), name, algorithm))
    for path, content in ((secret_path, _jwk(made, name, algorithm)), (public_path, {"keys": entries})):
        try:
            write_atomic(path, json.dumps(content, indent=1) + "\n")
        except OSError as error:
            raise InputError(str(path), None, f"It cannot be written: {error.strerror}.") from None
    return name


def mint(private: str | os.PathLike[str], holder: Newcomer, audience: str, lasts_s: int) -> tuple[str, str]:
    """A token, and its `jti`. Raises InputError where the key cannot be used, or the holder has no right name."""
    import jwt

    path = Path(private)
    client, roles, shop, encoding = holder
    checked(path, None, holder)
    entry = _object(path, _json(path))
    name, algorithm = str(entry.get("kid", "")), entry.get("alg")
    if algorithm not in ALGORITHMS or "d" not in entry:
        raise InputError(str(path), None, "This is no private key. Make one with: doorstep credential key")
    try:
        key = jwt.PyJWK(entry).key
    except jwt.PyJWTError as error:
        raise InputError(str(path), None, f"Its key cannot be used: {error}.") from None
    now_s, token_id = int(time.time()), secrets.token_hex(8)
    claims: dict[str, Any] = {"sub": client, "role": list(roles), "aud": audience, "jti": token_id}
    claims |= {"iat": now_s, "exp": now_s + lasts_s}
    claims |= {name: value for name, value in (("shop", shop), ("encoding", encoding)) if value}
    return jwt.encode(claims, key, algorithm, {"kid": name}), token_id


def _grant(client: str, claims: Mapping[str, Any], key_id: str) -> Grant | str:
    if claims["sub"] != client:
        return "its sub is not the user name"
    role = claims["role"]
    roles: list[Any] = role if isinstance(role, list) else [role]  # pyright: ignore[reportUnknownVariableType]
    if not roles or any(each not in ROLES for each in roles):
        return f"its role is none of {', '.join(ROLES)}"
    shop = claims.get("shop", client if "shop" in roles else "")
    if not isinstance(shop, str) or (shop and not _NAME.fullmatch(shop)):
        return "its shop is no name"
    encoding = claims.get("encoding", "")
    if encoding not in ("", *ENCODINGS):
        return f"its encoding is none of {', '.join(ENCODINGS)}"
    token_id = claims.get("jti", "")
    return Grant(
        roles=tuple(each for each in ROLES if each in roles),
        shop=shop if "shop" in roles else "",
        expires_at=int(claims["exp"]),
        encoding=encoding,
        issued_at=int(claims.get("iat", 0)),
        token_id=token_id if isinstance(token_id, str) else "",
        key_id=key_id,
    )


def _words(error: Exception) -> str:
    """Why a token is refused, with nothing of what is in it."""
    import jwt

    reasons: dict[type[Exception], str] = {
        jwt.ExpiredSignatureError: "it has expired",
        jwt.ImmatureSignatureError: "its nbf or iat is in the future",
        jwt.InvalidAudienceError: "its aud is not this node's token_audience",
        jwt.InvalidAlgorithmError: "its alg is not that of its key",
        jwt.InvalidSignatureError: "its signature is wrong",
        jwt.MissingRequiredClaimError: "sub, aud, exp or role is missing",
    }
    return next((text for kind, text in reasons.items() if isinstance(error, kind)), "it is no JWT that can be read")


def _entries(path: Path) -> list[dict[str, Any]]:
    entries: Any = _object(path, _json(path)).get("keys")
    if not isinstance(entries, list) or len(entries) > KEYS_MAX:  # pyright: ignore[reportUnknownArgumentType]
        raise InputError(str(path), None, f'A JWKS file is a map with "keys", a list of at most {KEYS_MAX}.')
    return [_object(path, entry) for entry in entries]  # pyright: ignore[reportUnknownVariableType]


def _public(path: Path, number: int, entry: dict[str, Any]) -> tuple[str, Algorithm, Any]:
    import jwt

    where = f"Key {number}"
    name = entry.get("kid")
    if not isinstance(name, str) or not name:
        raise InputError(str(path), None, f"{where} has no kid.")
    if "d" in entry or entry.get("kty") == "oct":
        raise InputError(str(path), None, f"{where} ({name}) is secret. Only public keys belong into this file.")
    curves: dict[Any, Algorithm] = {"P-256": "ES256", "Ed25519": "EdDSA"}
    algorithm = curves.get(entry.get("crv"))
    if algorithm is None:
        raise InputError(str(path), None, f"{where} ({name}) is neither on P-256 (ES256) nor on Ed25519 (EdDSA).")
    try:
        return name, algorithm, jwt.PyJWK(entry, algorithm).key
    except (jwt.PyJWTError, ValueError) as error:
        raise InputError(str(path), None, f"{where} ({name}) cannot be used: {error}.") from None


def _jwk(key: Any, name: str, algorithm: Algorithm) -> dict[str, Any]:
    from jwt.algorithms import ECAlgorithm, OKPAlgorithm

    form = ECAlgorithm if algorithm == "ES256" else OKPAlgorithm
    return {**form.to_jwk(key, as_dict=True), "kid": name, "alg": algorithm, "use": "sig"}


def _json(path: Path) -> Any:
    try:
        with path.open("rb") as file:
            return json.loads(file.read(FILE_BYTES_MAX + 1)[:FILE_BYTES_MAX])
    except OSError as error:
        hint = f"It cannot be read: {error.strerror}. Make keys with: doorstep credential key"
        raise InputError(str(path), None, hint) from None
    except ValueError:
        raise InputError(str(path), None, f"This is not JSON of at most {FILE_BYTES_MAX} bytes.") from None


def _object(path: Path, value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise InputError(str(path), None, "A map was expected. Make keys with: doorstep credential key")
    return value  # pyright: ignore[reportUnknownVariableType]
