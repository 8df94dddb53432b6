"""`doorstep scenario`: write a scenario of your own, check it, and write its messages for clients."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from ..scenarios.check.subject import Finding, Subject


@click.group(short_help="Write a scenario of your own, and check it.")
def scenario() -> None:
    """Write a scenario of your own, and check it: one kind of decision, as a plug-in of the node.

    \b
    doorstep scenario new tips
    doorstep scenario check tips
    doorstep scenario protocol tips
    """


@scenario.command(short_help="Write a project with an example to change.")
@click.argument("name")
@click.option(
    "--in",
    "folder",
    default=".",
    type=click.Path(exists=True, file_okay=False, writable=True),
    metavar="FOLDER",
    help="Where to write it, instead of the current folder.",
)
def new(name: str, folder: str) -> None:
    """Write the project NAME: a package with one message up, one down, one decision, and its tests.

    \b
    Example:
      doorstep scenario new tips && doorstep scenario check tips

    Exit codes: 0 written; 2 the name cannot be used, or the folder exists.
    """
    from ..app.config import Options
    from ..errors import InputError
    from ..scenarios.check import project

    if name in Options.__struct_fields__:
        raise InputError(name, None, "It is an option of edge.toml, which would clash with the section [" + name + "].")
    path = project.write(name, Path(folder))
    click.echo(f"Written to {path}. Next:")
    click.echo(f"  doorstep scenario check {path}")
    click.echo(f"  less {path / 'README.md'}")


@scenario.command(short_help="Run the harness on a scenario.")
@click.argument("target", metavar="NAME|FOLDER")
@click.option(
    "--scenario-path", default="", metavar="FOLDER", help="Where scenarios are that are not installed, as in edge.toml."
)
@click.option(
    "--seeds", default=3, show_default=True, type=click.IntRange(1, 1000), metavar="N", help="How many random walks."
)
@click.option("--json", "json_file", metavar="FILE", help="Write the findings as JSON to FILE, too.")
def check(target: str, scenario_path: str, seeds: int, json_file: str | None) -> None:
    """Run the harness on the scenario NAME (installed, or in the current folder) or the one in FOLDER.

    The real node takes random walks over the scenario's examples: in any order, repeated, damaged, from wrong clients,
    with pauses and jumps of the clock. Each check prints one line: ok, or what is wrong, where, and what to do.

    \b
    Examples:
      doorstep scenario check tips
      doorstep scenario check tips --scenario-path /etc/doorstep/scenarios --seeds 20 --json findings.json

    Exit codes: 0 all checks hold; 1 there are findings; 2 the scenario cannot be loaded.
    """
    # The harness brings the whole core with it: only this command pays for it.
    from ..errors import InputError
    from ..scenarios.check.harness import Harness
    from ..scenarios.check.subject import find

    if json_file and not Path(json_file).resolve().parent.is_dir():
        raise InputError(json_file, None, "Its folder does not exist. Make it first, or name another one.")
    subject = find(target, scenario_path)
    click.echo(f"Checking {subject.name} ({subject.package})")
    findings: list[Finding] = []
    for finding in Harness(subject, seeds).run():
        _show(finding)
        findings.append(finding)
    wrong = sum(not finding.ok for finding in findings)
    click.echo(
        f"{wrong} findings. See docs/scenarios.md for what each check asks for." if wrong else "All checks hold."
    )
    if json_file:
        _write(Path(json_file), subject, seeds, findings)
    raise SystemExit(1 if wrong else 0)


@scenario.command(short_help="Write its messages for clients in any language.")
@click.argument("targets", nargs=-1, metavar="NAME|FOLDER...")
@click.option(
    "--scenario-path", default="", metavar="FOLDER", help="Where scenarios are that are not installed, as in edge.toml."
)
@click.option(
    "--to",
    "folder",
    default=".",
    type=click.Path(file_okay=False),
    metavar="FOLDER",
    help="Where to write the files, instead of the current folder; it is made where it is missing.",
)
def protocol(targets: tuple[str, ...], scenario_path: str, folder: str) -> None:
    """Write what clients of the scenarios NAME, or of those in FOLDER, send and receive: JSON Schema, AsyncAPI and
    types of TypeScript. Without a name: of all that are built in.

    \b
    Examples:
      doorstep scenario protocol --to sdk/protocol
      doorstep scenario protocol tips

    Exit codes: 0 written; 1 two of them have the same kind; 2 a scenario cannot be loaded.
    """
    from ..scenarios.check.subject import find
    from ..scenarios.loader import DEFAULT
    from ..scenarios.protocol.files import texts

    made = texts([find(target, scenario_path).kind for target in targets or DEFAULT])
    Path(folder).mkdir(parents=True, exist_ok=True)
    for name, text in made.items():
        (Path(folder) / name).write_text(text, encoding="utf-8")
        click.echo(f"Written: {Path(folder) / name}")


def _show(finding: "Finding") -> None:
    from rich.console import Console
    from rich.text import Text

    word, style = ("ok", "green") if finding.ok else ("failed", "bold red")
    line = Text.assemble((f"{word:<8}", style), (f"{finding.check:<14}", "bold"), finding.text)
    Console(highlight=False).print(line, soft_wrap=True)


def _write(path: Path, subject: "Subject", seeds: int, findings: "list[Finding]") -> None:
    import msgspec

    result = {
        "scenario": subject.name,
        "package": str(subject.package),
        "seeds": seeds,
        "ok": all(finding.ok for finding in findings),
        "findings": findings,
    }
    path.write_bytes(msgspec.json.format(msgspec.json.encode(result)) + b"\n")
