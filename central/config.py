"""The centre's configuration: one flat TOML file. What cannot be used names file, field, value and a hint."""

import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

from edge.errors import WHOLE_FILE, ConfigError
from edge.limits import IDENTIFIER_PATTERN
from edge.mqtt.address import is_loopback, split_address


class Config(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Every option, with its default. Addresses are `host:port`, an empty string switches a listener off; paths are
    relative to the configuration file's folder."""

    name: Annotated[str, Meta(pattern=IDENTIFIER_PATTERN)] = "centre"
    data_dir: str = "data"
    # what nodes connect to
    listen: str = "127.0.0.1:1884"
    listen_tls: str = ""
    tls_cert: str = ""
    tls_key: str = ""
    credentials: str = "credentials"
    anonymous: bool = False
    # what analysts ask
    api_listen: str = "127.0.0.1:8090"
    api_token_file: str = ""
    # what is kept
    retention_days: Annotated[float, Meta(gt=0, le=3_660)] = 365.0
    # diagnosis
    log_level: Literal["debug", "info", "warning", "error"] = "info"


def load(path: str | Path) -> Config:
    """The configuration in `path`, checked, its paths absolute. Raises ConfigError."""
    path = Path(path)
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(str(path), WHOLE_FILE, error.strerror, "Copy deploy/central.toml there first.") from None
    except UnicodeDecodeError as error:
        raise ConfigError(str(path), WHOLE_FILE, f"byte {error.start} is not UTF-8", "Save it as UTF-8.") from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(str(path), WHOLE_FILE, str(error), "Mend that line; the format is TOML.") from None
    config = _convert(path, values)
    _check(path, config)
    folder = path.resolve().parent
    files = ("data_dir", "credentials", "tls_cert", "tls_key", "api_token_file")
    return msgspec.structs.replace(
        config, **{name: str(folder / value) for name in files if (value := getattr(config, name))}
    )


def _convert(path: Path, values: dict[str, Any]) -> Config:
    for name, value in values.items():
        if isinstance(value, dict):
            raise ConfigError(str(path), name, value, "The file is flat: write option = value, without [sections].")
        if name not in Config.__struct_fields__:
            near = [field for field in Config.__struct_fields__ if field.startswith(name[:4])]
            hint = f"Did you mean {near[0]}?" if near else "deploy/central.toml lists every option."
            raise ConfigError(str(path), name, value, f"There is no such option. {hint}")
        try:
            msgspec.convert({name: value}, Config)
        except msgspec.ValidationError as error:
            expected = str(error).split(" - at ")[0].rstrip(".")
            raise ConfigError(str(path), name, value, f"{expected}. deploy/central.toml has an example.") from None
    return msgspec.convert(values, Config)


def _check(path: Path, config: Config) -> None:
    """Rules that concern several fields."""

    def fail(field: str, hint: str) -> None:
        raise ConfigError(str(path), field, getattr(config, field), hint)

    form = 'Write "host:port", for example "127.0.0.1:1884"; port 0 takes any free one; "" switches it off.'
    for field in ("listen", "listen_tls", "api_listen"):
        if getattr(config, field) and split_address(getattr(config, field)) is None:
            fail(field, form)
    if config.listen_tls and not (config.tls_cert and config.tls_key):
        fail("listen_tls", "It needs tls_cert and tls_key: the paths of a PEM certificate chain and of its key.")
    if not config.listen and not config.listen_tls:
        fail("listen", "The centre would listen for no node: set listen or listen_tls.")
    if config.anonymous:
        for field in ("listen", "listen_tls"):
            if getattr(config, field) and not is_loopback(getattr(config, field)):
                fail(field, "With anonymous = true every listener must be on loopback. Use credentials, or 127.0.0.1.")
    if config.api_listen and not is_loopback(config.api_listen) and not config.api_token_file:
        fail("api_listen", "Beyond loopback the API needs api_token_file: a file with the token that callers show.")
