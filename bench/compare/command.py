"""`doorstep bench compare`: what is asked, and what is shown."""

from typing import Any

import click
from click.core import ParameterSource

from ..cli_options import ask, check_writable, data_dir, json_file, write_report
from ..tables import show

MEASURING = ("rate", "riders", "seconds", "rounds", "data_dir")


@click.command(short_help="This tree against another revision, or two reports.")
@click.argument("what", nargs=-1, required=True, metavar="REV|JSON…")
@click.option("--rate", type=click.FloatRange(1, 100_000), default=500.0, show_default=True, help="Orders a second.")
@click.option("--riders", type=click.IntRange(1, 5_000), default=200, show_default=True, help="Riders on shift.")
@click.option(
    "--seconds",
    type=click.FloatRange(0.5, 3_600),
    default=10.0,
    show_default=True,
    help="Of load for each revision in each round.",
)
@click.option("--rounds", type=click.IntRange(1, 100), default=7, show_default=True, help="Pairs; an interval needs 6.")
@click.option(
    "--threshold",
    type=click.FloatRange(1),
    metavar="RATIO",
    help="What every figure may be worse by; 1.05 for CPU, 1.10 for the others.",
)
@data_dir
@json_file
@click.pass_context
def compare(
    context: click.Context,
    what: tuple[str, ...],
    threshold: float | None,
    data_dir: str | None,
    report_path: str | None,
    **asked: Any,
) -> None:
    """Compare this tree with a revision of it: a node of either in turn under the same load, CPU an order, p50 and p99
    from order to rider. Or compare two reports of latency or of throughput that were asked for the same.

    Each figure is the median ratio over the pairs of rounds, this tree over the revision (the first report over the
    second), with its bootstrapped 95 % interval. It is slower, or faster, where the whole interval is.

    \b
    Examples:
      doorstep bench compare main
      doorstep bench compare v0.1.0 --rounds 11 --seconds 20 --json compare.json
      doorstep bench compare new.json old.json

    Exit code 1 where the whole interval of a figure lies beyond its threshold, where this tree (the first report) lost
    or refused an order, and where nothing could be measured; 2 for an input that cannot be used.
    """
    from .screen import compare_lines, compare_table

    first, *more = what
    if len(more) > 1:
        raise click.UsageError("Name one revision, or two reports.")
    if more:
        report = _of_reports(context, (first, more[0]), threshold, report_path)
    else:
        from .rounds import Plan, measure
        from .tree import commit_of

        commit_of(first)
        plan = Plan(revision=first, threshold=threshold, **asked)
        report = ask(lambda *where: measure(plan, *where), plan.rounds * 2 + 2, data_dir, report_path)
    show([compare_table(report)], compare_lines(report))
    lost = report["this"]["lost"] or report["this"]["refused"]
    if lost or any(figure["beyond"] for figure in report["figures"].values()):
        raise SystemExit(1)


def _of_reports(
    context: click.Context, paths: tuple[str, str], threshold: float | None, report_path: str | None
) -> dict[str, Any]:
    from .reports import compare as compare_reports

    for name in MEASURING:
        if context.get_parameter_source(name) is ParameterSource.COMMANDLINE:
            raise click.UsageError(f"--{name.replace('_', '-')} is for a measurement; reports have their own.")
    check_writable(report_path)
    report = compare_reports(paths, threshold)
    if "do_not_quote" in report:
        click.echo(f"Do not quote: {report['do_not_quote']}")
    write_report(report_path, report)
    return report
