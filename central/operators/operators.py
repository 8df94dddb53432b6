"""Operators, their sessions and the programs' tokens, and what is written down of each change.

Every method is one transaction that ends with its entry in the audit log: there is no change without one. Times are
Unix ms. Secrets are kept hashed: passwords by argon2id; sessions and tokens, which are 256 random bits that nobody
finds from their hash, by SHA-256.
"""

import secrets
import threading
import time
from hashlib import sha256
from typing import Any, Final, Literal, get_args

from msgspec import Struct

from edge.errors import DoorstepError

from ..store.engine.driver import Driver
from . import passwords
from .tables import AUDIT_ROWS_KEPT, TABLES

Role = Literal["viewer", "operator", "admin"]
ROLES: Final = get_args(Role)
"""Each may do what those before it may."""

Scope = Literal["read", "write", "admin"]
SCOPES: Final = get_args(Scope)

OPERATORS_MAX: Final = 500
"""People who look after one fleet."""

TOKENS_MAX: Final = 500
"""Programs that ask one centre."""

SESSIONS_PER_OPERATOR_MAX: Final = 8
"""Of one person at a time; a new one ends the oldest."""

SEEN_EVERY_MS: Final = 60_000
"""A session's last use is written down so often at most."""

_SWEEP_EVERY: Final = 256
_TOKEN: Final = "dst_"  # noqa: S105 - what a token begins with, so that scanners of leaked secrets recognise it
_YEARS_9999_MS: Final = 253_402_300_800_000


class OperatorError(DoorstepError):
    """Something that is not possible; the text is for a person."""


class Operator(Struct, frozen=True):
    """Somebody who has logged in. `session` is the hash of the session's token."""

    name: str
    role: str
    has_totp: bool
    session: bytes

    def may(self, role: str) -> bool:
        """Whether this one has the role, or a higher one."""
        return ROLES.index(self.role) >= ROLES.index(role)


class Program(Struct, frozen=True):
    """A program that has shown its token."""

    name: str
    scopes: tuple[str, ...]


class Limits(Struct, frozen=True):
    """When sessions end: without use, and in any case."""

    idle_ms: int = 60 * 60_000
    whole_ms: int = 12 * 3_600_000


