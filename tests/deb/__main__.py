"""`python -m tests.deb [--json FILE] [--arm64]`: the packages as an operator meets them, on a clean Debian, offline.

Built twice; read by lintian; installed by the commands of deploy/README.md; an order over wss; an upgrade and back
while the centre is away; removed; purged. Needs root, debootstrap and lintian. Exit code 0 when all held.
`--arm64` also starts the package for ARM; that needs binutils-aarch64-linux-gnu and qemu-user-static.
"""

import argparse
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from bench.lab.programs import ProgramMissing, find_program, make_certificates
from tests.deb.box import Box, Failed, loopback_up, make_base
from tests.deb.foreign import start_on_arm
from tests.deb.operator import Operator
from tests.repo.project import ROOT

COMMANDS_MAX: Final = 8
"""From a clean root to a node whose client gets a receipt over wss."""

EXPOSURE_MAX: Final = 11
"""Tenths, of `systemd-analyze security`."""


class Trial:
    """What was found, step by step. `folder` has the packages: `1`, the same again in `again`, and revision `2`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.steps: list[dict[str, object]] = []

    def step(self, name: str, do: Callable[[], str]) -> None:
        """Take one step; it returns what is worth reading."""
        begun = time.monotonic()
        found = do()
        self.steps.append({"step": name, "seconds": round(time.monotonic() - begun, 1), "found": found})
        print(f"{name}: {found} ({self.steps[-1]['seconds']} s)", flush=True)

    def package(self, build: str, name: str = "doorstep") -> Path:
        """One package of one build."""
        (found,) = (self.folder / build).glob(f"{name}_*.deb")
        return found

    # -- before it leaves the builder ----------------------------------------------------------------------------------

    def build(self) -> str:
        """Three builds, two of which are to be equal."""
        for build, revision in (("1", "1"), ("again", "1"), ("2", "2")):
            out, work = self.folder / build, self.folder / f"work-{build}"
            work.mkdir()
            command = [sys.executable, "-m", "deploy.deb", "--out", str(out), "--revision", revision]
            subprocess.run(command, cwd=ROOT, env={**os.environ, "TMPDIR": str(work)}, check=True, capture_output=True)
        pairs = [(self.package("1", name), self.package("again", name)) for name in ("doorstep", "doorstep-bench")]
        if any(one.read_bytes() != other.read_bytes() for one, other in pairs):
            raise Failed("two builds are not the same bytes")
        return (
            ", ".join(f"{one.name} {hashlib.sha256(one.read_bytes()).hexdigest()[:16]}" for one, _ in pairs) + ", twice"
        )

    def lint(self) -> str:
        """No error of lintian's, apart from what is overridden."""
        packages = [self.package("1"), self.package("1", "doorstep-bench")]
        command = [find_program("lintian"), "--fail-on", "error", "--tag-display-limit", "0", *map(str, packages)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise Failed(done.stdout[-2000:] + done.stderr[-2000:])
        return f"no errors, {len(re.findall('^W:', done.stdout, re.MULTILINE))} warnings"

    # -- on the box ----------------------------------------------------------------------------------------------------

    def on_the_box(self, box: Box) -> None:
        """From the first command to the purge."""
        operator = Operator(box, self.folder)
        clean = box.paths(), box.run("getent passwd; getent group")
        for build in ("1", "2"):
            shutil.copy(self.package(build), box.root / "root")
        self.step("install and start by the guide", operator.follow_the_guide)
        if len(operator.typed) > COMMANDS_MAX:
            raise Failed(f"{len(operator.typed)} commands, {COMMANDS_MAX} at most: {operator.typed}")
        self.step("units, as systemd reads them", lambda: self._units(box))
        self.step("an order over wss, a receipt", operator.order)
        self.step("what the phone may not", operator.trespass)
        self.step("an uplink to a centre that is away", operator.connect_uplink)
        self.step("upgrade with a backlog", lambda: operator.change_to(self.package("2").name))
        self.step("downgrade with a backlog", lambda: operator.change_to(self.package("1").name))
        self.step("the centre comes", operator.bring_centre)
        self.step("backup by the timer's command", operator.back_up)
        self.step("the demo of doorstep-bench", lambda: operator.demo(self.package("1", "doorstep-bench")))
        self.step("remove", operator.remove)
        box.run("apt-get purge -y doorstep && rm -f /root/*")
        left = (box.paths() - clean[0], box.run("getent passwd; getent group") != clean[1])
        if left != (set(), False):
            raise Failed(f"after the purge: {sorted(left[0])[:20]}, users changed: {left[1]}")
        self.step("purge", lambda: "nothing left: no file, no user")

    def _units(self, box: Box) -> str:
        units = "doorstep-edge.service doorstep-central.service doorstep-backup@.service doorstep-backup@.timer"
        box.run(f"systemd-analyze verify --man=no {units}")
        for unit in units.split()[:3]:
            box.run(f"systemd-analyze security --offline=true --threshold={EXPOSURE_MAX} {unit}")
        return f"verify reports nothing, exposure at most {EXPOSURE_MAX / 10}, no program `kill`: {self._no_kill(box)}"

    def _no_kill(self, box: Box) -> bool:
        return not any((box.root / each).exists() for each in ("bin/kill", "usr/bin/kill"))


def inside(folder: Path, base: Path, report: Path) -> None:
    """The part in namespaces of its own: the box, whatever happened, is gone afterwards."""
    loopback_up()
    root = folder / "box"
    subprocess.run(["cp", "-a", "--reflink=auto", base, root], check=True)
    subprocess.run(["mount", "-t", "proc", "proc", root / "proc"], check=True)
    trial, box = Trial(folder), Box(root)
    certificates = make_certificates(folder, days=90)
    shutil.copy(certificates.chain, root / "root/fullchain.pem")
    shutil.copy(certificates.key, root / "root/key.pem")
    try:
        trial.on_the_box(box)
    finally:
        box.close()
        subprocess.run(["umount", root / "proc"], check=False)
        report.write_text(json.dumps(trial.steps), encoding="utf-8")


def main() -> None:
    """Build, then the box in a process without a network."""
    parser = argparse.ArgumentParser(prog="python -m tests.deb", description=__doc__)
    parser.add_argument("--work", type=Path, default=Path("/var/tmp/doorstep-deb-test"))
    parser.add_argument("--json", type=Path, help="write the steps there")
    parser.add_argument("--arm64", action="store_true", help="start the package for ARM, too")
    parser.add_argument("--inside", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True, mode=0o700)
    folder, report = options.work / "run", options.work / "steps.json"
    try:
        if options.inside:
            inside(folder, options.inside, report)
            return
        if os.geteuid():
            sys.exit("A root of its own needs root: run `make deb-test` as root.")
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        trial = Trial(folder)
        trial.step("build twice", trial.build)
        trial.step("lintian", trial.lint)
        if options.arm64:
            trial.step("a node of the package for ARM", lambda: start_on_arm(folder))
        trial.step("a clean root", lambda: str(make_base(options.work)))
        command = ["unshare", "--net", "--mount", "--pid", "--fork", "--mount-proc", "--kill-child", sys.executable]
        command += ["-m", "tests.deb", "--work", str(options.work), "--inside", str(make_base(options.work))]
        code = subprocess.run(command, cwd=ROOT, check=False).returncode
        steps = trial.steps + json.loads(report.read_text(encoding="utf-8"))
        if options.json:
            options.json.write_text(json.dumps({"ok": code == 0, "steps": steps}, indent=1) + "\n", encoding="utf-8")
        shutil.rmtree(folder, ignore_errors=True)
        sys.exit(code)
    except (Failed, ProgramMissing) as error:
        sys.exit(f"failed: {error}")


if __name__ == "__main__":
    main()
