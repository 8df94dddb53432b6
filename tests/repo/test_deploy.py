"""What is in `deploy/` works as far as it can be tried without being root: configurations, units, image, compose."""

import re
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from central import config as central_config
from edge.app import config as edge_config
from edge.scenarios.loader import DEFAULT, load
from tests.repo.project import ROOT, expect_none

DEPLOY = ROOT / "deploy"
UNITS = ["doorstep-edge.service", "doorstep-central.service", "doorstep-backup@.service"]
DOORSTEP = Path(sys.executable).parent / "doorstep"

OPTION = re.compile(r"^(?:# ?)?([a-z][a-z0-9_]*) = (.+)$")


def options(path: Path) -> dict[str, tuple[Any, str, bool]]:
    """Each option of a commented configuration: its value, the comment above it, and whether it is commented out."""
    found: dict[str, tuple[Any, str, bool]] = {}
    comment: list[str] = []
    for line in path.read_text(encoding="utf-8").splitlines():
        if match := OPTION.match(line):
            value = tomllib.loads(line.lstrip("# "))[match.group(1)]
            assert match.group(1) not in found, f"{path.name} has {match.group(1)} twice"
            found[match.group(1)] = (value, " ".join(comment), line.startswith("#"))
            comment = []
        elif line.startswith("# "):
            comment.append(line[2:])
        elif not line:
            comment = []
    return found


def test_edge_toml_shows_every_option_with_its_default() -> None:
    """Commented out, deploy/edge.toml has the configuration's defaults, in its order; only what has none is set. Each
    comment ends in [reload] or [restart], as edge/app/config.py and the scenarios have it."""
    shown = options(DEPLOY / "edge.toml")
    node = edge_config.Config(node="shop-1")
    wanted = {name: getattr(node, name) for name in edge_config.Options.__struct_fields__}
    reloadable = set(edge_config.RELOADABLE)
    for kind in load(DEFAULT):
        wanted |= {name: getattr(kind.options(), name) for name in kind.options.__struct_fields__}
        reloadable |= set(kind.options.__struct_fields__) - set(kind.restart_options)
    assert {name: value for name, (value, _, _) in shown.items()} == wanted
    assert list(shown) == list(wanted)
    assert [name for name, (_, _, commented) in shown.items() if not commented] == ["node"]
    ends = {name: "[reload]" if name in reloadable else "[restart]" for name in shown}
    expect_none(
        f"deploy/edge.toml: the comment above {name} does not end with {ends[name]}"
        for name, (_, comment, _) in shown.items()
        if not comment.endswith(ends[name])
    )


def test_central_toml_shows_every_option_with_its_default() -> None:
    """Commented out, deploy/central.toml has the defaults of central/config.py, in its order; nothing is set."""
    shown = options(DEPLOY / "central.toml")
    defaults = central_config.Config()
    wanted = {name: getattr(defaults, name) for name in central_config.Config.__struct_fields__ if name != "health"}
    wanted |= {name: getattr(defaults.health, name) for name in defaults.health.__struct_fields__}
    assert list(shown) == list(wanted)
    assert {name: value for name, (value, _, _) in shown.items()} == wanted
    assert all(commented for _, _, commented in shown.values())


def test_the_configurations_load_and_find_each_other() -> None:
    """Node and centre take the files as they are; those of compose share no token and have no listener without TLS, and
    invitations name the centre's service and port."""
    assert edge_config.load(DEPLOY / "edge.toml").node == "shop-1"
    assert central_config.load(DEPLOY / "central.toml").name == "centre"
    edge = edge_config.load(DEPLOY / "compose/edge.toml")
    central = central_config.load(DEPLOY / "compose/central.toml")
    assert edge.node == "shop-1"
    assert isinstance(central.listen_tls, str)
    assert central.advertised_address == f"central:{central.listen_tls.rpartition(':')[2]}"
    assert (edge.uplink, edge.uplink_token_file, edge.listen, central.listen) == ("", "", "", "")


