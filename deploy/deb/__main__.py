"""`python -m deploy.deb`: the packages `doorstep` and `doorstep-bench`, for the release that this runs on."""

import argparse
import hashlib
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from . import package, tree, wheels
from .wheels import Target

ROOT: Final = Path(__file__).resolve().parents[2]
PYTHON: Final = Path("/usr/bin/python3")

CONFIGURATIONS: Final = {
    "edge.toml": {
        '#data_dir = "data"': 'data_dir = "/var/lib/doorstep-edge/data"',
        '#credentials = "credentials"': 'credentials = "/var/lib/doorstep-edge/credentials"',
    },
    "central.toml": {
        '# data_dir = "data"': 'data_dir = "/var/lib/doorstep-central/data"',
        '# credentials = "credentials"': 'credentials = "/var/lib/doorstep-central/credentials"',
    },
}
"""What a packaged configuration sets beyond the one in deploy/: where its unit lets the service write."""

UNITS: Final = tuple(
    f"doorstep-{name}" for name in "edge.service central.service backup@.service backup@.timer".split()
)


def main() -> None:
    """Build both packages and print what they are called and how large they are."""
    options = _options()
    epoch = int(os.environ.get("SOURCE_DATE_EPOCH") or _last_commit())
    os.environ["SOURCE_DATE_EPOCH"] = str(epoch)
    target = wheels.this_release(options.architecture, PYTHON)
    options.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="doorstep-deb-") as folder:
        built = build(Path(folder), target, options, epoch)
    for path, size in built.items():
        print(f"{path}: {path.stat().st_size / 1e6:.1f} MB, installed {size * 1024 / 1e6:.1f} MB")
    listed = sorted(path for path in options.out.iterdir() if path.suffix in (".deb", ".json"))
    sums = "".join(f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in listed)
    (options.out / "SHA256SUMS").write_text(sums, encoding="utf-8")


def build(work: Path, target: Target, options: argparse.Namespace, epoch: int) -> dict[Path, int]:
    """The two packages in `options.out`, each with its installed size in KiB."""
    version = f"{_project()['version']}-{options.revision}~{target.release}"
    roots = {name: work / name for name in ("doorstep", "doorstep-bench")}
    sites = {name: root / tree.site_packages(target) for name, root in roots.items()}
    node = wheels.fetch(ROOT / "requirements.lock", target, options.wheels)
    bench = wheels.fetch(ROOT / "requirements-bench.lock", target, options.wheels)
    held = {each.name for each in node}
    own = wheels.build(ROOT, work)
    wheels.unpack([own, *node], target, sites["doorstep"])
    wheels.unpack([each for each in bench if each.name not in held], target, sites["doorstep-bench"])
    for name in tree.BENCH:
        shutil.move(sites["doorstep"] / name, sites["doorstep-bench"] / name)
    for name, root in roots.items():
        tree.slim(sites[name])
        tree.strip(sites[name], target, options.strip)
        tree.settle(root)
        tree.compile_all(root, sites[name], PYTHON)
    tree.lay_out(roots["doorstep"], target)
    _system_files(roots["doorstep"])
    if options.sbom:
        _bill(options.sbom, roots["doorstep"], options.out / f"doorstep_{version}_{target.architecture}.cdx.json")
    built: dict[Path, int] = {}
    for what in _descriptions(sites, target, version):
        root = roots[what.name]
        package.write(root, what, version, target.architecture, epoch)
        path = options.out / f"{what.name}_{version}_{target.architecture}.deb"
        package.archive(root, path, epoch, options.compression)
        built[path] = tree.installed_kib(root)
    return built


def _bill(tool: Path, root: Path, path: Path) -> None:
    """The bill of materials (CycloneDX) of what is in the node's virtual environment."""
    command = [tool, "environment", "--output-reproducible", "--pyproject", ROOT / "pyproject.toml", "-o", path]
    subprocess.run([*command, root / tree.PRIVATE / "bin/python"], check=True, stderr=subprocess.DEVNULL)


def _descriptions(sites: Mapping[str, Path], target: Target, version: str) -> list[package.Description]:
    major, minor = (int(part) for part in target.python.split("."))
    python = [f"python{target.python}"]
    node = package.Description(
        "doorstep",
        "delivery events decided at the edge: node and centre",
        "Doorstep takes delivery events over MQTT (orders, riders, shelf labels),\n"
        "decides them on the spot, makes event and decision durable, and answers\n"
        "within milliseconds, without broker, cloud or uplink. It brings its Python\n"
        f"packages along and uses Python {major}.{minor} of the release.",
        [*python, *tree.system_packages(sites["doorstep"]), "systemd | systemd-standalone-sysusers"],
        "ca-certificates",
        ("preinst", "postinst", "prerm", "postrm"),
    )
    bench = package.Description(
        "doorstep-bench",
        "load generators, demonstration and simulations for Doorstep",
        "The commands demo, dev, whatif and bench, the client for Python, and what\ndraws plots. No node needs them.",
        [f"doorstep (= {version})", *tree.system_packages(sites["doorstep-bench"])],
    )
    return [node, bench]


def _system_files(root: Path) -> None:
    """Units, the user, and commented configurations."""
    deploy = ROOT / "deploy"
    (root / "usr/lib/systemd/system").mkdir(parents=True)
    for unit in UNITS:
        shutil.copyfile(deploy / unit, root / "usr/lib/systemd/system" / unit)
    (root / "usr/lib/sysusers.d").mkdir(parents=True)
    shutil.copyfile(deploy / "doorstep.sysusers", root / "usr/lib/sysusers.d/doorstep.conf")
    (root / "etc/doorstep").mkdir(parents=True)
    for name, changes in CONFIGURATIONS.items():
        text = (deploy / name).read_text(encoding="utf-8")
        for line, instead in changes.items():
            if text.count(f"\n{line}\n") != 1:
                raise SystemExit(f"deploy/{name} has no line {line!r}, which the package is to change")
            text = text.replace(f"\n{line}\n", f"\n{instead}\n")
        (root / "etc/doorstep" / name).write_text(text, encoding="utf-8")


def _project() -> dict[str, str]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def _last_commit() -> str:
    command = ["git", "log", "-1", "--format=%ct"]
    return subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout


def _options() -> argparse.Namespace:
    here = {machine: name for name, machine in wheels.MACHINES.items()}.get(platform.machine(), "amd64")
    parser = argparse.ArgumentParser(prog="python -m deploy.deb", description=__doc__)
    parser.add_argument("--architecture", choices=sorted(wheels.MACHINES), default=here)
    parser.add_argument("--out", type=Path, default=ROOT / "dist", help="the folder of the packages")
    parser.add_argument("--wheels", type=Path, default=ROOT / "build/wheels", help="the folder of fetched wheels")
    parser.add_argument("--revision", default="1", help="the package's revision of this version of Doorstep")
    parser.add_argument("--sbom", type=Path, help="cyclonedx-py, to write a bill of materials beside the packages")
    parser.add_argument("--compression", choices=("xz", "gzip", "none"), default="xz")
    options = parser.parse_args()
    foreign = options.architecture != here
    options.strip = f"{wheels.MACHINES[options.architecture]}-linux-gnu-strip" if foreign else "strip"
    for tool, comes_in in ((options.strip, "binutils"), ("readelf", "binutils"), ("dpkg-deb", "dpkg")):
        if shutil.which(tool) is None:
            name = f"binutils-{wheels.MACHINES[options.architecture]}-linux-gnu" if foreign else comes_in
            sys.exit(f"{tool} is not installed: apt install {name}")
    return options


if __name__ == "__main__":
    main()
