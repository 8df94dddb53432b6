"""What is wrong, what of it was sent, and what waits: in the store, so that a restart forgets no alert and sends none
twice.

A receiver has one message under way. What changes meanwhile is joined in the next one, so a receiver that is away for
an hour gets one message, and not a hundred. Each method is one transaction, for one thread. Times are Unix ms: `now_ms`
is the centre's clock, which alarms have; `real_ms` is when something is sent.
"""

from collections.abc import Callable, Collection, Sequence
from typing import Any, Final

import msgspec
from msgspec import Struct

from edge.service.webhook import AGE_S_MAX, REFUSALS_MAX, Result, backoff_s

from ..store.engine.driver import Driver
from .conditions import Condition
from .notice import Change, Notice
from .receivers import Receiver
from .tables import NOW, TABLES

CHANGES_MAX: Final = 1_000
"""Changes that wait for one receiver, about 200 bytes each; the message counts what is beyond."""

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Notice).decode


class Pending(Struct, frozen=True):
    """A message that is to be sent now. `name` is the same at every attempt."""

    name: str
    notice: Notice


class State(Struct, frozen=True):
    """How a receiver stands: messages by what became of them, what waits, what is wrong now and was sent, and what the
    last attempt met (empty where it was taken)."""

    name: str
    delivered: int
    failed: int
    dead: int
    delivered_at: int
    error: str
    waiting: int
    active: int


