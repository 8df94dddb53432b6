"""The node's configuration: one TOML file, the node's options first, then a section for each scenario that needs one.

Options in `RELOADABLE` take effect at SIGHUP; the others need a restart, and a reload that changes one of them logs it.
The error of an invalid configuration names the file, the field, the value and a valid one.
"""

import tomllib
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta, Struct

from ..core.model import Rules
from ..core.scenario import Scenario
from ..errors import WHOLE_FILE, ConfigError, DoorstepError
from ..limits import IDENTIFIER_PATTERN, MESSAGES_PER_CLIENT_BURST, MESSAGES_PER_CLIENT_PER_S, NAME_PATTERN
from ..mqtt.address import is_loopback, is_private_http
from ..scenarios import files
from ..scenarios.loader import DEFAULT, available
from ..scenarios.loader import load as load_scenarios
from ..service import options
from ..words.words import Language

RETENTION_DAYS_MAX: Final = 365
"""Longer than a year is an archive, not a journal."""

SHOPS_MAX: Final = 10_000
"""Names in the option `shops`; those in the credentials file come on top."""

ANY_SHOP: Final = "*"
Shop = Annotated[str, Meta(pattern=rf"{NAME_PATTERN}|\A\*\Z")]
Identifier = Annotated[str, Meta(pattern=IDENTIFIER_PATTERN)]


