"""What `doorstep check` finds. Pure."""

from typing import Final, Literal

from msgspec import Struct

from ..errors import DoorstepError

Severity = Literal["error", "warning"]


class Finding(Struct, frozen=True):
    """One thing that is wrong. An `error` keeps the node from starting, or from doing what the configuration asks for;
    a `warning` is a risk that somebody may have chosen. `name` stays the same for scripts."""

    name: str
    severity: Severity
    text: str
    """What was found, and what to do about it: sentences."""


class Report(Struct):
    """Everything that was found, in the order of looking, and what was measured."""

    findings: list[Finding] = []
    left_out: list[str] = []
    """Options that are wrong: the rest is looked at with their defaults, which nobody asked for."""
    facts: dict[str, float | str] = {}
    """By name with its unit: what a person wants to know although it is well."""

    def error(self, name: str, text: str | DoorstepError) -> None:
        """Add an error."""
        self.findings.append(Finding(name, "error", str(text)))

    def warning(self, name: str, text: str) -> None:
        """Add a warning."""
        self.findings.append(Finding(name, "warning", text))

    @property
    def ok(self) -> bool:
        """Whether a node can start and do what is asked of it."""
        return all(finding.severity != "error" for finding in self.findings)


DAYS_SOON: Final = 14.0
"""A certificate that ends sooner is worth a warning: a renewal that failed has still time to be mended."""


def certificate_days(report: Report, name: str, whose: str, days: float | None) -> None:
    """Check how long a certificate lasts."""
    if days is None:
        return
    report.facts[f"{name}_days"] = round(days, 1)
    if days <= 0:
        report.error(f"{name}_expired", f"{whose} ended {-days:.0f} days ago. Renew it, then reload.")
    elif days < DAYS_SOON:
        report.warning(f"{name}_ends", f"{whose} ends in {days:.1f} days. Renew it, and look why nothing did.")