class Operators:
    """Of one centre. Safe to call from any thread. Errors are OperatorError, and those of the driver."""

    def __init__(self, driver: Driver, limits: Limits | None = None) -> None:
        self._driver, self._limits = driver, limits or Limits()
        self._s = TABLES.prefix(driver.name)
        self._lock = threading.Lock()
        self._entries = 0

    def close(self) -> None:
        """Let the engine go."""
        with self._lock:
            self._driver.close()

    # -- operators -----------------------------------------------------------------------------------------------------

    def add(self, name: str, role: str, password: str, who: str) -> None:
        """A new one."""
        _refuse(passwords.fault(name, password))
        kept = passwords.hashed(password)
        with self._lock, self._driver.transaction():
            if self._one("select 1 from {s}operator where name = ?", name):
                raise OperatorError(f"{name} is there already. Give a new password with: doorstep central user passwd.")
            if self._one("select count(*) from {s}operator")[0] >= OPERATORS_MAX:
                raise OperatorError(f"There are {OPERATORS_MAX} operators, and no more may be. Remove one.")
            self._run("insert into {s}operator values(?, ?, ?, '', 0, ?)", name, role, kept, _now())
            self._write(who, "", "operator.added", f"{name}, {role}")

    def remove(self, name: str, who: str) -> None:
        """End an operator with all sessions."""
        with self._lock, self._driver.transaction():
            if not self._run("delete from {s}operator where name = ?", name):
                raise OperatorError(f"There is no operator {name}. See: doorstep central user list.")
            self._run("delete from {s}session where operator = ?", name)
            self._write(who, "", "operator.removed", name)

    def set_password(
        self, name: str, password: str, who: str, *, keep: bytes = b"", totp_off: bool = False, where: str = ""
    ) -> None:
        """A new password; every session but `keep` ends."""
        _refuse(passwords.fault(name, password))
        kept = passwords.hashed(password)
        with self._lock, self._driver.transaction():
            if not self._run("update {s}operator set password = ? where name = ?", kept, name):
                raise OperatorError(f"There is no operator {name}. See: doorstep central user list.")
            if totp_off:
                self._run("update {s}operator set totp = '', totp_step = 0 where name = ?", name)
            self._run("delete from {s}session where operator = ? and hash <> ?", name, keep)
            self._write(who, where, "operator.password", f"{name}{', without one-time codes' if totp_off else ''}")

    def set_totp(self, name: str, secret: str, step: int, where: str) -> None:
        """One-time codes from now on, or none any more (""). `step` is the one that was shown."""
        with self._lock, self._driver.transaction():
            self._run("update {s}operator set totp = ?, totp_step = ? where name = ?", secret, step, name)
            self._write(name, where, "operator.totp", "on" if secret else "off")

    def everybody(self) -> list[dict[str, Any]]:
        """Every operator, by name, without secrets."""
        with self._lock, self._driver.reading():
            rows = self._driver.rows(
                f"select o.name, o.role, o.totp <> '', o.made_at, (select count(*) from {self._s}session s"  # noqa: S608
                f" where s.operator = o.name) from {self._s}operator o order by o.name"
            )
        names = ("name", "role", "totp", "made_at", "sessions")
        return [dict(zip(names, row, strict=True)) | {"totp": bool(row[2])} for row in rows]

    # -- sessions ------------------------------------------------------------------------------------------------------

    def log_in(self, name: str, password: str, code: str, where: str) -> str:
        """The token of a new session; empty where name, password or code is wrong, which are not distinguished."""
        with self._lock, self._driver.reading():
            row = self._one("select password, totp, totp_step from {s}operator where name = ?", name)
        known, secret, last = row or ("", "", 0)
        good = passwords.matches(known, password)
        step = passwords.step_of(secret, code, time.time(), last) if secret else 0
        if not good or (secret and not step):
            self.write(name, where, "login.refused", "")
            return ""
        token, at = secrets.token_urlsafe(32), _now()
        with self._lock, self._driver.transaction():
            if secret:
                sql = "update {s}operator set totp_step = ? where name = ? and totp_step < ?"
                if not self._run(sql, step, name, step):
                    self._write(name, where, "login.refused", "")
                    return ""  # the same code at the same moment
            self._run("delete from {s}session where made_at < ?", at - self._limits.whole_ms)
            self._run("delete from {s}session where seen_at < ?", at - self._limits.idle_ms)
            self._run(
                "delete from {s}session where operator = ? and hash not in"
                " (select hash from {s}session where operator = ? order by made_at desc, hash limit ?)",
                *(name, name, SESSIONS_PER_OPERATOR_MAX - 1),
            )
            self._run("insert into {s}session values(?, ?, ?, ?)", _hash(token), name, at, at)
            self._write(name, where, "login", "")
        return token

    def session(self, token: str, *, used: bool = True) -> Operator | None:
        """Whose session it is, None where it has ended. `used`: a person does something with it."""
        key, at = _hash(token), _now()
        with self._lock:
            sql = (
                "select o.name, o.role, o.totp, s.made_at, s.seen_at"
                " from {s}session s join {s}operator o on o.name = s.operator where s.hash = ?"
            )
            row = self._one(sql, key)
            if row is None:
                return None
            name, role, totp, made_at, seen_at = row
            if at - made_at > self._limits.whole_ms or at - seen_at > self._limits.idle_ms:
                return None
            if used and at - seen_at > SEEN_EVERY_MS:
                self._run("update {s}session set seen_at = ? where hash = ?", at, key)
        return Operator(name, role, bool(totp), key)

    def log_out(self, operator: Operator, where: str, *, everywhere: bool = False) -> None:
        """End this session, or the others."""
        with self._lock, self._driver.transaction():
            if everywhere:
                self._run("delete from {s}session where operator = ? and hash <> ?", operator.name, operator.session)
            else:
                self._run("delete from {s}session where hash = ?", operator.session)
            self._write(operator.name, where, "logout.others" if everywhere else "logout", "")

    def password_of(self, name: str) -> str:
        """The hash of an operator's password, which is asked for again before what matters."""
        with self._lock:
            row = self._one("select password from {s}operator where name = ?", name)
        return row[0] if row else ""

    # -- tokens of programs --------------------------------------------------------------------------------------------

    def add_token(self, name: str, scopes: tuple[str, ...], ends_at: int, who: str) -> str:
        """A new token, shown now or never. `ends_at` 0: it does not end."""
        token = _TOKEN + secrets.token_urlsafe(32)
        kept = ",".join(scope for scope in SCOPES if scope in scopes)
        with self._lock, self._driver.transaction():
            if self._one("select 1 from {s}token where name = ?", name):
                raise OperatorError(f"There is a token {name} already. Remove it first, or choose another name.")
            if self._one("select count(*) from {s}token")[0] >= TOKENS_MAX:
                raise OperatorError(f"There are {TOKENS_MAX} tokens, and no more may be. Remove one.")
            ends_at = ends_at or _YEARS_9999_MS
            self._run("insert into {s}token values(?, ?, ?, ?, ?, 0)", name, _hash(token), kept, _now(), ends_at)
            self._write(who, "", "token.added", f"{name}, {kept}")
        return token

    def remove_token(self, name: str, who: str) -> None:
        """End one."""
        with self._lock, self._driver.transaction():
            if not self._run("delete from {s}token where name = ?", name):
                raise OperatorError(f"There is no token {name}. See: doorstep central token list.")
            self._write(who, "", "token.removed", name)

    def tokens(self) -> list[dict[str, Any]]:
        """Every token, by name, without secrets. Times are None where there is none."""
        with self._lock, self._driver.reading():
            rows = self._driver.rows(
                f"select name, scopes, made_at, ends_at, used_at from {self._s}token order by name"  # noqa: S608
            )
        return [
            {
                "name": name,
                "scopes": scopes.split(","),
                "made_at": made_at,
                "ends_at": None if ends_at == _YEARS_9999_MS else ends_at,
                "used_at": used_at or None,
            }
            for name, scopes, made_at, ends_at, used_at in rows
        ]

    def program(self, token: str) -> Program | None:
        """Whose token it is, None where it is none or has ended."""
        key, at = _hash(token), _now()
        with self._lock:
            row = self._one("select name, scopes, ends_at, used_at from {s}token where hash = ?", key)
            if row is None or row[2] <= at:
                return None
            if at - row[3] > SEEN_EVERY_MS:
                self._run("update {s}token set used_at = ? where hash = ?", at, key)
        return Program(row[0], tuple(row[1].split(",")))

    # -- the audit log -------------------------------------------------------------------------------------------------

    def write(self, who: str, where: str, what: str, detail: str) -> None:
        """An entry for what was done elsewhere. `where` is the address that it came from."""
        with self._lock, self._driver.transaction():
            self._write(who, where, what, detail)

    def audit(self, before: int = 2**62, limit: int = 100) -> list[dict[str, Any]]:
        """The entries whose number is below `before`, the latest first."""
        with self._lock, self._driver.reading():
            rows = self._driver.rows(
                f"select number, at, who, address, what, detail from {self._s}audit where number < ?"  # noqa: S608
                " order by number desc limit ?",
                (before, limit),
            )
        names = ("number", "at", "who", "address", "what", "detail")
        return [dict(zip(names, row, strict=True)) for row in rows]

    def _write(self, who: str, where: str, what: str, detail: str) -> None:
        sql = "insert into {s}audit(at, who, address, what, detail) values(?, ?, ?, ?, ?)"
        self._run(sql, _now(), who[:64], where[:64], what, detail[:512])
        self._entries += 1
        if self._entries % _SWEEP_EVERY == 0:
            newest = self._one("select max(number) from {s}audit")[0]
            self._run("delete from {s}audit where number <= ?", newest - AUDIT_ROWS_KEPT)

    def _one(self, sql: str, *values: Any) -> Any:
        rows = self._driver.rows(sql.format(s=self._s), values)
        return rows[0] if rows else None

    def _run(self, sql: str, *values: Any) -> int:
        return self._driver.run(sql.format(s=self._s), values)


def _refuse(sentence: str) -> None:
    if sentence:
        raise OperatorError(sentence)


def _hash(token: str) -> bytes:
    return sha256(token.encode()).digest()


def _now() -> int:
    return time.time_ns() // 1_000_000
