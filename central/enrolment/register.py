"""What the centre knows of its invitations and certificates: one SQLite file, `register.db`, which the running centre
shares with the operator's commands.

Nothing of it is kept in memory: a look-up takes some 20 us, and so a certificate that a command has revoked is refused
from that instant on. A code is kept as a salted SHA-256: it is 128 random bits, which nobody finds from the hash.
"""

import hmac
import os
import secrets
from hashlib import sha256
from pathlib import Path
from typing import Any, Final, NamedTuple

import apsw

from edge.errors import DoorstepError, JournalError

FILE: Final = "register.db"
SCHEMA_VERSION: Final = 1
INVITATIONS_MAX: Final = 10_000
"""Invitations that are not used: more nodes than a centre has."""

CERTIFICATES_PER_NODE_MAX: Final = 8
"""Of one node that are known; the oldest go. While it renews it needs two, one more for each answer that is lost."""

ENDED_KEPT_MS: Final = 30 * 86_400_000
"""So long a node learns that its invitation has ended or was used; then its code is unknown."""

BUSY_MS: Final = 5_000
_SALT_BYTES: Final = 16
_SCHEMA: Final = """
create table invitation(
    node text primary key, salt blob not null, hash blob not null, made_at integer not null, ends_at integer not null,
    used_at integer, key blob
) without rowid, strict;
create table certificate(
    fingerprint blob primary key, node text not null, key blob not null, der blob not null,
    issued_at integer not null, ends_at integer not null, revoked_at integer
) without rowid, strict;
create index certificate_by_node on certificate(node, issued_at);
create table retired(node text primary key, at integer not null) without rowid, strict;
"""


class RegisterError(DoorstepError):
    """Something that the register does not allow; the text is for a person."""


class Invited(NamedTuple):
    """An invitation; times in Unix ms. `used_at` is 0 and `key` empty until a node has used it; then `key` is the
    digest of that node's key."""

    node: str
    hash: bytes
    ends_at: int
    used_at: int
    key: bytes


class Certificate(NamedTuple):
    """A certificate that was signed here; times in Unix ms, `revoked_at` 0 where it is good."""

    node: str
    key: bytes
    der: bytes
    ends_at: int
    revoked_at: int


