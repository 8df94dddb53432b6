"""`doorstep reconcile`: whether node and centre have the same of one day."""

import sys
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from edge.errors import InputError

from ..cli_options import CONFIG

if TYPE_CHECKING:
    from ..config import Config
    from ..enrolment.authority import CertificateAuthority
    from .proof import Signature
    from .reconcile import Difference, Evidence, Reconciliation

NOTHING_STATED: Final = 3

_EPOCH: Final = date(1970, 1, 1)
_WHY: Final = {
    "lost": "the centre does not have it",
    "changed": "it is another one at the centre",
    "doubled": "the centre has it more often than the node sent it",
    "unknown": "the node did not send it",
    "quarantined": "its batch could not be stored",
}


@click.command(short_help="Compare what node and centre have of one day.")
@click.option("--node", required=True, metavar="NAME", help="The node.")
@click.option("--day", required=True, metavar="YYYY-MM-DD", help="The day, of UTC.")
@click.option("--json", "as_json", is_flag=True, help="As JSON, for programs.")
@click.option("--to", "kept", metavar="FILE", help="Also write it to FILE, and its signature to FILE.sig.")
@CONFIG
def reconcile(node: str, day: str, as_json: bool, kept: str | None, config_path: str) -> None:
    """Compare every window of the node NAME that began on a day with what is stored: windows that are lost, changed,
    doubled, unknown or in quarantine, each with the counters that differ; sums by kind and reason; the chain of hashes.
    The node's side is what it has stated itself, signed with its key where it is enrolled. The centre need not run.

    \b
    Examples:
      doorstep reconcile --node shop-7 --day 2026-01-31 --config central.toml
      doorstep reconcile --node shop-7 --day 2026-01-31 --to shop-7.json

    Exit codes: 0 both sides have the same, 1 they differ, or a signature is wrong, 2 the configuration, the node or the
    day cannot be used, 3 the node has not stated the day yet, 4 the store cannot be read.
    """
    import msgspec

    from ..config import load, now_ms
    from .proof import document, signature_of
    from .reconcile import reconcile as compared

    config = load(config_path)
    evidence = _evidence(config_path, config, node, _day(day))
    found = compared(evidence)
    authority = _authority(config_path, config)
    pem = authority.pem.encode() if authority is not None else None
    signatures = [signature_of(each, node, pem) for each in evidence.signed]
    if as_json:
        click.echo(msgspec.json.encode(found).decode())
    else:
        _show(found, day, signatures)
    if kept is not None:
        at = datetime.fromtimestamp(now_ms(config) // 1000, UTC).isoformat()
        _keep(Path(kept), document(found, list(evidence.signed), signatures, at, config.name), authority)
    if found.agrees is None:
        sys.exit(NOTHING_STATED)
    sys.exit(1 if not found.agrees or any(each.is_wrong for each in signatures) else 0)


def _day(text: str) -> int:
    try:
        return (date.fromisoformat(text) - _EPOCH).days
    except ValueError:
        raise click.BadParameter(f"{text!r}: write it as 2026-01-31.", param_hint="--day") from None


def _evidence(config_path: str, config: "Config", node: str, day: int) -> "Evidence":
    from ..config import store_of
    from ..store.open import open_reader

    where, password = store_of(config_path, config)
    reader = open_reader(where, config.timezone, password)
    try:
        found = reader.evidence(node, day)
    except ValueError as error:
        raise click.UsageError(f"{error}. Look at a file that was kept with --to.") from None
    finally:
        reader.close()
    if found is None:
        raise click.UsageError(f"The store knows no node {node!r}. See: doorstep central nodes.")
    return found


def _authority(config_path: str, config: "Config") -> "CertificateAuthority | None":
    if not config.advertised_address:
        return None
    from ..enrolment.files import prepare

    _, authority, register = prepare(config_path, config)
    register.close()
    return authority


def _show(found: "Reconciliation", day: str, signatures: "list[Signature]") -> None:
    click.echo(f"{found.node} on {day} (UTC): {found.sentence}")
    centre = "sums only" if found.windows_centre is None else f"{found.windows_centre} windows"
    later = f", {found.later} more since its last statement" if found.later else ""
    click.echo(f"  node    {found.windows_node} windows in {found.statements} statements")
    click.echo(f"  centre  {centre}{later}")
    for word in sorted({each.word for each in signatures}):
        click.echo(f"  statements {word}")
    if found.history_node:
        where = f"node at {found.epoch}/{found.through} {found.history_node[:16]}, centre {found.history_centre[:16]}"
        click.echo(f"  chain of hashes {found.chain}: {where}")
    for epoch, first, last in found.gaps:
        click.echo(f"  gap: no hash of the batches {epoch}/{first} to {epoch}/{last}")
    click.echo(f"  {found.repeats} repeats and {found.refused} refusals in the node's life")
    for name in found.quarantined:
        click.echo(f"  in quarantine: {name}")
    for each in found.differences:
        click.echo(f"  {_words(each)}")
    if found.differences_count > sum(each.times for each in found.differences):
        click.echo(f"  … {found.differences_count} in all")
    for total in found.differing:
        click.echo(f"  {total.scenario} {total.name}: node {total.node}, centre {total.centre}")
    for total in found.withheld:
        click.echo(f"  {total.scenario} {total.name}: {total.centre} without a place (threshold of privacy)")


def _words(each: "Difference") -> str:
    start = datetime.fromtimestamp(each.start / 1000, UTC).strftime("%Y-%m-%d %H:%M")
    window = f"window {each.scenario} {start} ({each.width_s} s)"
    times = f" {each.times} times" if each.times > 1 else ""
    what = f"{each.what}{times}: {window}, {_WHY[each.what]}"
    counters = f"; counters {', '.join(each.counters)}" if each.counters else ""
    return f"{what}{f' {each.detail}' if each.detail else ''}{counters}"


def _keep(path: Path, text: bytes, authority: "CertificateAuthority | None") -> None:
    try:
        path.write_bytes(text)
        if authority is not None:
            path.with_name(f"{path.name}.sig").write_bytes(authority.sign_text(text))
    except OSError as error:
        raise InputError(str(path), None, f"It cannot be written ({error.strerror}). Name another file.") from None
    if authority is None:
        click.echo(f"{path} has no signature: this centre has no authority (advertised_address).", err=True)
    else:
        click.echo(f"{path} is signed by {authority.path}; docs/centre.md has how to verify it.", err=True)
