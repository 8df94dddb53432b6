"""The package for ARM, started on another machine: the release's own Python for ARM, under qemu-user."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Final

from bench.lab.programs import find_program
from tests.deb.box import START_S_MAX, Failed, code_name
from tests.repo.project import ROOT

TIMES_SLOWER: Final = 5
"""What qemu costs at most."""

RELEASE_PACKAGES: Final = "libc6_ libgcc-s1_ libstdc++6_ zlib1g_ libexpat1_ libffi8_ libssl3 libpython3 python3"
"""What the package needs of the release, as its archives' names begin."""

_START: Final = """\
import platform, sys
root = {root!r}
python = root + "/usr/lib/python" + "%d.%d" % sys.version_info[:2]
sys.path[:0] = [python, python + "/lib-dynload", {site!r}]
print(platform.machine(), flush=True)
sys.argv = ["doorstep", "edge", "--config", {configuration!r}]
from edge.__main__ import main
main()
"""


def start_on_arm(folder: Path) -> str:
    """Build the package for arm64, lay it out in a root for arm64, and start a node of it, until it is ready."""
    out = folder / "arm64"
    command = [
        sys.executable,
        "-m",
        "deploy.deb",
        "--architecture",
        "arm64",
        "--compression",
        "none",
        "--out",
        str(out),
    ]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    root = _root(folder)
    (package,) = out.glob("doorstep_*.deb")
    _unpack(package, root)
    (site,) = root.glob("usr/lib/doorstep/lib/python3.*/site-packages")
    home = folder / "arm64-node"
    home.mkdir()
    configuration = home / "edge.toml"
    configuration.write_text(
        'node = "arm"\nanonymous = true\nlisten = "127.0.0.1:0"\nstatus_listen = ""\n', encoding="utf-8"
    )
    script = _START.format(root=str(root), site=str(site), configuration=str(configuration))
    libraries = f"LD_LIBRARY_PATH={root}/usr/lib/aarch64-linux-gnu"
    words = [find_program("qemu-aarch64-static"), "-L", root, "-E", libraries, root / f"usr/bin/{site.parent.name}"]
    with (home / "log").open("wb") as log:
        node = subprocess.Popen([*words, "-I", "-S", "-c", script], stdout=log, stderr=log)
    try:
        return _ready(node, home / "log")
    finally:
        node.send_signal(signal.SIGTERM)
        node.wait(START_S_MAX)


def _ready(node: subprocess.Popen[bytes], log: Path) -> str:
    deadline = time.monotonic() + START_S_MAX * TIMES_SLOWER
    while time.monotonic() < deadline and node.poll() is None:
        text = log.read_text(encoding="utf-8", errors="replace")
        if found := re.search(r"^aarch64\n(?:.*\n)*.*(node arm is ready)", text):
            return f"{found[1]}, under qemu"
        time.sleep(0.2)
    raise Failed(log.read_text(encoding="utf-8", errors="replace")[-3000:])


def _root(folder: Path) -> Path:
    """What the package needs of the release, unpacked and not configured: nothing of it runs here by itself."""
    archives = folder / "arm64-release"
    words = ["--arch=arm64", "--foreign", "--variant=minbase", "--include=python3", code_name(), str(archives)]
    done = subprocess.run([find_program("debootstrap"), *words], capture_output=True, text=True, check=False)
    if done.returncode:
        raise Failed(f"debootstrap failed: {done.stdout[-2000:]}{done.stderr[-2000:]}")
    root = folder / "arm64-root"
    (root / "usr/lib").mkdir(parents=True)
    (root / "lib").symlink_to("usr/lib")
    for package in sorted((archives / "var/cache/apt/archives").glob("*.deb")):
        if package.name.startswith(tuple(RELEASE_PACKAGES.split())):
            _unpack(package, root)
    shutil.rmtree(archives)
    return root


def _unpack(package: Path, root: Path) -> None:
    listed = subprocess.run(["dpkg-deb", "--fsys-tarfile", package], check=True, capture_output=True).stdout
    # /lib is a link to /usr/lib, and packages of this release still name it.
    command = ["tar", "--extract", "--keep-directory-symlink", "--directory", os.fspath(root)]
    subprocess.run(command, input=listed, check=True)