class Options(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Every option of the node itself, with its default. Addresses are `host:port`, listeners may have a list of them,
    and an empty string switches one off; paths are relative to the configuration file's folder."""

    node: Identifier
    data_dir: str = "data"
    # what clients connect to
    listen: options.Addresses = "127.0.0.1:1883"
    listen_tls: options.Addresses = ""
    listen_ws: options.Addresses = ""
    listen_wss: options.Addresses = ""
    listen_http: options.Addresses = ""
    listen_https: options.Addresses = ""
    tls_cert: str = ""
    tls_key: str = ""
    credentials: str = "credentials"
    anonymous: bool = False
    shops: Annotated[list[Shop], Meta(max_length=SHOPS_MAX)] = []
    token_keys: str = ""
    token_audience: Annotated[str, Meta(min_length=1, max_length=256)] = "doorstep"  # noqa: S105 - no secret
    token_revoked: str = ""
    messages_per_s: Annotated[int, Meta(ge=1, le=1_000_000)] = MESSAGES_PER_CLIENT_PER_S
    messages_burst: Annotated[int, Meta(ge=1, le=10_000_000)] = MESSAGES_PER_CLIENT_BURST
    rows_per_day_max: Annotated[int, Meta(ge=1_000, le=2**40)] = 1_000_000
    # broker mode
    link: str = ""
    link_username: str = ""
    link_token_file: str = ""
    link_ca: str = ""
    # the centre
    uplink: options.Addresses = ""
    uplink_name: Identifier = "centre"
    uplink_username: str = ""
    uplink_token_file: str = ""
    uplink_ca: str = ""
    # what is pushed to the app's server
    webhook_url: str = ""
    webhook_kinds: Annotated[list[Annotated[str, Meta(max_length=32)]], Meta(max_length=16)] = msgspec.field(
        default_factory=lambda: ["update"]
    )
    webhook_secret_file: str = ""
    webhook_ca: str = ""
    # the operator's page
    status_listen: str = "127.0.0.1:8080"
    listen_metrics: options.Addresses = ""
    metrics_token_file: str = ""
    # what is kept, and what leaves
    retention_days: Annotated[float, Meta(gt=0, le=RETENTION_DAYS_MAX)] = 7.0
    journal_max_gb: Annotated[float, Meta(ge=0, le=100_000)] = 0.0
    keep_free_text: bool = False
    k_anonymity: Annotated[int, Meta(ge=2, le=1_000)] = 5
    shop_scores: bool = False
    cell_resolution: Annotated[int, Meta(ge=4, le=10)] = 8
    crs: Literal["wgs84", "gcj02"] = "wgs84"
    # what it decides
    scenarios: list[Identifier] = msgspec.field(default_factory=lambda: list(DEFAULT))
    scenario_path: str = ""
    # rehearsals
    clock_speed: Annotated[float, Meta(gt=0, le=10_000)] = 1.0
    clock_wall_anchor_ms: Annotated[int, Meta(ge=0)] = 0
    clock_real_anchor_ms: Annotated[int, Meta(ge=0)] = 0
    # for people
    lang: Language = "en"
    # diagnosis
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["text", "json"] = "text"
    log_pseudonyms: bool = False


class Config(Options, frozen=True, kw_only=True):
    """A checked configuration: the options, the section of each scenario that has one, and the files that these name,
    by the name of the copy in the data directory."""

    sections: dict[str, Struct] = {}
    files: dict[str, str] = {}

    @property
    def kinds(self) -> list[type[Scenario]]:
        """The scenarios that are switched on."""
        return load_scenarios(self.scenarios, self.scenario_path)

    def rules(self) -> Rules:
        """The part that the pure core uses."""
        sections = {kind.name: self.sections.get(kind.name) or kind.options() for kind in self.kinds}
        return Rules(
            node=self.node,
            crs=self.crs,
            k_anonymity=self.k_anonymity,
            shop_scores=self.shop_scores,
            cell_resolution=self.cell_resolution,
            retention_s=int(self.retention_days * 86_400),
            keep_free_text=self.keep_free_text,
            scenarios={name: msgspec.Raw(_pack(options)) for name, options in sorted(sections.items())},
        )


RELOADABLE: Final = frozenset(
    "credentials shops token_keys token_audience token_revoked tls_cert tls_key messages_per_s messages_burst "
    "rows_per_day_max retention_days journal_max_gb keep_free_text k_anonymity shop_scores log_level link_token_file "
    "uplink_token_file webhook_secret_file metrics_token_file".split()
)
"""Options that SIGHUP applies, beside those of the scenarios; the files that they name are read again too."""

PUSHABLE: Final = frozenset(
    "shops messages_per_s messages_burst rows_per_day_max retention_days journal_max_gb k_anonymity log_level".split()
)
"""Options that a centre may push, beside those of the scenarios. Never listeners, files, secrets or the uplink: with
those it could lock a node out, or let somebody in."""

PUSHED: Final = "the centre's settings"
"""What stands for the file's name in the error of an option that was pushed."""

TOKEN_FILES: Final = ("link_token_file", "uplink_token_file")
"""Who the node is elsewhere. With or without a token is a different name there, which needs a restart."""

_pack: Final = msgspec.msgpack.Encoder().encode

_HINTS: Final = {
    "node": 'Use lower-case letters, digits and dashes, for example node = "shop-7".',
    "data_dir": 'Name a folder that the node may write to, for example data_dir = "/var/lib/doorstep".',
}

_TEMPLATE: Final = "deploy/edge.toml"
_PATHS: Final = (
    "data_dir credentials token_keys token_revoked tls_cert tls_key link_token_file link_ca uplink_token_file "
    "uplink_ca webhook_secret_file webhook_ca metrics_token_file scenario_path".split()
)


def load(path: str | Path, pushed: str = "") -> Config:
    """The configuration in `path`, checked, with the options (TOML) that the centre has pushed in the place of the
    file's. Raises ConfigError."""
    path = Path(path)
    own = values(path)
    config = made(path, own)
    if not pushed:
        return config
    merged = made(path, _laid_over(own, pushed))
    if merged.k_anonymity < config.k_anonymity:
        hint = f"{path} has {config.k_anonymity}, and a centre may only raise it."
        raise ConfigError(PUSHED, "k_anonymity", merged.k_anonymity, hint)
    return merged


def _laid_over(own: dict[str, Any], pushed: str) -> dict[str, Any]:
    merged = dict(own)
    try:
        found = tomllib.loads(pushed)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(PUSHED, WHOLE_FILE, error, "Mend that line; the format is TOML.") from None
    for name in found:
        section, part = merged.get(name, {}), found[name]
        if name in PUSHABLE:
            merged[name] = part
        elif isinstance(part, dict) and isinstance(section, dict):
            merged[name] = {**section, **part}
        else:
            hint = f"It stays the node's own. A centre may set {', '.join(sorted(PUSHABLE))}, and scenarios' options."
            raise ConfigError(PUSHED, name, found[name], hint)
    return merged


def values(path: Path) -> dict[str, Any]:
    """What the file holds, unchecked. Raises ConfigError."""
    return options.read(path, _TEMPLATE)


def made(path: Path, values: dict[str, Any]) -> Config:
    """The configuration of these values, checked; `path` is the file that they are from. Raises ConfigError."""
    config = _convert(path, values)
    _check(path, config)
    return options.absolute(path, config, _PATHS)


def differing(old: Config, new: Config) -> list[str]:
    """The options with another value, those of a scenario as `dispatch.reply_s`."""
    found = [name for name in Options.__struct_fields__ if getattr(old, name) != getattr(new, name)]
    for kind in new.kinds:
        before, after = (each.sections.get(kind.name) or kind.options() for each in (old, new))
        names = kind.options.__struct_fields__
        found += [f"{kind.name}.{name}" for name in names if getattr(before, name) != getattr(after, name)]
    return found


def reloaded(old: Config, new: Config) -> tuple[Config, list[str]]:
    """The configuration after a reload: `new`, with the old values of options that need a restart, and their names."""
    fixed = [
        name
        for name in Options.__struct_fields__
        if getattr(new, name) != getattr(old, name)
        and (name not in RELOADABLE or (name in TOKEN_FILES and not (getattr(new, name) and getattr(old, name))))
    ]
    named = fixed.copy()
    sections = new.sections.copy()
    for kind in old.kinds:
        before, after = old.sections.get(kind.name) or kind.options(), sections.get(kind.name) or kind.options()
        kept = [name for name in kind.restart_options if getattr(before, name) != getattr(after, name)]
        sections[kind.name] = msgspec.structs.replace(after, **{name: getattr(before, name) for name in kept})
        named += [f"[{kind.name}] {name}" for name in kept]
    values = {name: getattr(old, name) for name in fixed}
    return msgspec.structs.replace(new, sections=sections, **values), named


def _convert(path: Path, values: dict[str, Any]) -> Config:
    sections: dict[str, dict[str, Any]] = {name: value for name, value in values.items() if isinstance(value, dict)}
    top = {name: value for name, value in values.items() if name not in sections}
    own = options.convert(path, top, Options, _TEMPLATE, hints=_HINTS, unknown=_of_a_scenario)
    folder = str(path.resolve().parent / own.scenario_path) if own.scenario_path else ""
    _kinds(path, own.scenarios, folder)
    made: dict[str, Struct] = {}
    taken: dict[str, str] = {}
    for name, section in sections.items():
        if name not in own.scenarios and name not in (known := available(folder)):
            hint = f"There is no scenario of this name, and only scenarios have sections. Known: {', '.join(known)}."
            raise ConfigError(str(path), f"[{name}]", "a section", hint)
        (kind,) = _kinds(path, [name], folder)
        made[name], found = files.adopted(
            path, kind, options.convert(path, section, kind.options, _TEMPLATE, section=name)
        )
        taken |= found
    return Config(**{name: getattr(own, name) for name in Options.__struct_fields__}, sections=made, files=taken)


def _kinds(path: Path, names: list[str], folder: str) -> list[type[Scenario]]:
    if not names or len(set(names)) < len(names):
        raise ConfigError(str(path), "scenarios", names, 'Name each once, for example scenarios = ["dispatch"].')
    try:
        return load_scenarios(names, folder)
    except DoorstepError as error:
        raise ConfigError(str(path), "scenarios", names, str(error)) from None


def _of_a_scenario(name: str) -> str:
    """The hint for what is a scenario, or an option of one."""
    if name in available():
        return f"{name} is a scenario: write its options below a line [{name}], at the end of the file."
    for kind in load_scenarios(available()):
        if name in kind.options.__struct_fields__:
            where = f"below a line [{kind.name}], at the end of the file"
            return f"It belongs to the scenario {kind.name}: write it {where}."
    return ""


def _check(path: Path, config: Config) -> None:
    """Check the fields against each other."""
    plain, secure = ("listen", "listen_ws", "listen_http"), ("listen_tls", "listen_wss", "listen_https")
    options.check_addresses(path, config, ["status_listen"])
    options.check_listeners(path, config, plain, (*secure, "listen_metrics"))
    if config.listen_metrics and not config.metrics_token_file:
        hint = "It needs metrics_token_file: a file (mode 0600) with the token that a scraper shows, on one line."
        options.refuse(path, config, "listen_metrics", hint)
    if config.status_listen and not is_loopback(config.status_listen):
        hint = "The page shows riders' positions, so it stays on loopback. Reach it through ssh -L."
        options.refuse(path, config, "status_listen", hint)
    _check_webhooks(path, config)
    for field, schemes in (("link", ("mqtt", "mqtts", "unix")), ("uplink", ("mqtt", "mqtts"))):
        if any(url.partition("://")[0] not in schemes for url in options.addresses(config, field)):
            forms = " or ".join(f"{scheme}://…" for scheme in schemes)
            options.refuse(path, config, field, f"Write {forms}, for example mqtts://centre.example:8883.")
    if not config.link and not any(getattr(config, field) for field in (*plain, *secure)):
        options.refuse(path, config, "listen", "No client could connect: set a listener, or link for broker mode.")
    if config.clock_wall_anchor_ms and not config.clock_real_anchor_ms:
        options.refuse(path, config, "clock_real_anchor_ms", "A scaled clock needs both anchors.")


def _check_webhooks(path: Path, config: Config) -> None:
    if not config.webhook_url:
        return
    if not is_private_http(config.webhook_url):
        hint = 'Write https://…, for example "https://app.example/hooks/doorstep"; http is for this machine only.'
        options.refuse(path, config, "webhook_url", hint)
    if not config.webhook_secret_file:
        hint = "webhook_url needs it: a file (mode 0600) with whsec_ and 24 to 64 random bytes in base64."
        options.refuse(path, config, "webhook_secret_file", hint)
    sent = [each.kind for kind in config.kinds for each in kind.messages if each.direction == "down" and each.durable]
    if not config.webhook_kinds or not set(config.webhook_kinds) <= {"receipt", *sent}:
        options.refuse(path, config, "webhook_kinds", f"Name some of: {', '.join(['receipt', *sent])}.")
