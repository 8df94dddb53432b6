"""`doorstep status`: shows the state of a running node in one sentence and a few short tables."""

import http.client
import json
import sys
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

import click
import msgspec
from rich.columns import Columns
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ..app.config import load
from ..messages.sentences import span
from ..service.datadir import holder
from ..words.words import Words, in_language
from .options import words_of

DEGRADED: Final = 1
UNREACHABLE: Final = 2

USUAL: Final = "edge.toml"

TIMEOUT_S: Final = 10.0
ANSWER_BYTES_MAX: Final = 4 * 1024 * 1024
"""The limit of a reply. A report has about 5 kB, but another program on that port may send anything."""

COLORS: Final = {"ok": "green", "degraded": "red", "starting": "yellow", "draining": "yellow"}


class _Unreachable(Exception):
    """No node was found. The text has the places that were tried, and what to do."""


class _NoAnswer(_Unreachable):
    """A node may run there, but it did not reply."""


@click.command(short_help="Show the state of a running node.")
@click.option("--config", "config_path", type=click.Path(dir_okay=False), help="The node's configuration (edge.toml).")
@click.option("--data-dir", type=click.Path(file_okay=False), help="The node's data directory, instead of --config.")
@click.option("--url", help="Address of the status page with its token: http://127.0.0.1:8080/?token=…")
@click.option("--serving", is_flag=True, help="Only whether events are decided, for a health check: exit 0 or 1.")
@click.option("--json", "as_json", is_flag=True, help="Print /api/status as it is.")
def status(config_path: str | None, data_dir: str | None, url: str | None, serving: bool, as_json: bool) -> None:
    """Show the state of a running node: problems and what to do, latency by stage, refusals, the centre.

    Without options it uses edge.toml in this folder, else the folder data.

    Exit codes: 0 all is well; 1 degraded, starting or stopping; 2 no node answered. With --serving: 0 events are
    decided, whatever else is wrong; 1 they are not, and the line gives the reason; 2 no node answered.

    \b
    doorstep status --config /etc/doorstep/edge.toml
    doorstep status --config /etc/doorstep/edge.toml --serving
    doorstep status --data-dir data --json
    """
    if sum(option is not None for option in (config_path, data_dir, url)) > 1:
        raise click.UsageError("--config, --data-dir and --url exclude each other: give one of them.")
    if serving and as_json:
        raise click.UsageError("--serving and --json exclude each other: the report has the field serving.")
    if config_path is None and data_dir is None and url is None and Path(USUAL).exists():
        config_path = USUAL
    words = words_of(config_path)
    try:
        folder = None if url is not None else _folder(config_path, data_dir)
        base, token = _where(folder, url)
        try:
            body = _ask(base, token)
        except _NoAnswer as error:
            raise _Unreachable(_silent(folder) or str(error)) from None
    except _Unreachable as error:
        click.echo(f"doorstep: {words.sentence(str(error))}", err=True)
        raise SystemExit(UNREACHABLE) from None
    report = json.loads(body)
    if serving:
        click.echo(words.word("status.decided") if report["serving"] else words.sentence(report["sentence"]))
        raise SystemExit(0 if report["serving"] else DEGRADED)
    if as_json:
        click.echo(body.decode())
    else:
        # The token is for a person at a terminal; elsewhere this line ends up in a log or a mail.
        tail = f"?token={token}" if sys.stdout.isatty() else words.word("status.whole_link")
        _show(in_language(report, words), f"{base}/{tail}", words)
    raise SystemExit(0 if report["state"] == "ok" else DEGRADED)


def _folder(config_path: str | None, data_dir: str | None) -> Path:
    """The data directory."""
    return Path(load(config_path).data_dir) if config_path is not None else Path(data_dir or "data")


def _silent(folder: Path | None) -> str:
    """The message for a process that holds the directory but does not answer. Empty where none holds it."""
    if folder is None or not (process := holder(folder)):
        return ""
    return (
        f"The node runs as process {process} and does not answer within {TIMEOUT_S:.0f} s: it hangs. "
        "Restart it; the service manager does so by itself when its watchdog has waited long enough."
    )


def _where(folder: Path | None, url: str | None) -> tuple[str, str]:
    """The page's address without a path, and its token."""
    if url is not None:
        parts = urlsplit(url)
        if parts.scheme != "http" or not parts.netloc:
            raise click.BadParameter("write http://127.0.0.1:PORT/?token=TOKEN", param_hint="--url")
        return f"http://{parts.netloc}", parse_qs(parts.query).get("token", [""])[0]
    assert folder is not None, "without an address there is a directory"
    try:
        port = msgspec.json.decode((folder / "ports.json").read_bytes(), type=dict[str, int])["status"]
        token = (folder / "status.token").read_text(encoding="ascii").strip()
    except PermissionError as error:
        raise _Unreachable(
            f"{error.filename} may not be read by this user. Run it as the node's user, or root."
        ) from None
    except (OSError, ValueError, KeyError):
        raise _Unreachable(
            f"No running node with a status page is known in {folder} (no ports.json or status.token there). Start "
            "one with `doorstep edge --config edge.toml`, or name its place with --config or --data-dir."
        ) from None
    return f"http://127.0.0.1:{port}", token