class Queue:
    """`holder` is the name of this process, the same in no other one. Errors are those of the driver."""

    def __init__(self, driver: Driver, holder: str, random: Callable[[], float]) -> None:
        self._driver, self._holder, self._random = driver, holder, random
        self._s, self._now = TABLES.prefix(driver.name), NOW[driver.name]
        self._instance = driver.rows(f"select instance from {self._s}lease")[0][0]  # noqa: S608 - fixed name

    def close(self) -> None:
        """Let the engine go."""
        self._driver.close()

    def leads(self, lease_ms: int) -> bool:
        """Whether this process is the one that sends, for as long as `lease_ms` from now."""
        with self._driver.transaction():
            sql = (
                f"update {self._s}lease set holder = ?, until = {self._now} + ? where holder = ? or until < {self._now}"  # noqa: S608
            )
            return self._driver.run(sql, (self._holder, lease_ms, self._holder)) == 1

    def release(self) -> None:
        """Another one may send at once."""
        with self._driver.transaction():
            self._driver.run(f"update {self._s}lease set until = 0 where holder = ?", (self._holder,))  # noqa: S608

    def keep(self, names: Collection[str]) -> None:
        """These are the receivers: what others had goes."""
        s = self._s
        with self._driver.transaction():
            gone = [(name,) for (name,) in self._driver.rows(f"select name from {s}receiver") if name not in names]  # noqa: S608
            for table, column in (("receiver", "name"), ("active", "receiver"), ("change", "receiver")):
                self._driver.run_many(f"delete from {s}{table} where {column} = ?", gone)  # noqa: S608
            fresh = f"insert into {s}receiver(name) values(?) on conflict do nothing"
            self._driver.run_many(fresh, [(name,) for name in names])

    # -- what is wrong -------------------------------------------------------------------------------------------------

    def look(self, found: Sequence[Condition], receivers: Sequence[Receiver], now_ms: int) -> None:
        """What is wrong now: note what has begun, has lasted for `after_s`, or has ended."""
        with self._driver.transaction():
            for receiver in receivers:
                wanted = {each.key: each for each in found if each.alarm in receiver.alarms}
                self._changed(receiver, wanted, now_ms)

    def _changed(self, receiver: Receiver, wanted: dict[tuple[str, str, str], Condition], now_ms: int) -> None:
        s, name = self._s, receiver.name
        rows = self._driver.rows(f"select alarm, node, about, since, sent from {s}active where receiver = ?", (name,))  # noqa: S608
        known: dict[Any, tuple[int, int]] = {row[:3]: row[3:] for row in rows}
        begun = [key for key in wanted if key not in known]
        gone = [key for key in known if key not in wanted]
        since = {key: known[key][0] if key in known else now_ms for key in wanted}
        untold = [key for key in wanted if key not in known or not known[key][1]]
        ripe = [key for key in untold if now_ms - since[key] >= receiver.after_s * 1000]
        where = "receiver = ? and alarm = ? and node = ? and about = ?"
        begin = f"insert into {s}active(receiver, alarm, node, about, since, sent) values(?, ?, ?, ?, ?, 0)"
        self._driver.run_many(begin, [(name, *key, now_ms) for key in begun])
        self._driver.run_many(f"delete from {s}active where {where}", [(name, *key) for key in gone])  # noqa: S608
        self._driver.run_many(f"update {s}active set sent = 1 where {where}", [(name, *key) for key in ripe])  # noqa: S608
        changes = [(name, 0, now_ms, since[key], *key, wanted[key].detail) for key in ripe]
        changes += [(name, 1, now_ms, known[key][0], *key, "") for key in gone if known[key][1]]
        if changes:
            self._wait(name, changes)

    def _wait(self, name: str, changes: list[tuple[Any, ...]]) -> None:
        s = self._s
        ((waiting,),) = self._driver.rows(f"select count(*) from {s}change where receiver = ?", (name,))  # noqa: S608
        room = max(CHANGES_MAX - waiting, 0)
        columns = "receiver, ended, at, since, alarm, node, about, detail"
        sql = f"insert into {s}change({columns}) values(?, ?, ?, ?, ?, ?, ?, ?)"
        self._driver.run_many(sql, changes[:room])
        if left := len(changes) - len(changes[:room]):
            self._driver.run(f"update {s}receiver set more = more + ? where name = ?", (left, name))  # noqa: S608

    # -- what is to be sent --------------------------------------------------------------------------------------------

    def take(self, receiver: Receiver, centre: str, now_ms: int, real_ms: int) -> Pending | None:
        """The message that is to be sent to it now; None where there is none, or it is too early."""
        s, name = self._s, receiver.name
        with self._driver.transaction():
            sql = f"select number, message, due_at, free_at, more from {s}receiver where name = ?"  # noqa: S608
            number, message, due_at, free_at, more = self._driver.rows(sql, (name,))[0]
            if max(free_at, due_at if message else 0) > real_ms:
                return None
            if not message:
                notice = self._compose(name, centre, now_ms, more)
                if notice is None:
                    return None
                number, message = number + 1, _encode(notice).decode()
                sql = (
                    f"update {s}receiver set number = ?, message = ?, composed_at = ?, attempts = 0, refusals = 0,"  # noqa: S608
                    " due_at = 0, more = 0 where name = ?"
                )
                self._driver.run(sql, (number, message, real_ms, name))
            free = real_ms + 60_000 // receiver.per_minute
            self._driver.run(f"update {s}receiver set free_at = ? where name = ?", (free, name))  # noqa: S608
        return Pending(f"alert_{self._instance}_{name}_{number}", _decode(message))

    def _compose(self, name: str, centre: str, now_ms: int, more: int) -> Notice | None:
        """Everything that waits, in one message; it waits no longer."""
        columns = "ended, at, since, alarm, node, about, detail"
        sql = f"select {columns}, id from {self._s}change where receiver = ? order by id"  # noqa: S608
        rows = self._driver.rows(sql, (name,))
        if not rows and not more:
            return None
        last = rows[-1][-1] if rows else 0
        self._driver.run(f"delete from {self._s}change where receiver = ? and id <= ?", (name, last))  # noqa: S608
        return Notice(centre, now_ms, [Change(bool(row[0]), *row[1:-1]) for row in rows], more)

    def settle(self, name: str, result: Result, real_ms: int) -> bool:
        """What became of the attempt. True where the message was given up."""
        s = self._s
        with self._driver.transaction():
            sql = f"select attempts, refusals, composed_at from {s}receiver where name = ?"  # noqa: S608
            attempts, refusals, composed_at = self._driver.rows(sql, (name,))[0]
            if result.fate == "delivered":
                done = "message = '', error = '', delivered = delivered + 1, delivered_at = ?"
                self._driver.run(f"update {s}receiver set {done} where name = ?", (real_ms, name))  # noqa: S608
                return False
            attempts, refusals = attempts + 1, refusals + (result.fate == "refused")
            is_dead = refusals >= REFUSALS_MAX or real_ms - composed_at > AGE_S_MAX * 1000
            due_at = real_ms + int(max(backoff_s(attempts, self._random), result.wait_s) * 1000)
            values = (attempts, refusals, due_at, result.why)
            sql = "attempts = ?, refusals = ?, due_at = ?, error = ?, failed = failed + 1"
            sql += ", dead = dead + 1, message = ''" if is_dead else ""
            self._driver.run(f"update {s}receiver set {sql} where name = ?", (*values, name))  # noqa: S608
        return is_dead

    def waits_ms(self, real_ms: int) -> int | None:
        """In how many ms the next message may be sent; None where nothing waits."""
        s = self._s
        sql = (
            f"select free_at, due_at, message <> '' from {s}receiver r where message <> '' or more > 0"  # noqa: S608
            f" or exists (select 1 from {s}change c where c.receiver = r.name)"
        )
        with self._driver.reading():
            rows = self._driver.rows(sql)
        return min((max(free, due if busy else 0, real_ms) - real_ms for free, due, busy in rows), default=None)

    def states(self) -> list[State]:
        """Every receiver, by name."""
        s = self._s
        waiting = f"(select count(*) from {s}change c where c.receiver = r.name) + more"  # noqa: S608 - fixed names
        under_way = "case message when '' then 0 else 1 end"
        active = f"(select count(*) from {s}active o where o.receiver = r.name and sent = 1)"  # noqa: S608
        columns = f"name, delivered, failed, dead, delivered_at, error, {waiting} + {under_way}, {active}"
        sql = f"select {columns} from {s}receiver r order by name"  # noqa: S608
        with self._driver.reading():
            return [State(*row) for row in self._driver.rows(sql)]
