"""What a node reports beside its batches: bounded, and no obstacle between versions."""

import msgspec
import pytest

from edge.messages.batches import NO_BATCH, BatchMessage, decode_batch, encode
from edge.messages.sync.report import PROBLEMS_MAX, NodeReport, decode_report, problem_names
from edge.messages.sync.report import encode as encode_report

MESSAGE = BatchMessage(epoch=1, seq=1, sha256=bytes(32), previous=NO_BATCH, body=b"x", history=NO_BATCH)


def test_a_report_survives_its_way() -> None:
    """Alone, and beside a batch."""
    report = NodeReport(
        at=5, version="1", complete_until=4, epoch=1, numbered=2, pool=3, waiting=2**62, problems=["disk"]
    )
    assert decode_report(encode_report(report)) == report
    assert decode_batch(encode(msgspec.structs.replace(MESSAGE, report=report))).report == report


def test_the_batch_of_an_older_node_has_none() -> None:
    """And counts all the same; so does one of a newer node with more words in its report."""
    fields = msgspec.to_builtins(MESSAGE, builtin_types=(bytes,))
    del fields["report"]
    assert decode_batch(encode(fields)) == MESSAGE
    newer = encode({**fields, "report": {"at": 7, "mood": "good"}})
    assert decode_batch(newer).report == NodeReport(at=7)


@pytest.mark.parametrize(
    "report",
    [
        {"at": -1},
        {"at": 1, "waiting": 2**62 + 1},
        {"at": 1, "problems": ["a"] * (PROBLEMS_MAX + 1)},
        {"at": 1, "problems": ["Evil name"]},
        {"at": 1, "version": "x" * 33},
        {},
    ],
)
def test_what_is_beyond_the_bounds_is_refused(report: dict[str, object]) -> None:
    """A report has no room for anything else."""
    with pytest.raises(msgspec.ValidationError):
        decode_report(encode(report))


def test_names_that_count_become_names() -> None:
    """Each once, worst first, no more than may travel."""
    names = ["recovery-0", "recovery-1", "task_uplink", "disk", "disk"]
    assert problem_names(names) == ["recovery", "task", "disk"]
    many = problem_names([f"n{number}" for number in range(100)])
    assert len(many) == PROBLEMS_MAX
    assert decode_report(encode_report(NodeReport(at=1, problems=many))).problems == many
