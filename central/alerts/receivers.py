"""Who is notified of what: the tables `[[alert]]` of the centre's configuration, and the secrets in their files."""

import re
from pathlib import Path
from typing import Annotated, Any, Final, Literal, get_args

import msgspec
from msgspec import Meta, Struct

from edge.errors import ConfigError
from edge.identity.files import read_secret
from edge.limits import IDENTIFIER_PATTERN
from edge.mqtt.address import is_private_http
from edge.service import options

Alarm = Literal["stalled", "behind", "quarantined", "clock", "problem", "certificate", "rollout", "ledger", "data"]
ALARMS: Final = get_args(Alarm)
"""What there can be an alert about. docs/alerts.md has their meaning."""

Template = Literal["standard", "wecom", "dingtalk"]

RECEIVERS_MAX: Final = 8
"""Teams that look after one fleet; each costs a row and a request for each alert."""

PER_MINUTE_MAX: Final = 60
"""Messages that a person could still read."""

ROBOT_PER_MINUTE_MAX: Final = 20
"""Robots of WeCom and DingTalk take so many and drop the rest: what their makers document."""

URLS: Final = {
    "wecom": "https://qyapi.weixin.qq.com/cgi-bin/webhook/send",
    "dingtalk": "https://oapi.dingtalk.com/robot/send",
}
"""Where the robots of groups are, unless `url` names another place."""

_KEY: Final = re.compile(r"[A-Za-z0-9_-]{16,128}")
_DINGTALK_SECRET: Final = re.compile(r"SEC[A-Za-z0-9]{16,128}")


class Receiver(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One table `[[alert]]`."""

    name: Annotated[str, Meta(pattern=IDENTIFIER_PATTERN)]
    template: Template = "standard"
    url: Annotated[str, Meta(max_length=2_000)] = ""
    secret_file: str = ""
    ca: str = ""
    alarms: Annotated[list[Alarm], Meta(min_length=1)] = msgspec.field(default_factory=lambda: [*ALARMS])
    after_s: Annotated[int, Meta(ge=0, le=86_400)] = 60
    per_minute: Annotated[int, Meta(ge=1, le=PER_MINUTE_MAX)] = 10
    language: Literal["en", "zh"] = "en"
    link: Annotated[str, Meta(max_length=500)] = ""


class Secret(Struct, frozen=True):
    """What a file has: the words of `whsec_…`, or the key of a robot, with what DingTalk signs by."""

    text: str
    signing: str = ""


def receivers(path: Path, tables: Any) -> list[Receiver]:
    """Those of the configuration `path`, with absolute paths. Raises ConfigError."""
    if not isinstance(tables, list) or not all(isinstance(each, dict) for each in tables):
        hint = "Write [[alert]] above the options of each receiver."
        raise ConfigError(str(path), "alert", "a value", hint)
    found = [_receiver(path, number, table) for number, table in enumerate(tables, 1)]
    if len(found) > RECEIVERS_MAX:
        raise ConfigError(str(path), "[[alert]]", len(found), f"There may be {RECEIVERS_MAX} receivers.")
    names = [each.name for each in found]
    for name in names:
        if names.count(name) > 1:
            raise ConfigError(str(path), "[[alert]] name", name, "Each receiver needs a name of its own.")
    return found


def _receiver(path: Path, number: int, table: dict[str, Any]) -> Receiver:
    if "name" not in table:
        hint = f'The receiver number {number} needs a name, such as name = "ops".'
        raise ConfigError(str(path), "[[alert]] name", "nothing", hint)
    made = options.convert(path, table, Receiver, "docs/alerts.md", section="[alert]", hints=_HINTS)
    made = msgspec.structs.replace(made, url=made.url or URLS.get(made.template, ""))
    where = f"[[alert]] {made.name}:"

    def refuse(option: str, hint: str) -> None:
        raise ConfigError(str(path), f"{where} {option}", getattr(made, option), hint)

    if not is_private_http(made.url):
        refuse("url", 'Write https://…, for example "https://hooks.example/doorstep"; http is for this machine only.')
    if made.template != "standard" and "?" in made.url:
        hint = "Take the key out of it, and write that into secret_file: configurations are copied and shown."
        raise ConfigError(str(path), f"{where} url", made.url.partition("?")[0], hint)
    if not made.secret_file:
        refuse("secret_file", f"It is a file (mode 0600) with {_FORMS[made.template]}.")
    if made.template != "standard" and made.per_minute > ROBOT_PER_MINUTE_MAX:
        refuse("per_minute", f"A robot takes {ROBOT_PER_MINUTE_MAX} messages a minute, and drops what is beyond.")
    if made.link and not is_private_http(made.link):
        refuse("link", 'Write the address of the console, for example "https://centre.example:8443".')
    return options.absolute(path, made, ["secret_file", "ca"])


_HINTS: Final = {
    "alarms": f"Name some of: {', '.join(ALARMS)}.",
    "template": f"It is one of: {', '.join(get_args(Template))}.",
}
_FORMS: Final = {
    "standard": "whsec_ and 24 to 64 random bytes in base64",
    "wecom": "the key of the robot: what stands in its address after key=",
    "dingtalk": "the access_token of the robot, and after a space what it signs by (SEC…), if it is a signed one",
}


def secret(path: str, receiver: Receiver) -> Secret:
    """What the file of a receiver has. Raises ConfigError where it cannot be used."""
    option, file = f"[[alert]] {receiver.name}: secret_file", receiver.secret_file
    text = read_secret(path, option, file)
    if receiver.template == "standard":
        from edge.service.webhook import signers

        signers(path, option, file, text)
        return Secret(text)
    words = text.split()
    signed = receiver.template == "dingtalk" and len(words) == 2 and _DINGTALK_SECRET.fullmatch(words[1])
    if not words or not _KEY.fullmatch(words[0]) or (len(words) > 1 and not signed):
        raise ConfigError(path, option, file, f"Write into it {_FORMS[receiver.template]}.")
    return Secret(words[0], words[1] if signed else "")
