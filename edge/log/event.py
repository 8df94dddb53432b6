"""One kind of event of the log, and how one that happens becomes a record.

An event has a name, a level, and a sentence with its fields in braces. What stands in a field is of the node's own:
names, addresses, counts, sentences of `DoorstepError`. A person's position, a token, a password, or free text of a
client is never there: an unexpected error is given by its type and place only, since its words may quote its input.
"""

import logging
from string import Formatter
from types import TracebackType
from typing import Final

from ..errors import DoorstepError

Value = float | int | str | None

FIELD_CHARACTERS_MAX: Final = 400
"""Of one field; the longest sentence of a problem has about 300."""

FRAMES_MAX: Final = 12
"""Of one traceback, the innermost."""

LOGGER: Final = logging.getLogger("doorstep")


class Event:
    """Declared once, in `events`; `write` is called whenever it happens. `always`: at any `log_level`, since somebody
    waits for it."""

    def __init__(self, name: str, level: int, text: str, *, always: bool = False) -> None:
        self.name, self.level, self.text, self.always = name, level, text, always
        self.fields: Final = tuple(dict.fromkeys(field for _, field, _, _ in Formatter().parse(text) if field))

    def write(self, *, error: BaseException | str | None = None, harmless: bool = False, **fields: Value) -> None:
        """It has happened. An `error` becomes what `place` gives; `harmless` makes information of a warning."""
        level = logging.INFO if harmless else self.level
        if not self.always and not LOGGER.isEnabledFor(level):
            return
        if error is not None:
            fields["error"] = error if isinstance(error, str) else place(error)
        shown = {name: _bounded(value) for name, value in fields.items()}
        text, extra = self.text.format_map(shown), {"event": self, "fields": shown}
        LOGGER.handle(LOGGER.makeRecord(LOGGER.name, level, "", 0, "%s", (text,), None, extra=extra))


def place(error: BaseException) -> str:
    """The sentence of an error of ours; of any other its type and the functions that it went through, innermost first,
    but not its words."""
    if isinstance(error, DoorstepError):
        return str(error)
    return f"{type(error).__name__}{frames(error.__traceback__)}"


def frames(trace: TracebackType | None) -> str:
    """Where an error came from: ` at file:line function < …`, innermost first; empty without a traceback."""
    found: list[str] = []
    while trace is not None:
        code = trace.tb_frame.f_code
        found.append(f"{'/'.join(code.co_filename.split('/')[-3:])}:{trace.tb_lineno} {code.co_name}")
        trace = trace.tb_next
    return f" at {' < '.join(found[: -FRAMES_MAX - 1 : -1])}" if found else ""


def _bounded(value: Value) -> Value:
    """On one line, and not longer than a field may be."""
    if not isinstance(value, str):
        return value
    cut = value if len(value) <= FIELD_CHARACTERS_MAX else f"{value[: FIELD_CHARACTERS_MAX - 1]}…"
    return cut if cut.isprintable() else "".join(each if each.isprintable() else " " for each in cut)
