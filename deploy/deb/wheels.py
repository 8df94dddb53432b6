"""The wheels that a package is made of: fetched for the target's platform, with the hashes of the lock file."""

import hashlib
import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final, NamedTuple

PIP: Final = (sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet")


class Target(NamedTuple):
    """What a package is built for: one architecture of one release."""

    architecture: str
    """As Debian calls it: `amd64` or `arm64`."""
    release: str
    """`deb12`, `ubuntu24.04` …: what the package's version ends with."""
    python: str
    """The release's own Python, for example `3.11`."""
    glibc: tuple[int, int]

    @property
    def machine(self) -> str:
        """The architecture as platform tags of wheels call it."""
        return MACHINES[self.architecture]


MACHINES: Final = {"amd64": "x86_64", "arm64": "aarch64"}


def this_release(architecture: str, python: Path) -> Target:
    """The target of the release that this runs on. pip asks its own Python which dependencies are for which version, so
    that has to be the release's too."""
    release = platform.freedesktop_os_release()
    name = {"debian": "deb"}.get(release["ID"], release["ID"]) + release.get("VERSION_ID", "")
    asked = [python, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"]
    version = subprocess.run(asked, check=True, capture_output=True, text=True).stdout.strip()
    if version != (own := "{}.{}".format(*sys.version_info)):
        raise SystemExit(f"Packages are for {python}, which is {version}; this environment has {own}: make clean venv")
    major, minor = platform.libc_ver()[1].split(".")[:2]
    return Target(architecture, name, version, (int(major), int(minor)))


def fetch(lock: Path, target: Target, folder: Path) -> list[Path]:
    """Every wheel of a lock file, from `folder` where it was fetched before. What comes as source only becomes a wheel
    here, which has to be one for any platform."""
    digest = hashlib.sha256(f"{target}{lock.read_text(encoding='utf-8')}".encode()).hexdigest()
    place = folder / f"{lock.stem}-{target.architecture}-{digest[:16]}"
    if not place.exists():
        being_made = place.with_name(f"{place.name}.{os.getpid()}")
        shutil.rmtree(being_made, ignore_errors=True)
        command = [*PIP, "download", "--no-deps", "--no-build-isolation", "--require-hashes", "--dest", str(being_made)]
        subprocess.run([*command, *_tags(target), "--requirement", str(lock)], check=True)
        for source in sorted(being_made.glob("*.tar.gz")):
            build(source, being_made)
            source.unlink()
        foreign = [each.name for each in being_made.glob("*.whl") if not _runs_on(each.stem, target)]
        if foreign:
            raise SystemExit(f"no wheel for {target.architecture}, and built here they are for this machine: {foreign}")
        try:
            being_made.rename(place)
        except OSError:  # another process was faster
            shutil.rmtree(being_made)
    return sorted(place.glob("*.whl"))


def build(source: Path, folder: Path) -> Path:
    """Build one source, by the locked build tools of this environment and without a network."""
    before = set(folder.glob("*.whl"))
    command = [*PIP, "wheel", "--no-deps", "--no-index", "--no-build-isolation", "--use-pep517"]
    subprocess.run([*command, "--wheel-dir", str(folder), str(source)], check=True)
    (built,) = set(folder.glob("*.whl")) - before
    return built


def unpack(wheels: list[Path], target: Target, folder: Path) -> None:
    """Lay wheels out as they are to be imported."""
    command = [*PIP, "install", "--no-deps", "--no-index", "--no-compile", "--no-warn-script-location", "--target"]
    subprocess.run([*command, str(folder), *_tags(target), "--only-binary=:all:", *map(str, wheels)], check=True)


def _tags(target: Target) -> list[str]:
    """What of the target pip is to know: its Python, and every glibc up to the release's own."""
    major, minor = target.glibc
    tags = [f"manylinux_{major}_{each}_{target.machine}" for each in range(minor, 16, -1)]
    tags += [f"manylinux2014_{target.machine}", f"linux_{target.machine}", "any"]
    abi = f"cp{target.python.replace('.', '')}"
    python = ["--implementation", "cp", "--python-version", target.python]
    return [*python, *(f"--abi={each}" for each in (abi, "abi3", "none")), *(f"--platform={each}" for each in tags)]


def _runs_on(name: str, target: Target) -> bool:
    """Whether the platform tag in a wheel's name is the target's, or none's."""
    return name.endswith("-any") or target.machine in name
