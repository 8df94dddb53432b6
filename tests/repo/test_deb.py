"""The Debian packages: what is in them, as dpkg would lay it out, and that two builds are the same bytes.

`make deb-test` tries them as an operator does: a clean root, no network, a node, an upgrade, a purge.
"""

import hashlib
import io
import os
import platform
import re
import struct
import subprocess
import sys
import tarfile
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Final

import pytest

from deploy.deb import elf, licences, tree
from deploy.deb.__main__ import CONFIGURATIONS, PYTHON, UNITS
from tests.repo.project import ROOT, expect_none, files

INSTALLED_MB_MAX: Final = 100
"""What the package of a node may take on a small box."""

NAMES: Final = ("doorstep", "doorstep-bench")
OVERRIDDEN_TAGS_MAX: Final = 3


def build(folder: Path, **environment: str) -> dict[str, Path]:
    """Both packages, not compressed, by name."""
    (folder / "tmp").mkdir()
    subprocess.run(
        [sys.executable, "-m", "deploy.deb", "--compression", "none", "--out", str(folder)],
        check=True,
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(folder / "tmp"), **environment},
        stdout=subprocess.DEVNULL,
    )
    return {path.name.partition("_")[0]: path for path in folder.glob("*.deb")}


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory, program: Callable[[str], str]) -> dict[str, Path]:
    """Both packages of this tree."""
    for tool in ("dpkg-deb", "readelf", "strip"):
        program(tool)
    if (has := platform.freedesktop_os_release()["ID"]) not in ("debian", "ubuntu") or not PYTHON.samefile(
        sys.executable
    ):
        pytest.skip(f"needs Debian's own Python in .venv, not {sys.executable} on {has}")
    return build(tmp_path_factory.mktemp("deb"))