def test_units_are_clean_and_have_least_rights(tmp_path: Path, program: Callable[[str], str]) -> None:
    """`systemd-analyze verify` reports nothing (on copies that start the command of this environment), and
    `systemd-analyze security` gives an exposure of at most 1.1 of 10."""
    analyze = program("systemd-analyze")
    for unit in UNITS:
        text = (DEPLOY / unit).read_text(encoding="utf-8")
        assert "ExecStart=/usr/bin/doorstep " in text
        (tmp_path / unit).write_text(text.replace("/usr/bin/doorstep", str(DOORSTEP)), encoding="utf-8")
        command = [analyze, "verify", "--man=no", str(tmp_path / unit)]
        done = subprocess.run(command, capture_output=True, text=True)
        about_it = [line for line in (done.stdout + done.stderr).splitlines() if unit in line]
        assert (done.returncode, about_it) == (0, [])
        command = [analyze, "security", "--offline=true", "--threshold=11", str(DEPLOY / unit)]
        done = subprocess.run(command, capture_output=True, text=True)
        assert done.returncode == 0, f"{unit}: {done.stdout[-600:]}{done.stderr}"


def test_units_keep_the_promise() -> None:
    """A crash is followed by a restart, a broken configuration is not; memory is bounded, state is private. What runs
    once and ends is not started again."""
    wanted = ("StateDirectoryMode=0700", "User=doorstep", "MemoryMax=")
    stays = ("Restart=always", "RestartPreventExitStatus=2")
    texts = {unit: (DEPLOY / unit).read_text(encoding="utf-8") for unit in UNITS}
    expect_none(
        f"{unit}: no {line}"
        for unit in UNITS
        for line in (wanted if "Type=oneshot" in texts[unit] else (*wanted, *stays))
        if f"\n{line}" not in texts[unit]
    )


def test_the_image_is_built_of_what_exists() -> None:
    """The Dockerfile pins its base, copies tracked things only, verifies hashes, and does not run as root."""
    text = (DEPLOY / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ")
    steps = [line.split(maxsplit=1) for line in text.splitlines() if line and not line.startswith("#")]
    bases = [rest for step, rest in steps if step == "FROM"]
    assert bases
    assert all(re.match(r"python:3\.\d+-slim-\w+\b", base) for base in bases)
    ignored = (DEPLOY / "Dockerfile.dockerignore").read_text(encoding="utf-8").splitlines()
    for step, rest in steps:
        if step == "COPY" and not rest.startswith("--from="):
            for name in rest.split()[:-1]:
                assert (ROOT / name).exists(), name
                assert f"!{name}" in ignored, f"Dockerfile.dockerignore keeps {name} out"
    installs = [part for step, rest in steps if step == "RUN" for part in rest.split("&&") if "pip install" in part]
    assert all("--require-hashes" in part or "--no-deps" in part for part in installs)
    assert steps.index(["USER", "doorstep"]) > max(number for number, (step, _) in enumerate(steps) if step == "RUN")


def test_compose_is_sound() -> None:
    """Only the node's listener with TLS is published beyond loopback, mounts exist, volumes and secrets are declared,
    memory is bounded, and the health check is the node's own."""
    compose = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))
    assert set(compose["services"]) == {"edge", "central"}
    assert compose["services"]["edge"]["healthcheck"]["test"][1:4] == ["doorstep", "status", "--serving"]
    wss = str(edge_config.load(DEPLOY / "compose/edge.toml").listen_wss).rpartition(":")[2]
    for name, service in compose["services"].items():
        assert service["mem_limit"], name
        published = {port for port in service.get("ports", []) if not port.startswith("127.0.0.1:")}
        assert published <= {f"{wss}:{wss}"}, name
        config = (DEPLOY / f"compose/{name}.toml").read_text(encoding="utf-8")
        assert set(re.findall(r"/run/secrets/(\w+)", config)) == set(service.get("secrets", []))
        assert set(service.get("secrets", [])) <= set(compose["secrets"])
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            assert (DEPLOY / source).exists() if source.startswith(".") else source in compose["volumes"], volume
        assert service["read_only"]
        assert service["cap_drop"] == ["ALL"]
        assert (service["build"]["context"], service["build"]["dockerfile"]) == ("..", "deploy/Dockerfile")
        assert service["command"][0] == name
