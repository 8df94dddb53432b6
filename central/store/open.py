"""Which engine: SQLite in a folder, or PostgreSQL by its URL."""

from pathlib import Path

from edge.errors import JournalError

from .beside import Order, SummingProcess
from .engine.driver import Driver
from .engine.sqlite import Sqlite
from .reader import Reader
from .store import Store
from .tiers import Calendar

Where = Path | str
"""A folder, or a `postgresql://` URL without a password."""


def open_store(
    where: Where, timezone: str = "UTC", password: str = "", *, beside: bool = False, sums_beside: bool = False
) -> Store:
    """The store; its tables are made, or migrated. `beside`: another process has it open, and this one only changes
    something. `sums_beside`: sums are worked out in another process. Raises JournalError where it cannot be used."""
    store = Store(open_driver(where, password, beside=beside), Calendar(timezone))
    if sums_beside:
        folder, url = (str(where), "") if isinstance(where, Path) else ("", where)
        store.summing = SummingProcess(Order(folder, url, password, timezone))
    return store


def open_reader(where: Where, timezone: str = "UTC", password: str = "") -> Reader:
    """To ask it. Raises JournalError where it cannot be used."""
    return Reader(open_driver(where, password, readonly=True), Calendar(timezone))


def open_driver(
    where: Where, password: str = "", *, readonly: bool = False, beside: bool = False, seconds_max: float = 0.0
) -> Driver:
    """The engine itself. `seconds_max`: longest that one query may take, 0 for ever."""
    if isinstance(where, str):
        try:
            from .engine.postgresql import Postgresql
        except ImportError as error:
            hint = "Install it: pip install 'doorstep[postgresql]', or Debian's doorstep-bench of this version."
            raise JournalError(f"A store on PostgreSQL needs psycopg, which is not here ({error}). {hint}") from None
        return Postgresql(where, password, readonly=readonly, seconds_max=seconds_max)
    return Sqlite(where, readonly=readonly, beside=beside, seconds_max=seconds_max)
