"""The centre's configuration: one TOML file, flat but for `[health]` and the receivers of alerts. What cannot be used
names file, field, value and a hint."""

import re
from pathlib import Path
from typing import Annotated, Final, Literal
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta, Struct

from edge.clock import Clock
from edge.errors import ConfigError
from edge.identity.files import read_secret
from edge.identity.invitation import ADDRESS_PATTERN
from edge.limits import IDENTIFIER_PATTERN, MESSAGES_PER_CLIENT_BURST, MESSAGES_PER_CLIENT_PER_S
from edge.mqtt.address import is_loopback, split_address
from edge.service import options

from .alerts.receivers import Receiver, receivers
from .health_index.options import HealthOptions
from .store.tiers import zone

ROWS_PER_DAY_MIN: Final = 100_000
"""Any batch has fewer: otherwise one could wait for ever."""


SERVER_RENEW_DAYS: Final = 60
"""Before its end the centre's own certificate is made anew, where it is of the centre's authority."""


class Config(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Every option, with its default. Addresses are `host:port`, listeners may have a list of them, and an empty
    string switches one off; paths are relative to the configuration file's folder."""

    name: Annotated[str, Meta(pattern=IDENTIFIER_PATTERN)] = "centre"
    data_dir: str = "data"
    store: str = ""
    store_password_file: str = ""
    # what nodes connect to
    listen: options.Addresses = "127.0.0.1:1884"
    listen_tls: options.Addresses = ""
    tls_cert: str = ""
    tls_key: str = ""
    credentials: str = "credentials"
    anonymous: bool = False
    # nodes that are invited
    advertised_address: str = ""
    ca_cert: str = ""
    ca_key: str = ""
    messages_per_s: Annotated[int, Meta(ge=1, le=1_000_000)] = MESSAGES_PER_CLIENT_PER_S
    messages_burst: Annotated[int, Meta(ge=1, le=10_000_000)] = MESSAGES_PER_CLIENT_BURST
    # what analysts ask
    api_listen: str = "127.0.0.1:8090"
    api_listen_tls: str = ""
    api_token_file: str = ""
    # what is kept
    k_anonymity: Annotated[int, Meta(ge=2, le=1_000)] = 5
    rows_per_day_max: Annotated[int, Meta(ge=ROWS_PER_DAY_MIN, le=2**40)] = 1_000_000
    minutes_kept_days: Annotated[float, Meta(gt=0, le=3_660)] = 7.0
    hours_kept_days: Annotated[float, Meta(gt=0, le=3_660)] = 90.0
    days_kept_days: Annotated[float, Meta(gt=0, le=36_600)] = 1_095.0
    timezone: Annotated[str, Meta(max_length=64)] = "UTC"
    # who is notified
    alert: list[Receiver] = msgspec.field(default_factory=list[Receiver])
    # rehearsals
    clock_speed: Annotated[float, Meta(gt=0, le=10_000)] = 1.0
    clock_wall_anchor_ms: Annotated[int, Meta(ge=0)] = 0
    clock_real_anchor_ms: Annotated[int, Meta(ge=0)] = 0
    # the health index
    health: HealthOptions = HealthOptions()
    # diagnosis
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["text", "json"] = "text"


_TEMPLATE: Final = "deploy/central.toml"


def load(path: str | Path) -> Config:
    """The configuration in `path`, checked, its paths absolute. Raises ConfigError."""
    path = Path(path)
    values = options.read(path, _TEMPLATE)
    tables = values.pop("alert", [])
    for name, value in values.items():
        if isinstance(value, dict) is not (name == "health"):
            raise ConfigError(str(path), name, value, "The file is flat but for [health]: write option = value.")
    health = values.pop("health", {})
    config = options.convert(path, values, Config, _TEMPLATE)
    config = msgspec.structs.replace(
        config,
        alert=receivers(path, tables),
        health=options.convert(path, health, HealthOptions, _TEMPLATE, section="health"),
    )
    options.check_addresses(path, config, ["api_listen", "api_listen_tls"])
    if config.advertised_address:
        _check_enrolment(path, config)
    own = bool(config.advertised_address) and not config.tls_cert and not config.tls_key
    options.check_listeners(path, config, ["listen"], ["listen_tls"], certified=own)
    if not config.listen and not config.listen_tls:
        options.refuse(path, config, "listen", "The centre would listen for no node: set listen or listen_tls.")
    for option in ("api_listen", "api_listen_tls"):
        if (address := getattr(config, option)) and not is_loopback(address) and not config.api_token_file:
            hint = "Beyond loopback the API needs api_token_file: a file with the token that callers show."
            options.refuse(path, config, option, hint)
    if config.api_listen_tls and not (config.tls_cert and config.tls_key):
        hint = "Browsers need tls_cert and tls_key: the paths of a PEM certificate chain and of its key."
        options.refuse(path, config, "api_listen_tls", hint)
    if config.clock_wall_anchor_ms and not config.clock_real_anchor_ms:
        options.refuse(path, config, "clock_real_anchor_ms", "A scaled clock needs both anchors.")
    _check_store(path, config)
    try:
        zone(config.timezone)
    except ValueError as error:
        options.refuse(
            path, config, "timezone", f"{error}. Write a name such as Asia/Shanghai; Debian: apt install tzdata."
        )
    if config.hours_kept_days < config.minutes_kept_days:
        options.refuse(path, config, "hours_kept_days", "Hours are kept at least as long as minutes_kept_days.")
    if config.days_kept_days < config.hours_kept_days:
        options.refuse(path, config, "days_kept_days", "Days are kept at least as long as hours_kept_days.")
    paths = "data_dir store_password_file credentials tls_cert tls_key ca_cert ca_key api_token_file"
    return options.absolute(path, config, paths.split())


def clock_of(config: Config) -> Clock:
    """The centre's clock, which a rehearsal scales: whatever is stored of nodes, and asked about them, is by it. What
    others go by, too, has that of the machine: certificates, invitations, tokens, log-ins, resending."""
    return Clock(config.clock_speed, config.clock_wall_anchor_ms, config.clock_real_anchor_ms)


def now_ms(config: Config) -> int:
    """This instant by the centre's clock (Unix ms), for a command."""
    return clock_of(config).now().wall_ms


def store_of(path: str | Path, config: Config) -> tuple[Path | str, str]:
    """Where the store is, a folder or a URL, and its password. Raises ConfigError where the file of that is no good."""
    password = read_secret(str(path), "store_password_file", config.store_password_file)
    return config.store or Path(config.data_dir), password


def _check_store(path: Path, config: Config) -> None:
    """Nothing but a PostgreSQL URL, and no password in it: configurations are copied and shown."""
    if not config.store:
        if config.store_password_file:
            options.refuse(path, config, "store_password_file", "It is for a store on PostgreSQL: set store, too.")
        return
    hint = 'Write "postgresql://role@host/database", or nothing for SQLite in data_dir.'
    try:
        url = urlsplit(config.store)
        password = url.password or "password=" in url.query
    except ValueError:
        options.refuse(path, config, "store", hint)
    if url.scheme not in ("postgresql", "postgres"):
        options.refuse(path, config, "store", hint)
    if password:
        hint = "Take the password out of it, into store_password_file or the environment variable PGPASSWORD."
        raise ConfigError(str(path), "store", f"{url.scheme}://…@{url.hostname}", hint)


def _check_enrolment(path: Path, config: Config) -> None:
    """Check what invitations need. Raises ConfigError."""
    pair = split_address(config.advertised_address)
    if pair is None or not pair[1] or not re.fullmatch(ADDRESS_PATTERN, config.advertised_address):
        hint = 'Write the name and port by which nodes reach listen_tls, for example "centre.example:8884". '
        hint += (
            "The name has ASCII letters, digits, dots and dashes (xn--… for others); an address of IPv6 has brackets."
        )
        options.refuse(path, config, "advertised_address", hint)
    if config.anonymous:
        hint = "Whoever comes would be any node, and no invitation would be looked at. Remove it or advertised_address."
        options.refuse(path, config, "anonymous", hint)
    if not config.listen_tls:
        hint = 'Invited nodes come by TLS: advertised_address needs it, for example listen_tls = "0.0.0.0:8884".'
        options.refuse(path, config, "listen_tls", hint)
    for one, other in (("ca_cert", "ca_key"), ("ca_key", "ca_cert")):
        if getattr(config, one) and not getattr(config, other):
            options.refuse(path, config, other, f"{one} needs it: name both, or neither for an authority of our own.")