@pytest.fixture(scope="module")
def unpacked(packages: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Each package's files and control data, in a folder of its own."""
    folders = {name: tmp_path_factory.mktemp(name) for name in NAMES}
    for name, folder in folders.items():
        subprocess.run(["dpkg-deb", "--raw-extract", packages[name], folder], check=True)
    return folders


def members(package: Path) -> Iterator[tarfile.TarInfo]:
    """What is in a package, as dpkg reads it."""
    listed = subprocess.run(["dpkg-deb", "--fsys-tarfile", package], check=True, capture_output=True).stdout
    with tarfile.open(fileobj=io.BytesIO(listed)) as archive:
        yield from archive


def site(folder: Path) -> Path:
    """Where the packages of the virtual environment are."""
    (found,) = folder.glob(f"{tree.PRIVATE}/lib/python3.*/site-packages")
    return found


def control(folder: Path) -> dict[str, str]:
    """The fields of a package's control data."""
    text = (folder / "DEBIAN/control").read_text(encoding="utf-8")
    return dict(re.findall(r"^([A-Z][\w-]+): (.*)$", text, re.MULTILINE))


def test_two_builds_are_the_same_bytes(packages: dict[str, Path], tmp_path: Path) -> None:
    """Another folder, zone, language and umask make no difference."""
    umask = os.umask(0o077)
    try:
        again = build(tmp_path, TZ="Asia/Shanghai", LC_ALL="C.UTF-8", PYTHONHASHSEED="7")
    finally:
        os.umask(umask)
    digests = [
        {each.name: hashlib.sha256(each.read_bytes()).hexdigest() for each in of.values()} for of in (packages, again)
    ]
    assert digests[0] == digests[1]


def test_root_owns_everything_and_nobody_else_writes(packages: dict[str, Path]) -> None:
    """Modes do not depend on the builder; what is not a command is not executable."""

    def wrong(each: tarfile.TarInfo) -> bool:
        commands = "/bin/" in each.name
        mode = 0o777 if each.issym() else 0o755 if each.isdir() or commands else 0o644
        return (each.uid, each.gid, each.mode) != (0, 0, mode)

    expect_none(
        f"{name}: {each.name} {each.mode:o}" for name, path in packages.items() for each in members(path) if wrong(each)
    )


def test_nothing_shows_where_it_was_built(unpacked: dict[str, Path]) -> None:
    """Neither the project's folder, nor the builder's, nor its Python is in any file; the command has its own."""
    leaks = [str(ROOT).encode(), b"doorstep-deb-", str(Path(sys.executable).parent).encode()]
    expect_none(
        f"{path} has {leak!r}"
        for folder in unpacked.values()
        for path in folder.rglob("*")
        if path.is_file() and not path.is_symlink()
        for leak in leaks
        if leak in path.read_bytes()
    )
    first = (unpacked["doorstep"] / tree.PRIVATE / "bin/doorstep").read_text(encoding="utf-8").splitlines()[0]
    assert first == "#!/usr/lib/doorstep/bin/python -I"


def test_our_packages_are_whole_and_apart(unpacked: dict[str, Path]) -> None:
    """Each file of node and centre is in `doorstep`, each of bench and client in the other one, no path in both."""
    for name, ours in (
        ("doorstep", ("edge/", "central/")),
        ("doorstep-bench", ("bench/", "sdk/python/doorstep_client/")),
    ):
        wanted = {each.removeprefix("sdk/python/") for each in files() if each.startswith(ours)}
        missing = {each for each in wanted if not (site(unpacked[name]) / each).is_file()}
        assert not {each for each in missing if not each.endswith((".pyi", "py.typed"))}, name
    held = [
        {str(each.relative_to(folder)) for each in folder.rglob("*") if not each.is_dir()}
        for folder in unpacked.values()
    ]
    assert {each for each in held[0] & held[1] if not each.startswith("DEBIAN/")} == set()


def test_every_module_of_node_and_centre_loads(unpacked: dict[str, Path]) -> None:
    """Nothing that was left out is missed: the release's Python imports all modules, from the package alone, and the
    linear algebra behind numpy computes. PostgreSQL's client is in the package of the bench."""
    script = (
        "import importlib, pkgutil, central, edge, numpy\n"
        "for top in (edge, central):\n"
        "    for each in pkgutil.walk_packages(top.__path__, f'{top.__name__}.'):\n"
        "        if not each.name.endswith(('__main__', '.engine.postgresql', '.engine.migrations')):\n"
        "            importlib.import_module(each.name)\n"
        "print(edge.__file__, numpy.linalg.inv(numpy.eye(3) * 2)[0, 0])\n"
    )
    python = unpacked["doorstep"] / tree.PRIVATE / "bin/python"
    done = subprocess.run([python, "-I", "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == [str(site(unpacked["doorstep"]) / "edge/__init__.py"), "0.5"]


def test_byte_code_is_never_compared_again(unpacked: dict[str, Path]) -> None:
    """Each source has byte code that Python takes without a look at the source, so that no start writes any."""
    sources = [path for folder in unpacked.values() for path in site(folder).rglob("*.py")]
    codes = {path for folder in unpacked.values() for path in site(folder).rglob("*.pyc")}
    assert len(sources) == len(codes) > 1000
    expect_none(str(path) for path in codes if path.read_bytes()[4:8] != b"\x01\0\0\0")


def test_without_bench_its_commands_are_not_offered(unpacked: dict[str, Path]) -> None:
    """`--help` lists what a node has; the demo's name is answered with the package that has it."""
    folder = unpacked["doorstep"] / tree.PRIVATE / "bin"

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        command = [folder / "python", "-I", folder / "doorstep", *words]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    listed = [line.split()[0] for line in run("--help").stdout.split("Commands:\n")[1].splitlines()]
    assert {"edge", "central", "check", "backup"} <= set(listed)
    assert not {"demo", "dev", "whatif", "bench"} & set(listed)
    done = run("demo")
    assert (done.returncode, "Traceback" in done.stderr) == (1, False)
    assert "doorstep-bench" in done.stderr


def test_a_node_fits_on_a_small_box(unpacked: dict[str, Path]) -> None:
    """The node's package takes at most INSTALLED_MB_MAX."""
    assert int(control(unpacked["doorstep"])["Installed-Size"]) * 1024 <= INSTALLED_MB_MAX * 1_000_000


def test_objects_are_of_one_architecture_and_load(packages: dict[str, Path], unpacked: dict[str, Path]) -> None:
    """Each compiled object is for the package's architecture, and stripping has damaged none."""
    found = [path for folder in unpacked.values() for path in tree.objects(folder)]
    architecture = packages["doorstep"].stem.rpartition("_")[2]
    assert len(found) > 30
    expect_none(
        f"{path}" for path in found if elf.architecture(path) != architecture or not elf.loads(path.read_bytes())
    )


def test_dependencies_are_the_release_s(unpacked: dict[str, Path]) -> None:
    """A node needs the release's Python and C libraries, nothing else of Python; bench is of the same version."""
    depends = control(unpacked["doorstep"])["Depends"].split(", ")
    names = {re.split(r"[ (|]", each)[0] for each in depends}
    assert names <= {f"python3.{sys.version_info.minor}", "libc6", "libgcc-s1", "libstdc++6", "zlib1g", "systemd"}
    assert f"doorstep (= {control(unpacked['doorstep'])['Version']})" in control(unpacked["doorstep-bench"])["Depends"]


def test_configurations_are_conffiles_that_name_the_unit_s_folders(unpacked: dict[str, Path]) -> None:
    """What an operator edits survives upgrades, and differs from deploy/ in the lines of CONFIGURATIONS only."""
    folder = unpacked["doorstep"]
    listed = (folder / "DEBIAN/conffiles").read_text(encoding="utf-8").splitlines()
    assert listed == sorted(f"/etc/doorstep/{name}" for name in CONFIGURATIONS)
    for name, changes in CONFIGURATIONS.items():
        before = (ROOT / "deploy" / name).read_text(encoding="utf-8").splitlines()
        after = (folder / "etc/doorstep" / name).read_text(encoding="utf-8").splitlines()
        assert [(a, b) for a, b in zip(before, after, strict=True) if a != b] == list(changes.items())
    assert {path.name for path in (folder / "usr/lib/systemd/system").iterdir()} == set(UNITS)


def test_a_full_disk_is_refused_before_anything_is_unpacked(unpacked: dict[str, Path], tmp_path: Path) -> None:
    """Without room for the files the installation ends with a sentence that names both figures."""
    script = unpacked["doorstep"] / "DEBIAN/preinst"
    for free_kib, code in ((1_000_000_000, 0), (2048, 1)):
        (tmp_path / "df").write_text(f"#!/bin/sh\necho Avail\necho {free_kib}\n", encoding="utf-8")
        (tmp_path / "df").chmod(0o755)
        environment = {"PATH": f"{tmp_path}:{os.environ['PATH']}"}
        done = subprocess.run(["sh", script, "install"], env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == code, done.stderr
    assert "doorstep needs" in done.stderr
    assert "2 MB are free" in done.stderr


def test_overrides_are_few_and_explained() -> None:
    """At most OVERRIDDEN_TAGS_MAX tags of lintian are overridden in a package, each below a comment."""
    for name in NAMES:
        lines = (ROOT / f"deploy/deb/{name}.lintian-overrides").read_text(encoding="utf-8").splitlines()
        tags = {line.split()[1] for line in lines if not line.startswith("#")}
        assert 0 < len(tags) <= OVERRIDDEN_TAGS_MAX
        assert all(before.startswith("#") for before, line in pairwise(lines) if line[0] != "#")


def test_every_licence_is_known(unpacked: dict[str, Path]) -> None:
    """`copyright` lists each Python package with a licence that somebody has read; an unknown one is not allowed."""
    for name, folder in unpacked.items():
        listed = (folder / "usr/share/doc" / name / "copyright").read_text(encoding="utf-8")
        works = licences.works(folder)
        assert len(works) >= 10
        assert all(f"  {work.name} {work.version}: {work.licence}\n" in listed for work in works)
    assert licences.allowed("Apache-2.0 OR BSD-3-Clause")
    assert not licences.allowed("AGPL-3.0-only")
    assert not licences.allowed("")


def test_stripping_leaves_what_it_would_break(tmp_path: Path) -> None:
    """An object that the loader could not map after the tool was there is put back."""
    header = elf.MAGIC + bytes(28) + struct.pack("<Q", 64) + bytes(14) + struct.pack("<HH", 56, 1) + bytes(6)
    whole = header + struct.pack("<IIQQQQQQ", 1, 5, 0x1000, 0x1000, 0x1000, 8, 8, 0x1000)
    path, tool = tmp_path / "object.so", tmp_path / "strip"
    path.write_bytes(whole)
    tool.write_text('#!/bin/sh\nprintf "\\001" | dd of="$2" bs=1 seek=72 conv=notrunc 2>&-\n', encoding="utf-8")
    tool.chmod(0o755)
    assert elf.loads(whole)
    assert not elf.loads(whole[:72] + b"\1" + whole[73:])
    elf.strip(path, str(tool))
    assert path.read_bytes() == whole
