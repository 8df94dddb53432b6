"""The files of a package under /usr/lib/doorstep: a virtual environment of its own, without what a node never loads."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from . import elf
from .wheels import Target

PRIVATE: Final = "usr/lib/doorstep"

BENCH: Final = ("bench", "doorstep_client")
"""Our own packages that no node needs; nothing that a node runs imports them."""

UNUSED: Final = (
    # what builds against a package, or tests it, or describes it to a type checker
    *(
        "bin",
        "include",
        "lib64",
        "share",
        "**/tests",
        "**/*.pyi",
        "**/*.px[di]",
        "**/*.pyx",
        "**/*.[ach]",
        "**/py.typed",
    ),
    *("numpy/f2py", "numpy/distutils", "numpy/_core/include", "numpy/_core/lib", "numpy/random/lib"),
    *("numpy/testing", "numpy/polynomial", "numpy/_pyinstaller"),
    *("numpy/random/_examples", "numpy/_core/_simd.*.so", "numpy/_core/_*_tests.*.so", "numpy/*/_*_tests.*.so"),
    # the second of two backends; extensions of SQLite, its shell, its text search and the alphabets for that
    *("zstandard/_cffi.*.so", "zstandard/backend_cffi.py", "apsw/sqlite_extra*", "apsw/fts*", "apsw/shell.py"),
    *("apsw/speedtest.py", "apsw/unicode.py", "apsw/_unicode.*.so"),
    # what colours source code, renders Markdown, parses C
    *("pygments/lexers/[!_]*.py", "markdown_it*", "mdurl*", "pycparser*"),
    # how pip installed it: dpkg knows better, and where it was built does not belong here
    *(f"*.dist-info/{name}" for name in ("RECORD", "INSTALLER", "REQUESTED", "direct_url.json", "WHEEL")),
)
"""What is left out, as patterns below site-packages. `tests/repo/test_deb.py` imports every module of node and centre
from what remains."""

LIBRARIES: Final = {
    "ld-linux-x86-64.so.2": "libc6",
    "ld-linux-aarch64.so.1": "libc6",
    **dict.fromkeys(
        ("libc.so.6", "libdl.so.2", "libm.so.6", "libpthread.so.0", "libresolv.so.2", "librt.so.1", "libutil.so.1"),
        "libc6",
    ),
    "libgcc_s.so.1": "libgcc-s1",
    "libstdc++.so.6": "libstdc++6",
    "libz.so.1": "zlib1g",
}
"""The package of each library that a wheel may expect of the system (PEP 600 lists them)."""

_LAUNCHER: Final = """\
#!/{private}/bin/python -I
import sys

from edge.__main__ import main

sys.exit(main())
"""


def site_packages(target: Target) -> str:
    """Where packages lie in the virtual environment, below the root."""
    return f"{PRIVATE}/lib/python{target.python}/site-packages"


def lay_out(root: Path, target: Target) -> None:
    """A virtual environment around what is in site-packages: the release's Python, isolated, and the command."""
    (root / PRIVATE / "bin").mkdir(parents=True)
    (root / PRIVATE / "bin/python").symlink_to(f"/usr/bin/python{target.python}")
    settings = f"home = /usr/bin\ninclude-system-site-packages = false\nversion = {target.python}\n"
    (root / PRIVATE / "pyvenv.cfg").write_text(settings, encoding="utf-8")
    launcher = root / PRIVATE / "bin/doorstep"
    launcher.write_text(_LAUNCHER.format(private=PRIVATE), encoding="utf-8")
    launcher.chmod(0o755)
    (root / "usr/bin").mkdir()
    (root / "usr/bin/doorstep").symlink_to("../lib/doorstep/bin/doorstep")


def slim(site: Path) -> None:
    """Take out what nothing of ours loads."""
    for pattern in UNUSED:
        for path in sorted(site.glob(pattern)):
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)


def strip(site: Path, target: Target, tool: str) -> None:
    """Strip every compiled object; one of another architecture ends the build."""
    for path in objects(site):
        if elf.architecture(path) != target.architecture:
            raise SystemExit(f"{path} is for {elf.architecture(path)}, not for {target.architecture}")
        elf.strip(path, tool)


def objects(site: Path) -> Iterator[Path]:
    """Every compiled object below a folder."""
    return (path for path in sorted(site.rglob("*")) if path.is_file() and elf.is_object(path))


def system_packages(site: Path) -> list[str]:
    """The packages whose libraries the compiled objects expect, the C library with the version that they need."""
    held = {path.name for path in objects(site)}
    packages: set[str] = set()
    glibc = (2, 0)
    for path in objects(site):
        libraries, version = elf.needs(path)
        unknown = libraries - held - LIBRARIES.keys()
        if unknown:
            raise SystemExit(f"{path} needs {sorted(unknown)}: which package has it? See LIBRARIES in {__file__}")
        packages |= {LIBRARIES[name] for name in libraries - held}
        glibc = max(glibc, version)
    return [f"{name} (>= {glibc[0]}.{glibc[1]})" if name == "libc6" else name for name in sorted(packages)]


def compile_all(root: Path, site: Path, python: Path) -> None:
    """Byte code beside each source. It is never compared with the source again: dpkg is the only writer here, and root,
    who alone could write, must not leave files behind. One process, so that the same sources give the same bytes."""
    command = [python, "-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash", "-s", root, "-p", "/", site]
    subprocess.run(command, check=True, env={"PATH": os.defpath, "PYTHONHASHSEED": "0"})


def settle(root: Path) -> None:
    """The same modes whatever the umask was: what is executable stays so for everybody, and only root writes."""
    for path in [root, *root.rglob("*")]:
        if not path.is_symlink():
            executable = path.is_dir() or (path.stat().st_mode & 0o100 and path.parent.name in ("bin", "DEBIAN"))
            path.chmod(0o755 if executable else 0o644)


def installed_kib(root: Path) -> int:
    """What the package takes on the disk, as dpkg counts it: files in whole KiB, one for anything else."""
    paths = [path for path in root.rglob("*") if "DEBIAN" not in path.relative_to(root).parts]
    return sum(-(-path.stat().st_size // 1024) if path.is_file() and not path.is_symlink() else 1 for path in paths)
