"""How a node is, in its own words. It travels beside a batch, which never changes once it is numbered, or alone where
there is nothing to send: so a node without an event differs from one that hangs.

    up    sync.report   one `NodeReport`; QoS 0, to a centre whose welcome takes it
"""

from typing import Annotated, Final

import msgspec
from msgspec import Meta, Struct

from ..envelope import Cumulative, Milliseconds

SYNC_REPORT: Final = "sync.report"

REPORT_S: Final = 60.0
"""Real seconds after which a node that has sent nothing sends a report: as often as a window comes."""

PROBLEMS_MAX: Final = 16
"""Names in a report, the worst first. `docs/problems.md` has about forty; more than a few at once are one fault."""

ProblemName = Annotated[str, Meta(pattern=r"\A[a-z][a-z0-9_]{0,47}\Z")]


class NodeReport(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`at` is the node's wall clock (Unix ms). Every window that ends by `complete_until` (Unix ms) is sealed; `epoch`
    and `numbered` are up to which batch they have numbers, `pool` how many have none yet. `waiting` are events that the
    centre has not acknowledged. `problems` are names of `docs/problems.md`, worst first."""

    at: Milliseconds
    version: Annotated[str, Meta(max_length=32)] = ""
    complete_until: Milliseconds = 0
    epoch: Cumulative = 0
    numbered: Cumulative = 0
    pool: Cumulative = 0
    waiting: Cumulative = 0
    problems: Annotated[list[ProblemName], Meta(max_length=PROBLEMS_MAX)] = []


encode = msgspec.msgpack.Encoder().encode
decode_report = msgspec.msgpack.Decoder(NodeReport).decode


def problem_names(names: list[str]) -> list[str]:
    """The names of problems as a report has them: `task_uplink` is `task`, `recovery-0` is `recovery`; each once, no
    more than may travel."""
    known = [name.partition("-")[0] if name.startswith("recovery-") else name for name in names]
    known = ["task" if name.startswith("task_") else name for name in known]
    return list(dict.fromkeys(known))[:PROBLEMS_MAX]
