"""Whose fault it was, and what to do about it.

    DoorstepError
    |-- ConfigError     the operator's: a file, a field, a value, a hint            (exit 2)
    |-- InputError      a file given on the command line: a path, a line, a hint    (exit 2)
    |-- BusyError       a port or a data directory that something else holds        (exit 3)
    `-- JournalError    the disk's: full, broken, or rows that fail their checksum  (exit 4)
        |-- DiskFull        nothing more is written until there is space again; nothing that was visible is lost
        `-- JournalBroken   the disk refused a write or a sync: nothing more may be acknowledged, the process must exit

Refusals of messages are not exceptions but data: `Refusal` names the reason and the field, is counted, and is sent.
"""

from enum import StrEnum
from typing import Final

WHOLE_FILE = "the file"


class DoorstepError(Exception):
    """An error that a person reads. `str()` is one or more full sentences, the last one is what to do."""

    exit_code = 1


class ConfigError(DoorstepError):
    """A configuration that cannot be used. Names the file, the field, the value and a hint. Where the whole file is
    wrong the field is WHOLE_FILE and the value describes it."""

    exit_code = 2

    def __init__(self, path: str, field: str, value: object, hint: str) -> None:
        wrong = f"{value}." if field == WHOLE_FILE else f"{field} = {value!r} cannot be used."
        super().__init__(f"{path}: {wrong} {hint}")
        self.path, self.field, self.value, self.hint = path, field, value, hint


class InputError(DoorstepError):
    """A file that a command was asked to read. Names the file, the line where there is one, and a hint."""

    exit_code = 2

    def __init__(self, path: str, line: int | None, hint: str) -> None:
        super().__init__(f"{path}{f', line {line}' if line else ''}: {hint}")
        self.path, self.line, self.hint = path, line, hint


class BusyError(DoorstepError):
    """Something else holds what the process needs: a port, or the data directory."""

    exit_code = 3


class JournalError(DoorstepError):
    """The journal cannot be written or does not hold what it should."""

    exit_code = 4


class DiskFull(JournalError):
    """No space for the next row. The writer waits for `Journal.resume()`."""


class JournalBroken(JournalError):
    """The disk failed a write or a sync. What is on it is unknown until the next start reads it."""


class Reason(StrEnum):
    """Why an event was not decided. Each value is a counter in metrics, status and reconciliation."""

    # the message itself
    MALFORMED = "malformed"
    UNKNOWN_KIND = "unknown_kind"
    OVERSIZED = "oversized"
    FORBIDDEN_TOPIC = "forbidden_topic"
    ID_REUSED = "id_reused"
    # the sender
    NOT_ALLOWED = "not_allowed"
    NOT_YOURS = "not_yours"
    OVER_QUOTA = "over_quota"
    # what it is about
    UNKNOWN_SHOP = "unknown_shop"
    UNKNOWN_ORDER = "unknown_order"
    DUPLICATE_ORDER = "duplicate_order"
    UNKNOWN_RIDER = "unknown_rider"
    UNKNOWN_SKU = "unknown_sku"
    UNKNOWN_LABEL = "unknown_label"
    NOT_OFFERED = "not_offered"
    TOO_LATE = "too_late"
    OUT_OF_SEQUENCE = "out_of_sequence"
    WRONG_CODE = "wrong_code"
    OUT_OF_AREA = "out_of_area"
    UNREACHABLE = "unreachable"
    # the node
    OVER_CAPACITY = "over_capacity"
    DISK_FULL = "disk_full"
    OVERLOADED = "overloaded"


MENDABLE: Final = frozenset(
    (
        Reason.FORBIDDEN_TOPIC,
        Reason.NOT_ALLOWED,
        Reason.OVER_QUOTA,
        Reason.UNKNOWN_SHOP,
        Reason.UNKNOWN_ORDER,
        Reason.NOT_OFFERED,
        Reason.UNREACHABLE,
        Reason.OVER_CAPACITY,
        Reason.DISK_FULL,
        Reason.OVERLOADED,
    )
)
"""Refusals that time can mend: they are not remembered. The same event sent again is decided anew."""


def core_failed(error: Exception) -> str:
    """What ends a node whose core raised an error, with what to do."""
    text = f"The core failed ({type(error).__name__}). This is a bug: please report the lines above."
    where = " ".join(getattr(error, "__notes__", ()))
    if not where:
        return text
    return (
        f"{text} {where} No row has that event, so its client sends it again: where that ends the node once more, take "
        "the client out of the credentials until the bug is mended."
    )
