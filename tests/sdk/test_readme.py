"""The client's README: its first order is placed as written."""

import os
import re
import subprocess
import sys
from pathlib import Path

from bench.lab.site import Site
from tests.repo.project import ROOT

TEXT = (ROOT / "sdk/python/README.md").read_text(encoding="utf-8")


def test_the_first_order_runs_as_written(tmp_path: Path) -> None:
    """The program of the README, in an empty folder, with the node and the client of the quick start."""
    (program,) = re.findall(r"^```python\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)
    (tmp_path / "order.py").write_text(program, encoding="utf-8")
    path = os.pathsep.join([str(ROOT / "sdk/python"), os.environ.get("PYTHONPATH", "")])
    with Site(tmp_path / "site", "shop-1").configure(["phone-7"], centre=False) as site:
        site.start()
        done = subprocess.run(
            [sys.executable, "order.py", site.url, site.tokens["phone-7"]],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": path},
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
    assert done.stdout.startswith("accepted")
    assert "'order': 'o-19'" in done.stdout


def test_every_public_name_is_explained() -> None:
    """Each parameter and method that the table shows exists."""
    from doorstep_client import Client

    for name in re.findall(r"client\.(\w+)", TEXT):
        assert hasattr(Client, name) or name == "error", name
    parameters = Client.__init__.__annotations__
    for name in re.findall(r"Client\([^)`]*?(\w+)=", TEXT):
        assert name in parameters, name
