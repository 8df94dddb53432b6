"""The built wheel is whole: installed in an empty place, without the project's folder, it runs a day in miniature."""

import json
import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

from tests.repo.project import PACKAGES, ROOT, SDK, files

PIP = [sys.executable, "-m", "pip", "--disable-pip-version-check"]


def build(folder: Path, **environment: str) -> Path:
    """The wheel of this tree, built with the locked tools and without network."""
    subprocess.run(
        [*PIP, "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir", str(folder), str(ROOT)],
        check=True,
        cwd=folder,
        env={**os.environ, **environment},
    )
    (built,) = folder.glob("doorstep-*.whl")
    return built


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this tree."""
    return build(tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The `doorstep` of a fresh virtual environment with the wheel in it; the dependencies are those installed here."""
    folder = tmp_path_factory.mktemp("installed")
    venv.create(folder / "venv", with_pip=False)
    python = folder / "venv/bin/python"
    where = "import sysconfig; print(sysconfig.get_path('purelib'))"
    site = Path(subprocess.run([python, "-c", where], check=True, capture_output=True, text=True).stdout.strip())
    # A plain path in a .pth file: packages are found there, but the .pth files there, such as that of an editable
    # installation of Doorstep, are not read. The venv's own folder comes first.
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")
    subprocess.run(
        [*PIP, "--python", str(python), "install", "--quiet", "--no-deps", "--no-index", str(wheel)],
        check=True,
    )
    return folder / "venv/bin/doorstep"


def clean_environment() -> dict[str, str]:
    """The environment without what would lead back to the project's folder."""
    return {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "VIRTUAL_ENV"))}


def test_the_wheel_holds_the_packages_whole_and_nothing_else(wheel: Path) -> None:
    """Every tracked file of edge, central, bench and the client is in the wheel; tests and deployment are not."""
    with zipfile.ZipFile(wheel) as archive:
        held = {name for name in archive.namelist() if ".dist-info/" not in name}
        metadata = [name for name in archive.namelist() if ".dist-info/" in name]
    shipped = tuple(f"{SDK}doorstep_client/" if name == "sdk" else f"{name}/" for name in PACKAGES)
    assert held == {name.removeprefix(SDK) for name in files() if name.startswith(shipped)}
    assert any(name.endswith("LICENSE") for name in metadata)
    assert any(name.endswith("entry_points.txt") for name in metadata)


def test_the_wheel_is_the_same_bytes_again(wheel: Path, tmp_path: Path) -> None:
    """Neither time, zone, language nor umask of the builder are in it."""
    umask = os.umask(0o077)
    try:
        again = build(tmp_path, TZ="Asia/Shanghai", LC_ALL="C.UTF-8", PYTHONHASHSEED="7")
    finally:
        os.umask(umask)
    assert again.name == wheel.name
    assert again.read_bytes() == wheel.read_bytes()


def test_the_installed_command_shows_its_version(installed: Path, tmp_path: Path) -> None:
    """`doorstep --version` runs from an empty directory, from the installed files."""
    done = subprocess.run(
        [installed, "--version"], cwd=tmp_path, env=clean_environment(), check=True, capture_output=True, text=True
    )
    assert done.stdout == "doorstep 0.1.0\n"
    where = [installed.parent / "python", "-c", "import edge; print(edge.__file__)"]
    place = subprocess.run(
        where, cwd=tmp_path, env=clean_environment(), check=True, capture_output=True, text=True
    ).stdout
    assert not place.startswith(str(ROOT))


def test_the_installed_demo_runs(installed: Path, tmp_path: Path) -> None:
    """Ten seconds of a district, headless, from an empty directory: every invariant holds."""
    command = [installed, "demo", "--headless", "--speed", "300", "--minutes", "0.17", "--json", "out.json"]
    done = subprocess.run(command, cwd=tmp_path, env=clean_environment(), capture_output=True, text=True, timeout=180)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    report = json.loads((tmp_path / "out.json").read_text(encoding="utf-8"))
    assert report["orders"]["placed"] > 0
    assert report["invariants"]
    assert all(report["invariants"].values())
