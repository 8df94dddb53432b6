"""Options from a TOML file. What cannot be used names the file, the option, the value and a hint."""

import re
import tomllib
from collections.abc import Callable, Iterable, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, Final, NoReturn, TypeVar

import msgspec
from msgspec import Meta, Struct

from ..errors import WHOLE_FILE, ConfigError
from ..messages.sentences import fault
from ..mqtt.address import is_loopback, split_address

T = TypeVar("T", bound=Struct)

ADDRESSES_MAX: Final = 8
"""Addresses of one listener: more than a machine has networks."""

Addresses = str | Annotated[list[str], Meta(max_length=ADDRESSES_MAX)]
"""Where a listener listens: one address, several, or none ("" or [])."""


def read(path: Path, template: str) -> dict[str, Any]:
    """What the file holds. `template` is one to begin with. Raises ConfigError."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        wrong, hint = error.strerror, f"Copy {template} there and edit it."
    except UnicodeDecodeError as error:
        wrong, hint = f"byte {error.start} is not UTF-8", "Save it as UTF-8."
    except tomllib.TOMLDecodeError as error:
        wrong, hint = str(error), "Mend that line; the format is TOML."
    raise ConfigError(str(path), WHOLE_FILE, wrong, hint) from None


def convert(
    path: Path,
    values: dict[str, Any],
    form: type[T],
    template: str,
    *,
    section: str = "",
    hints: Mapping[str, str] = MappingProxyType({}),
    unknown: Callable[[str], str] = lambda _: "",
) -> T:
    """The options of one section ("" is the top), checked. `hints` are for values of an option; `unknown` gives the
    hint for a name that is no option, empty where it has none. Raises ConfigError."""
    where = f"[{section}] " if section else ""
    for name, value in values.items():
        if name not in form.__struct_fields__:
            fields = form.__struct_fields__
            near = get_close_matches(name, fields, 1) or [field for field in fields if field.startswith(name[:4])]
            meant = f"Did you mean {near[0]}?" if near else f"{template} lists every option that this version has."
            hint = unknown(name) or meant
            raise ConfigError(str(path), f"{where}{name}", value, f"There is no such option. {hint}")
    try:
        return msgspec.convert(values, form)
    except msgspec.ValidationError as error:
        place, wrong = fault(error)
        field = re.split(r"[.\[]", place)[0] or "?"
        hint = f"{wrong[0].upper()}{wrong[1:]}. {hints.get(field, '')}".strip()
        raise ConfigError(str(path), f"{where}{field}", values.get(field), hint) from None


def refuse(path: Path, config: Struct, option: str, hint: str) -> NoReturn:
    """Raise the ConfigError of an option whose value does not fit the others."""
    raise ConfigError(str(path), option, getattr(config, option), hint)


def addresses(config: Any, option: str) -> list[str]:
    """What an option has of `Addresses`, as a list."""
    value: Addresses = getattr(config, option)
    return [value] if isinstance(value, str) and value else [*value]


def check_addresses(path: Path, config: Struct, options: Iterable[str]) -> None:
    """Check the form of each address. Raises ConfigError."""
    for option in options:
        if any(split_address(address) is None for address in addresses(config, option)):
            form = 'Write "host:port", for example "127.0.0.1:1883"; port 0 takes any free one; "" switches it off.'
            refuse(path, config, option, form)


def check_listeners(
    path: Path, config: Any, plain: Sequence[str], secure: Sequence[str], *, certified: bool = False
) -> None:
    """Check the options of where clients connect: the form of each address, the certificate of those with TLS (unless
    they are `certified` otherwise), and that only this machine reaches those that ask for no credentials. Raises
    ConfigError."""
    options = [option for option in (*plain, *secure) if getattr(config, option)]
    check_addresses(path, config, options)
    for option in options:
        if option in secure and not certified and not (config.tls_cert and config.tls_key):
            hint = "It needs tls_cert and tls_key: the paths of a PEM certificate chain and of its key."
            refuse(path, config, option, hint)
        if config.anonymous and not all(map(is_loopback, addresses(config, option))):
            hint = "With anonymous = true every listener must be on loopback. Use credentials, or 127.0.0.1."
            refuse(path, config, option, hint)


def absolute(path: Path, config: T, options: Iterable[str]) -> T:
    """The configuration with these paths, where they are not empty, made absolute: they are relative to its folder."""
    folder = path.resolve().parent
    values = {option: str(folder / value) for option in options if (value := getattr(config, option))}
    return msgspec.structs.replace(config, **values)