def _ask(base: str, token: str) -> bytes:
    """The bytes of /api/status."""
    connection = http.client.HTTPConnection(urlsplit(base).netloc, timeout=TIMEOUT_S)
    try:
        connection.request("GET", "/api/status", headers={"authorization": f"Bearer {token}"})
        answer = connection.getresponse()
        body = answer.read(ANSWER_BYTES_MAX)
    except (OSError, http.client.HTTPException) as error:
        raise _NoAnswer(
            f"No node answers at {base} ({error}). Start it with `doorstep edge --config edge.toml`; if it runs, "
            "its log has the reason."
        ) from None
    finally:
        connection.close()
    if answer.status == http.client.UNAUTHORIZED:
        raise _Unreachable(
            f"The node at {base} does not take this token. Its own is in status.token in its data directory."
        )
    try:
        if answer.status == http.client.OK and "sentence" in msgspec.json.decode(body, type=dict[str, Any]):
            return body
    except msgspec.DecodeError:
        pass
    raise _Unreachable(f"What answers at {base} is not a Doorstep node (status {answer.status}). Check the port.")


# -- for people --------------------------------------------------------------------------------------------------------


def _show(report: dict[str, Any], page: str, words: Words) -> None:
    console = Console(highlight=False)
    state = report["state"].upper() if words.language == "en" else words.word(f"state.{report['state']}")
    console.print(Text(state, style=f"bold {COLORS.get(report['state'], '')}"), report["sentence"])
    for problem in report["problems"][1:]:
        console.print("  -", problem["sentence"])
    if plain := report["link"].get("plain_beyond_loopback"):
        console.print(words.word("status.plain", options=plain), style="yellow")
    clock, process = report["clock"]["speed"], report["process"]
    about = words.word(
        "status.process",
        node=report["node"],
        version=report["version"],
        pid=process["pid"],
        span=words.span(span(report["uptime_s"])),
        speed=words.word("status.speed", speed=f"{clock:g}") if clock != 1 else "",
        memory=process["rss_mb"],
        cpu=process["cpu_s"],
    )
    console.print(about, style="dim")
    console.print()
    console.print(Columns([table for table in _tables(report, words) if table.row_count], padding=(0, 3)))
    # As one unbroken line, so that it can be clicked and copied.
    click.echo(f"\n{words.word('status.page')}{words.word('page.colon')}{page}")


def _tables(report: dict[str, Any], words: Words) -> list[Table]:
    counts = report["counts"]
    totals = {key: counts[key] for key in ("accepted", "duplicate", "decisions", "answers")}

    def pairs(title: str, section: str, values: dict[str, Any]) -> Table:
        """A name and its value a row. In English the names are those of /api/status."""
        table = _table(words.word(f"status.{title}"))
        table.add_column("", justify="right")
        for name, value in values.items():
            known = words.language != "en" and f"{section}.{name}" in words.table
            table.add_row(words.word(f"{section}.{name}") if known else name.replace("_", " "), _plain(value, words))
        return table

    queues = {
        name: words.word("page.of", part=queue["depth"], whole=queue["limit"])
        for name, queue in report["queues"].items()
    }
    return [
        _latency(report["latency_ms"], words),
        pairs("events", "count", {**counts["received"], **totals}),
        pairs("refused", "reason", counts["refused"]),
        pairs("dropped", "reason", counts["dropped"]),
        pairs("orders", "order", report["orders"]),
        pairs("riders", "rider", report["riders"]),
        pairs("centre", "sync", {**report["sync"], **_uplink_days(report["link"])}),
        pairs("queues", "queue", queues),
    ]


def _uplink_days(link: dict[str, Any]) -> dict[str, Any]:
    """How long the certificate of an enrolled node is good."""
    days = link.get("uplink_certificate_days")
    return {} if days is None else {"certificate_days": days}


def _latency(latency: dict[str, Any], words: Words) -> Table:
    table = _table(words.word("status.latency"))
    for column in ("p50", "p99", *(words.word(f"status.{name}") for name in ("max", "p99_all", "max_all"))):
        table.add_column(column, justify="right")
    for stage, recent in latency["recent"].items():
        total = latency["total"][stage]
        values = (recent["p50"], recent["p99"], recent["max"], total["p99"], total["max"])
        if total["count"]:
            name = stage if words.language == "en" else words.word(f"stage.{stage}")
            table.add_row(name, *(f"{value:.2f}" for value in values))
    return table


def _plain(value: Any, words: Words) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return words.word("status.yes" if value else "status.no")
    return f"{value:,}" if isinstance(value, int | float) else words.sentence(str(value))


def _table(title: str) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 1))
    table.add_column(title, style="bold", no_wrap=True)
    return table
