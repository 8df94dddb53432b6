"""Files that the configuration names: who may connect, secrets, the data directory and its journal."""

import os
from pathlib import Path
from typing import Final

from ..app.config import ANY_SHOP, TOKEN_FILES, Config
from ..app.http import METRICS_TOKEN
from ..errors import DoorstepError, InputError
from ..identity.credentials import Credentials, faults
from ..identity.files import read_secret
from ..identity.revocations import Revocations
from ..journal.reader import FILE_NAME, JournalReader
from ..service.options import addresses
from ..uplink.enrolment import AGAIN, IDENTITY, RENEW_DAYS, read
from .finding import Report

LINES_MAX: Final = 20
"""Wrong lines of one file that are listed."""

_OTHERS: Final = 0o077


def identities(config: Config, report: Report) -> None:
    """Everybody who may connect."""
    if config.anonymous or "credentials" in report.left_out:
        return
    roles: set[str] = set()
    shops = set(config.shops)
    wrong = faults(config.credentials, LINES_MAX)
    for error in wrong:
        report.error("credentials", error)
    if not wrong:
        known = Credentials.load(config.credentials)
        report.facts["clients"] = len(known)
        roles |= {role for grant in known.clients().values() for role in grant.roles}
        shops |= known.shops
        if not len(known) and not config.token_keys:
            text = f"{config.credentials} has no client and token_keys is empty: nobody can connect."
            report.warning("no_client", f"{text} Run doorstep credential add --file {config.credentials} CLIENT.")
            return
    if config.token_keys:
        roles |= {"customer", "rider", "shop", "gateway"}  # a token may have any
        _keys(config, report)
    if wrong or "dispatch" not in config.scenarios:
        return
    if not shops and not config.token_keys:
        report.warning(
            "no_shop",
            "No shop exists, so every order is refused (unknown_shop). Add one with doorstep credential add --role "
            f'shop, or name it in the option shops (["{ANY_SHOP}"]: any).',
        )
    if roles and "rider" not in roles:
        report.warning(
            "no_rider", "Nobody has the role rider, so orders wait. Run doorstep credential add --role rider."
        )


def _keys(config: Config, report: Report) -> None:
    from ..identity.tokens import TokenKeys

    try:
        TokenKeys.load(config.token_keys, config.token_audience)
        if config.token_revoked:
            Revocations(config.token_revoked)
    except DoorstepError as error:
        report.error("token_keys", error)


def secrets(path: Path, config: Config, report: Report) -> None:
    """The tokens of the node itself."""
    for option in TOKEN_FILES:
        try:
            found = read_secret(str(path), option, getattr(config, option))
        except DoorstepError as error:
            report.error("token_file", error)
            continue
        peer = "uplink" if option.startswith("uplink") else "link"
        if peer == "uplink" and (Path(config.data_dir) / IDENTITY).exists():
            continue
        if getattr(config, peer) and not found:
            report.warning("no_token", f"{option} is empty, so the node introduces itself to its {peer} as nobody.")
    if config.listen_metrics:
        try:
            read_secret(str(path), METRICS_TOKEN, config.metrics_token_file)
        except DoorstepError as error:
            report.error("token_file", error)
    if config.webhook_url:
        from ..service.webhook import signers

        option = "webhook_secret_file"
        try:
            found = read_secret(str(path), option, config.webhook_secret_file)
            signers(str(path), option, config.webhook_secret_file, found)
        except DoorstepError as error:
            report.error("token_file", error)


def enrolment(config: Config, report: Report) -> None:
    """The node's certificate at its centre, where it has one."""
    try:
        found = read(config.data_dir, config.node)
        if found is None:
            return
        if config.uplink_token_file:
            text = "This node is enrolled, so its token at the centre is not used. Remove uplink_token_file."
            report.warning("unused_token", text)
        report.facts["uplink_certificate_days"] = round(found.days_left, 1)
        report.facts["uplink_certificate_sha256"] = found.fingerprint
        report.facts["uplink"] = ", ".join(addresses(config, "uplink")) or found.settings.uplink
    except DoorstepError as error:
        report.error("enrolment", error)
        return
    if found.days_left <= 0:
        text = f"The certificate of this node at its centre ended {-found.days_left:.0f} days ago. {AGAIN}"
        report.error("uplink_certificate_expired", text)
    elif found.days_left < RENEW_DAYS:
        text = f"The certificate of this node at its centre ends in {found.days_left:.1f} days."
        report.warning("uplink_certificate_ends", f"{text} A running node renews it as soon as it reaches the centre.")


def data_directory(config: Config, report: Report) -> Path | None:
    """Check the data directory; the nearest folder that exists, where files can be tried."""
    path = Path(config.data_dir)
    nearest = next(each for each in (path, *path.parents) if each.exists())
    if not nearest.is_dir() or not os.access(nearest, os.W_OK | os.X_OK):
        report.error(
            "data_dir", f"{nearest} is no folder that this user may write to. Name another data_dir, or chown."
        )
        return None
    if nearest == path:
        found = path.stat()
        if found.st_uid != os.geteuid():
            text = f"{path} belongs to the user with number {found.st_uid}, and this one has {os.geteuid()}."
            report.error("data_dir", f"{text} Run this as the node's user, or chown.")
        elif found.st_mode & _OTHERS:
            report.error("data_dir", f"Others may enter {path}: look what is in it, then run chmod 700 {path}.")
        _journal(path / FILE_NAME, report)
    return nearest


def _journal(path: Path, report: Report) -> None:
    if not path.exists():
        return
    try:
        with JournalReader.open(path) as reader:
            first, last = reader.bounds()
            report.facts["journal_rows"] = last - first + 1
            report.facts["journal_mb"] = round(path.stat().st_size / 1e6, 1)
            for _ in reader.rows(max(first - 1, last - 1)):
                pass
    except (InputError, DoorstepError) as error:
        report.error("journal", error)
