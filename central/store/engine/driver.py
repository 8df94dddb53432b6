"""What the store needs of an engine. SQL is written once, with `?` for a parameter; here is what differs."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

from edge.errors import DoorstepError, JournalError

Row = tuple[Any, ...]


class StoreLost(DoorstepError):
    """The engine cannot be reached. What was under way was stored or not: do it again, it is recognised."""

    exit_code = JournalError.exit_code


class StoreFull(DoorstepError):
    """The disk is full. Nothing was kept."""


class StoreSlow(DoorstepError):
    """A question took longer than it may."""


class StoreRefused(DoorstepError):
    """The engine does not take these values. Nothing was kept."""


class StoreFailed(DoorstepError):
    """The engine failed otherwise. Nothing was kept."""


class Driver(Protocol):
    """One connection, for one thread at a time. Every method raises one of the errors above."""

    name: str

    fresh: str
    """What `from` needs for the windows (m) that are not summed up yet, and up to where their nodes are (r). Each
    engine has to be led to the index: by when a window began it would read a week of them."""

    @property
    def place(self) -> str:
        """Where the data is, for people; never with a password."""
        ...

    def transaction(self) -> AbstractContextManager[None]:
        """All or nothing; on disk when it ends."""
        ...

    def reading(self) -> AbstractContextManager[None]:
        """All that is read in it is of one instant."""
        ...

    def rows(self, sql: str, values: Sequence[Any] = ()) -> list[Row]:
        """What a query returns."""
        ...

    def run(self, sql: str, values: Sequence[Any] = ()) -> int:
        """How many rows a statement changed."""
        ...

    def run_many(self, sql: str, values: Sequence[Sequence[Any]]) -> None:
        """The same statement for each of the values."""
        ...

    def insert(self, table: str, columns: str, values: Sequence[Sequence[Any]]) -> None:
        """Many new rows, in the engine's fastest way."""
        ...

    def lock(self, names: Sequence[str], columns: str) -> list[Row]:
        """These columns of the nodes with these names; until the transaction ends nobody else changes them."""
        ...

    def lock_bucket(self, bucket: int) -> bool:
        """Whether this transaction may sum up that bucket: nobody else does."""
        ...

    def leads(self) -> bool:
        """Whether this process is the one that prunes."""
        ...

    def drop_minutes(self, before_ms: int) -> int:
        """Forget a bounded number of rows of `minute` that came before (Unix ms). Returns about how many."""
        ...

    def prepare_days(self, at_ms: int) -> None:
        """Make room for what comes today and tomorrow (Unix ms)."""
        ...

    def bytes_of(self, table: str) -> int:
        """On disk, with its indices."""
        ...

    def close(self) -> None:
        """Let go."""
        ...
