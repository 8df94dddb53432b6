"""What stands in files: configurations, credentials, rows, snapshots. Errors are sentences, never tracebacks."""

import asyncio
import functools
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from central.config import load as load_central
from edge.app.config import load
from edge.core.model import RecordedEvent, decode_row
from edge.core.node import Node
from edge.core.replay import Replay
from edge.errors import ConfigError, DoorstepError, InputError, JournalError
from edge.identity.credentials import Credentials, Newcomer, add
from edge.journal.journal import Journal
from edge.scenarios.dispatch import Dispatch
from tests.edge.district import configured, event, now, place, row_of, shift
from tests.edge.journals import commit
from tests.fuzz.damage import damaged, fuzzed
from tests.repo.project import ROOT

CONFIGURATIONS = [
    (ROOT / "deploy/edge.toml").read_bytes(),
    b'node = "shop-7"\nlisten = "127.0.0.1:0"\nretention_days = 1e308\nclock_speed = nan\n',
    b'node = "shop-7"\nlink = "mqtts://broker.example:8883"\nuplink = "mqtt://[::1]:1884"\nk_anonymity = 5\n',
    b'name = "centre"\nlisten = "127.0.0.1:1884"\nminutes_kept_days = 3\n',
]


def complaint(what: Callable[[], object], *kinds: type[DoorstepError]) -> str:
    """The text of the error of `kinds` that `what` raises; empty where it raises none. Other exceptions pass."""
    try:
        what()
    except kinds as error:
        return str(error)
    return ""


@pytest.mark.parametrize("read", [load, load_central], ids=["node", "centre"])
@fuzzed
@given(text=damaged(CONFIGURATIONS))
def test_a_damaged_configuration_is_refused_by_name(
    tmp_path: Path, read: Callable[[Path], object], text: bytes
) -> None:
    """It loads, or the error names the file and is a sentence."""
    path = tmp_path / "any.toml"
    path.write_bytes(text)
    message = complaint(lambda: read(path), ConfigError)
    assert not message or (str(path) in message and message.endswith((".", "?")))


@fuzzed
@given(data=st.data())
def test_damaged_credentials_let_nobody_in(tmp_path: Path, data: st.DataObject) -> None:
    """The file loads, or the error names file and line; no damage makes a guess right."""
    path = tmp_path / "credentials"
    path.unlink(missing_ok=True)
    for client in ("rider-1", "shop-2"):
        add(path, [Newcomer(client, ("rider",))])
    path.write_bytes(data.draw(damaged([path.read_bytes()])))
    if message := complaint(lambda: Credentials.load(path), InputError):
        assert str(path) in message
        return
    credentials = Credentials.load(path)
    for client in credentials.clients():
        assert not credentials.verify(client, b"")
        assert not credentials.verify(client, b"a guess")


@functools.cache
def day() -> tuple[list[bytes], bytes]:
    """The rows of a small day, and a snapshot after the last."""
    node = Node([Dispatch])
    rounds = [
        [configured()],
        shift("r-1"),
        [place(1)],
        [event("r-1", "rider.reply", "reply-1", 3, order="o-1", offer=1, accept=True)],
        [event("r-1", "rider.progress", "step-1", 4, order="o-1", step="picked_up"), place(2)],
        [event("alice", "order.cancel", "cancel-2", 5, order="o-2")],
    ]
    rows = [row_of(node.handle(batch, now(second))) for second, batch in enumerate(rounds)]
    return rows, node.snapshot()


@fuzzed
@given(data=st.data())
def test_damaged_rows_stop_recovery_with_a_sentence(data: st.DataObject) -> None:
    """A row that passes its checksum and is no row, or no row of this version: a JournalError, or another state; the
    tools that read journals report it, too."""
    rows = list(day()[0])
    at = data.draw(st.integers(0, len(rows) - 1))
    rows[at] = data.draw(damaged(rows))
    message = complaint(lambda: Node([Dispatch]).recover(None, rows), JournalError)
    assert not message or message.endswith((".", "?"))
    replay = Replay(Node([Dispatch]), None)
    for row in rows:
        try:
            if replay.feed(row) is not None:
                break
        except (JournalError, ValueError):  # msgspec.DecodeError is one
            break


@fuzzed
@given(snapshot=damaged([day()[1]]))
def test_a_damaged_snapshot_stops_recovery_with_a_sentence(snapshot: bytes) -> None:
    """Any bytes in place of a snapshot: a JournalError, or a state."""
    message = complaint(lambda: Node([Dispatch]).recover(snapshot, []), JournalError)
    assert not message or message.endswith((".", "?"))


@fuzzed
@given(data=st.data())
def test_a_damaged_journal_opens_or_reports_why_not(tmp_path: Path, data: st.DataObject) -> None:
    """Any bytes in the file itself: what is read back is what was written, or there is a JournalError."""
    rows, _ = day()
    path = tmp_path / "journal.sqlite3"
    for old in tmp_path.iterdir():
        old.unlink()
    sample = tmp_path.with_name("whole.sqlite3")
    if not sample.exists():
        _write(sample, rows)
    path.write_bytes(data.draw(damaged([sample.read_bytes()])))
    if message := complaint(lambda: _check(path, rows), JournalError):
        assert str(path) in message


def _check(path: Path, rows: list[bytes]) -> None:
    """What is read back is what was written, as far as it goes."""
    journal = Journal.open(path)
    try:
        found = list(journal.recover().rows)
        assert found == rows[: len(found)]
    finally:
        journal.close()


def _write(path: Path, rows: list[bytes]) -> None:
    async def main() -> None:
        journal = Journal.open(path)
        for _ in journal.recover().rows:
            """None yet."""
        journal.start(asyncio.get_running_loop(), lambda number, at: None, lambda error: pytest.fail(str(error)))
        for row in rows:
            journal.submit(commit(row))
        journal.close()

    asyncio.run(main())


def test_the_day_is_honest() -> None:
    """The undamaged rows recover to the snapshot: what the other tests damage is worth it."""
    rows, snapshot = day()
    node = Node([Dispatch])
    node.recover(None, rows)
    assert node.snapshot() == snapshot
    assert any(isinstance(item, RecordedEvent) for row in rows for item in decode_row(row).inputs)
