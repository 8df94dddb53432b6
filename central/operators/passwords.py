"""Passwords (argon2id, RFC 9106) and one-time codes (TOTP, RFC 6238)."""

import base64
import hmac
import re
import secrets
import struct
from threading import Semaphore
from typing import Final
from urllib.parse import quote

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

LENGTH_MIN: Final = 12
"""NIST SP 800-63B asks for 8 beside a second factor and 15 without; no rules about characters."""

LENGTH_MAX: Final = 128
"""A sentence; more would only cost time."""

STEP_S: Final = 30
DIGITS: Final = 6
_SECRET_BYTES: Final = 20

_hasher: Final = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
"""What OWASP asks for at least: some 30 ms of one core, which batches need, too."""

_at_once: Final = Semaphore(1)
"""One hash at a time, whatever comes."""

_NOBODY: Final = _hasher.hash(secrets.token_hex(16))


def fault(name: str, password: str) -> str:
    """Why this cannot be a password, as a sentence; empty where it can."""
    if len(password) < LENGTH_MIN:
        return f"A password has at least {LENGTH_MIN} characters: a few words are easy to remember."
    if len(password) > LENGTH_MAX:
        return f"A password has at most {LENGTH_MAX} characters."
    if name.lower() in password.lower() or len(set(password)) < 5:
        return "That password is too easy to guess: no name in it, and more than a few different characters."
    return ""


def hashed(password: str) -> str:
    """For the store."""
    with _at_once:
        return _hasher.hash(password)


def matches(known: str, password: str) -> bool:
    """Whether this is the password of that hash; for an empty hash, the same time and no."""
    if len(password) > LENGTH_MAX:
        return False
    with _at_once:
        try:
            return _hasher.verify(known or _NOBODY, password) and known != ""
        except (VerificationError, InvalidHashError):
            return False


def new_secret() -> str:
    """Of one-time codes, in base32 as authenticators take it."""
    return base64.b32encode(secrets.token_bytes(_SECRET_BYTES)).decode("ascii")


def is_secret(text: str) -> bool:
    """Whether this is a key as `new_secret` makes it."""
    return re.fullmatch(r"[A-Z2-7]{32}", text) is not None


def code_at(secret: str, step: int) -> str:
    """The code of one step of 30 s since 1970."""
    digest = hmac.digest(base64.b32decode(secret), struct.pack(">Q", step), "sha1")
    begin = digest[-1] & 0x0F
    number = struct.unpack_from(">I", digest, begin)[0] & 0x7FFF_FFFF
    return f"{number % 10**DIGITS:0{DIGITS}}"


def step_of(secret: str, code: str, at_s: float, after: int) -> int:
    """The step that a code is of: the present one, or one beside it, and later than `after`, since each is good once.
    0 where it is of none."""
    now = int(at_s) // STEP_S
    given = code.replace(" ", "")
    for step in (now, now - 1, now + 1):
        if step > after and given.isascii() and hmac.compare_digest(code_at(secret, step), given):
            return step
    return 0


def address(name: str, centre: str, secret: str) -> str:
    """What an authenticator takes as a link or as a QR code."""
    return f"otpauth://totp/{quote(f'Doorstep {centre}:{name}')}?secret={secret}&issuer={quote(f'Doorstep {centre}')}"
