"""The counts of ledgers reach the centre once for each comparison, and again after a start."""

from pathlib import Path
from typing import Any

from edge.ledger.kept import FILE, keep_counts
from edge.messages.sync.ledger import SYNC_LEDGER, ShopDay, decode_counts
from edge.uplink.statements.ledger import LedgerSender
from tests.edge.uplink.statements.test_stating import FakeSync

DAY = ShopDay(shop="noodle-bar", date="2026-01-31", at=5)


class Taking(FakeSync):
    """A centre that takes them."""

    def __init__(self) -> None:
        super().__init__()
        self.takes = frozenset({SYNC_LEDGER})

    def send(self, kind: str, payload: bytes, on_ack: Any) -> bool:
        assert kind == SYNC_LEDGER
        self.sent.append((decode_counts(payload).days, on_ack))
        return True


def test_what_was_compared_is_sent(tmp_path: Path) -> None:
    """Nothing without a comparison; the next only after the acknowledgement; not to a centre that does not take it."""
    sync: Any = Taking()
    ledgers = LedgerSender(sync, tmp_path)
    ledgers.look()
    assert sync.sent == []
    keep_counts(tmp_path, [DAY])
    sync.connected = False
    ledgers.look()
    sync.connected = True
    for _ in range(2):
        ledgers.look()
        assert [days for days, _ in sync.sent] == [[DAY]]
    keep_counts(tmp_path, [DAY, ShopDay(shop="noodle-bar", date="2026-02-01", at=6)])
    sync.sent[0][1](0)
    for _ in range(2):
        ledgers.look()
        assert len(sync.sent) == 2
    sync.sent[1][1](0x97)
    ledgers.look()
    assert len(sync.sent) == 2
    LedgerSender(sync, tmp_path).look()
    assert len(sync.sent) == 3


def test_a_damaged_file_is_logged_once(tmp_path: Path) -> None:
    """And ends nothing."""
    (tmp_path / FILE).write_text("{")
    sync: Any = Taking()
    ledgers = LedgerSender(sync, tmp_path)
    ledgers.look()
    ledgers.look()
    assert sync.sent == []
