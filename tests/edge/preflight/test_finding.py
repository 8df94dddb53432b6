"""Tests of edge.preflight.finding."""

import pytest

from edge.preflight.finding import DAYS_SOON, Report, certificate_days


@pytest.mark.parametrize(
    ("days", "names", "ok"),
    [
        (None, [], True),
        (-1.0, ["x_expired"], False),
        (0.0, ["x_expired"], False),
        (DAYS_SOON / 2, ["x_ends"], True),
        (DAYS_SOON, [], True),
    ],
)
def test_a_certificate_is_checked_by_its_days(days: float | None, names: list[str], ok: bool) -> None:
    """One that has ended is an error, one that ends soon a warning; the days are a fact wherever they are known."""
    report = Report()
    certificate_days(report, "x", "The certificate", days)
    assert [finding.name for finding in report.findings] == names
    assert report.ok == ok
    assert ("x_days" in report.facts) == (days is not None)
