"""What a person reads at the end."""

from rich.console import Console

from bench.dispatch.promises import PromiseOutcome
from bench.dispatch.published import CLAIRVOYANT_NAMES
from bench.dispatch.report import ALONE, Beside, Result
from bench.dispatch.simulator.refusals import Refused, Unwilling
from bench.dispatch.table import remarks, table
from tests.bench.dispatch.days import result


def shown(results: list[Result], uncertain: bool = False, beside: Beside = ALONE) -> str:
    """The table as text."""
    console = Console(width=140)
    with console.capture() as capture:
        console.print(table(results, "doorstep", uncertain, beside))
    return capture.get()


def test_the_table_stands_beside_the_published_numbers() -> None:
    """Sets that are there whole are shown with their published values; others are not."""
    some = shown([result("1o50t100s1p100")])
    assert "3.35" in some
    assert "Table 4" not in some
    assert "31.88" in shown([result(name) for name in CLAIRVOYANT_NAMES])
    uncertain = shown([result("1o50t100s1p100")], uncertain=True)
    assert "34.03" in uncertain
    assert "3.35" not in uncertain


def test_what_was_run_beside_has_its_rows() -> None:
    """The baseline's mean, the signed difference with its interval, and the effect of refusals."""
    ours = [result("1o50", 30.0), result("2o50", 31.0)]
    others = [result("1o50", 32.5), result("2o50", 34.5)]
    text = shown(ours, beside=Beside("rolling-horizon", others, others[:1], Unwilling(0.1), others))
    assert "-3.00" in text
    assert "-3.50" in text
    assert "+3.00" in text
    assert "doorstep less rolling-horizon" in text
    assert "rolling-horizon, each minute" in text


def test_an_interval_needs_two_seeds() -> None:
    """Of one seed alone the table claims none."""
    assert "95 %" not in shown([result("1o50"), result("1r50")])
    assert "95 %" in shown([result("1o50"), result("2o50")])


def test_the_remarks_show_what_the_table_cannot() -> None:
    """Promises and how they were kept, refusals as a mode of their own, and what to know about the baseline."""
    ours = [result("1o50", promises=[PromiseOutcome(0.9, 2), PromiseOutcome(0.9, -1)], refused=Refused(40, 3, 2))]
    remark_text = " ".join(remarks(ours, Beside("rolling-horizon", ours, ours, Unwilling(0.1), ours)))
    assert "2 given" in remark_text
    assert "0.90: 0.50" in remark_text
    assert "not the strict track: of 40 offers 3 declined, 2 not answered" in remark_text
    assert "34.03" in remark_text
    assert "Promises" not in " ".join(remarks([result("1o50")]))
