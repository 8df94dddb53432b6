"""Repeats that are looked up in a real journal."""

import asyncio
from pathlib import Path
from typing import Any

from edge.clock import Clock
from edge.core.decode import Catalog
from edge.core.model import Answer, Commit, Repeat, Row, encode_row
from edge.health.status import Status
from edge.journal.journal import Journal
from edge.messages.envelope import Receipt, encode
from edge.mqtt.seam import Pending
from edge.pipeline.receipts import ReceiptLookup
from edge.scenarios.dispatch import Dispatch

CATALOG = Catalog([Dispatch])
Shown = dict[str, list[Pending]]


class Source:
    """Records its acknowledgements."""

    def __init__(self) -> None:
        self.acknowledged: list[tuple[int, str]] = []

    def acknowledge(self, tokens: list[int], reasons: list[str]) -> None:
        self.acknowledged += zip(tokens, reasons, strict=True)


def receipt(client: str, id_: str, reason: str = "") -> Answer:
    status = "refused" if reason else "accepted"
    body = Receipt(id=id_, of="order.place", status=status, at=1, reason=reason)
    return Answer(1, client, "receipt", encode(body, False), 9.0)


def looked_up(tmp_path: Path, row: Row, lookups: list[Repeat]) -> tuple[list[Shown], list[tuple[int, str]], Any]:
    """What is shown for these repeats, their acknowledgements by token (from 1), and the counts of the status."""
    shown: list[Shown] = []
    source = Source()

    async def main() -> Any:
        journal = Journal.open(tmp_path / "journal.sqlite3")
        status = Status("n-1", Clock().now())
        committed = asyncio.Event()
        journal.start(asyncio.get_running_loop(), lambda *_: committed.set(), lambda error: None)
        try:
            journal.submit(Commit(1, row.now, encode_row(row)))
            await committed.wait()
            looking = ReceiptLookup(journal, CATALOG, status, shown.append)
            for token, lookup in enumerate(lookups, 1):
                looking.ask(lookup, source, token)
            await asyncio.gather(*looking._tasks)
            return status.report(Clock().now())["counts"]
        finally:
            journal.close()

    counts = asyncio.run(main())
    return shown, sorted(source.acknowledged), counts