class Register:
    """One connection to the file, which is made where it is not. For one thread. Raises JournalError where it cannot be
    opened; each method is one transaction, after an apsw.Error nothing has changed."""

    def __init__(self, folder: Path) -> None:
        path = folder / FILE
        try:
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
            self._db = apsw.Connection(str(path))
            self._db.set_busy_timeout(BUSY_MS)
            self._db.pragma("journal_mode", "wal")
            self._db.pragma("synchronous", "full")
            with self._writing():
                self._prepare(path)
        except (apsw.Error, OSError) as error:
            hint = "Restore it from a backup, or mend the disk."
            raise JournalError(f"{path} cannot be opened: {error}. {hint}") from None
        self._version = self._db.pragma("data_version")

    def _prepare(self, path: Path) -> None:
        version = self._db.pragma("user_version")
        if version == 0:
            self._db.execute(_SCHEMA)
            self._db.pragma("user_version", SCHEMA_VERSION)
        elif version != SCHEMA_VERSION:
            text = f"{path} was written by another doorstep (schema {version}; this one reads {SCHEMA_VERSION})."
            raise JournalError(f"{text} Install that version again.")

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def changed(self) -> bool:
        """Whether another connection has written since the last call."""
        before, self._version = self._version, self._db.pragma("data_version")
        return before != self._version

    # -- invitations ---------------------------------------------------------------------------------------------------

    def invite(self, codes: dict[str, str], at: int, ends_at: int, *, replace: bool = False) -> None:
        """Keep a code for each node, all or none. Raises RegisterError where one needs none, or may have none."""
        with self._writing():
            for node, code in codes.items():
                self._check_invitable(node, at, replace=replace)
                salt = secrets.token_bytes(_SALT_BYTES)
                self._db.execute(
                    "insert or replace into invitation values(?, ?, ?, ?, ?, null, null)",
                    (node, salt, _hashed(salt, code), at, ends_at),
                )
            self._db.execute("delete from invitation where ends_at < ?", (at - ENDED_KEPT_MS,))
            waiting = self._value("select count(*) from invitation where used_at is null")
            if waiting > INVITATIONS_MAX:
                text = f"{waiting} invitations would wait for their nodes; {INVITATIONS_MAX} are all that may."
                raise RegisterError(f"{text} Make fewer, or let old ones end.")

    def _check_invitable(self, node: str, at: int, *, replace: bool) -> None:
        if self.retired_at(node):
            raise RegisterError(f"{node} was taken out of service. Choose another name.")
        if replace:
            return
        if self._value("select 1 from certificate where node = ? and revoked_at is null and ends_at > ?", node, at):
            text = f"{node} is enrolled. A new invitation is to end its certificate: ask for that with --replace"
            raise RegisterError(f"{text}, or revoke it first.")
        if self._value("select 1 from invitation where node = ? and used_at is null and ends_at > ?", node, at):
            text = f"{node} has an invitation that it has not used. A new one ends that: ask for it with --replace."
            raise RegisterError(text)

    def invited(self, node: str, code: bytes) -> Invited | None:
        """The invitation of which this is the code, be it used or over."""
        sql = "select salt, hash, ends_at, used_at, key from invitation where node = ?"
        row = self._db.execute(sql, (node,)).fetchone()
        salt, expected, ends_at, used_at, key = row or (b"\0" * _SALT_BYTES, b"", 0, 0, b"")
        same = hmac.compare_digest(sha256(salt + code).digest(), expected)
        return Invited(node, expected, ends_at, used_at or 0, key or b"") if same else None

    def waiting(self, node: str, hashed: bytes) -> Invited | None:
        """The invitation of a node, where it is still the one of this hash."""
        sql = "select ends_at, used_at, key from invitation where node = ? and hash = ?"
        row = self._db.execute(sql, (node, hashed)).fetchone()
        return Invited(node, hashed, row[0], row[1] or 0, row[2] or b"") if row else None

    # -- certificates --------------------------------------------------------------------------------------------------

    def enrol(self, node: str, hashed: bytes, certificate: Certificate, at: int) -> bool:
        """Keep the certificate for an invitation, which is used now, and end those that the node had. Whether it could
        be used: another key may have been faster."""
        with self._writing():
            sql = "update invitation set used_at = ?, key = ? where node = ? and hash = ? and used_at is null"
            self._db.execute(sql, (at, certificate.key, node, hashed))
            if not self._db.changes():
                return False
            self._revoke(node, at)
            self._keep(certificate, at)
        return True

    def renew(self, certificate: Certificate, at: int) -> bool:
        """Keep one more certificate for a key that has a good one. Whether it has."""
        with self._writing():
            sql = "select 1 from certificate where node = ? and key = ? and revoked_at is null"
            if not self._value(sql, certificate.node, certificate.key):
                return False
            self._keep(certificate, at)
        return True

    def certificate(self, fingerprint: bytes) -> Certificate | None:
        """The certificate with this SHA-256."""
        sql = "select node, key, der, ends_at, revoked_at from certificate where fingerprint = ?"
        row = self._db.execute(sql, (fingerprint,)).fetchone()
        return Certificate(row[0], row[1], row[2], row[3], row[4] or 0) if row else None

    def latest(self, node: str, key: bytes) -> Certificate | None:
        """The newest good certificate of a node with this key."""
        sql = (
            "select node, key, der, ends_at from certificate where node = ? and key = ? and revoked_at is null "
            "order by issued_at desc limit 1"
        )
        row = self._db.execute(sql, (node, key)).fetchone()
        return Certificate(row[0], row[1], row[2], row[3], 0) if row else None

    def revoke(self, node: str, at: int) -> bool:
        """End every certificate and invitation of a node; whether there was one."""
        with self._writing():
            return self._revoke(node, at)

    def retire(self, node: str, at: int) -> None:
        """The same for good."""
        with self._writing():
            self._revoke(node, at)
            self._db.execute("insert or ignore into retired values(?, ?)", (node, at))

    def retired_at(self, node: str) -> int:
        """When a node was taken out of service, Unix ms; 0 where it was not."""
        return self._value("select at from retired where node = ?", node) or 0

    def knows(self, node: str) -> bool:
        """Whether anything is known of a node."""
        return bool(
            self._value(
                "select 1 from invitation where node = ?1 union select 1 from certificate where node = ?1", node
            )
        )

    def states(self, at: int) -> dict[str, dict[str, int]]:
        """What there is to know of each node: of `invited_until`, `certificate_until`, `revoked_at`, `retired_at` (Unix
        ms) those that apply."""
        found: dict[str, dict[str, int]] = {}
        for name, sql in _STATES.items():
            for node, value in self._db.execute(sql, {"at": at}):
                found.setdefault(node, {})[name] = value
        return dict(sorted(found.items()))

    def _revoke(self, node: str, at: int) -> bool:
        self._db.execute("update certificate set revoked_at = ? where node = ? and revoked_at is null", (at, node))
        ended = self._db.changes()
        self._db.execute("delete from invitation where node = ? and used_at is null", (node,))
        return bool(ended + self._db.changes())

    def _keep(self, certificate: Certificate, at: int) -> None:
        node, key, der, ends_at, _ = certificate
        values = (sha256(der).digest(), node, key, der, at, ends_at)
        self._db.execute("insert into certificate values(?, ?, ?, ?, ?, ?, null)", values)
        self._db.execute(
            "delete from certificate where node = ?1 and fingerprint not in "
            "(select fingerprint from certificate where node = ?1 order by issued_at desc limit ?2)",
            (node, CERTIFICATES_PER_NODE_MAX),
        )

    def _value(self, sql: str, *bindings: Any) -> Any:
        row = self._db.execute(sql, bindings).fetchone()
        return row[0] if row else None

    def alone(self) -> "_Transaction":
        """While this is entered, nobody else writes."""
        return self._writing()

    def _writing(self) -> "_Transaction":
        return _Transaction(self._db)


class _Transaction:
    """`BEGIN IMMEDIATE`: what was read in it is still so when it writes."""

    def __init__(self, db: apsw.Connection) -> None:
        self._db = db

    def __enter__(self) -> None:
        self._db.execute("begin immediate")

    def __exit__(self, kind: object, *_: object) -> None:
        self._db.execute("commit" if kind is None else "rollback")


_STATES: Final = {
    "invited_until": "select node, ends_at from invitation where used_at is null and ends_at > :at",
    "certificate_until": "select node, max(ends_at) from certificate where revoked_at is null group by node",
    "revoked_at": (  # where each of its certificates is
        "select node, max(revoked_at) from certificate group by node having count(revoked_at) = count(*)"
    ),
    "retired_at": "select node, at from retired",
}


def _hashed(salt: bytes, code: str) -> bytes:
    return sha256(salt + code.encode("ascii")).digest()
