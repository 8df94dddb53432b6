"""The documentation's examples run as they are written: quick start, clients, short commands."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from bench.lab.settings import free_port
from bench.lab.site import Site
from tests.pages import DOCS, blocks, examples, fenced, part
from tests.repo.project import ROOT, expect_none

TIMEOUT_S: Final = 30

BIN: Final = Path(sys.executable).parent
ENVIRONMENT: Final = os.environ | {"PATH": f"{BIN}:{os.environ['PATH']}"}
"""In which `doorstep` and `python3` are those of the environment that runs the tests."""


def run_script(folder: Path, text: str) -> str:
    """What a document's commands print, run by a shell in `folder`; what they left in the background is ended."""
    with (folder / "out.txt").open("w+", encoding="utf-8") as out:
        shell = subprocess.Popen(
            ["/bin/sh", "-ec", text], cwd=folder, env=ENVIRONMENT, stdout=out, stderr=out, start_new_session=True
        )
        try:
            code = shell.wait(timeout=2 * TIMEOUT_S)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(shell.pid, signal.SIGTERM)
        out.seek(0)
        printed = out.read()
    assert code == 0, printed
    return printed


def test_the_quick_start_runs_as_written(tmp_path: Path, program: Callable[[str], str]) -> None:
    """The README's commands and its client, in an empty folder: the rider accepts, and the customer sees it."""
    program("mosquitto_pub")
    _, text = part("Quick start with your own client")
    _, start, ride, order, look = blocks(text, "sh")  # the first one installs
    ports = {"mqtt": free_port(), "page": free_port()}
    (client,) = blocks(text, "python")
    (tmp_path / "rider.py").write_text(client.replace("1883", str(ports["mqtt"])), encoding="utf-8")
    ready = "until grep -q 'is ready' node.log; do sleep 0.1; done"
    shift = "until grep -q accepted rider.log; do sleep 0.1; done"
    steps = [start.replace("edge.toml &", "edge.toml > node.log 2>&1 &"), ready, ride, shift, order, look]
    whole = "\n".join(steps).replace("1883", str(ports["mqtt"])).replace("8080", str(ports["page"]))
    out = run_script(tmp_path, whole)
    assert '"status":"accepted"' in out
    assert '"promise"' in out
    assert '"state":"accepted"' in out
    assert "rider-12" in out
    assert "All is well" in out


def test_the_javascript_client_runs_as_written(tmp_path: Path, program: Callable[[str], str]) -> None:
    """The client of docs/wire.md places an order and prints its receipt."""
    modules = ROOT / "tests/interop/node_modules"
    node = program("node")
    if not modules.is_dir():
        pytest.skip("MQTT.js is not installed: make test installs it")
    (tmp_path / "node_modules").symlink_to(modules.resolve())
    (client,) = blocks(part("A client in JavaScript")[1], "js")
    (tmp_path / "customer.mjs").write_text(client, encoding="utf-8")
    with running_node(tmp_path, "phone-7") as (port, token):
        command = [node, "customer.mjs", f"mqtt://127.0.0.1:{port}", token]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=TIMEOUT_S, check=True)
    assert '"of":"order.place","status":"accepted"' in done.stdout


def test_an_order_over_http_runs_as_written(tmp_path: Path, program: Callable[[str], str]) -> None:
    """The commands of docs/http.md in an empty folder: the receipt, the order, and 304 where nothing changes."""
    program("curl")
    start, order, look = blocks(part("An order over HTTP")[1], "sh")
    ready = "until grep -q 'is ready' node.log; do sleep 0.1; done"
    start = start.replace("edge.toml &", "edge.toml > node.log 2>&1 &")
    look = look.replace("wait=20'", "wait=1' -w '%{http_code}'")
    out = run_script(tmp_path, f"{start}\n{ready}\n{order}\n{look}".replace("8880", str(free_port())))
    assert '"id":"e-1","of":"order.place","status":"accepted"' in out
    assert '{"orders":[{"order":"o-17"' in out
    assert out.endswith("304")


@contextmanager
def running_node(folder: Path, client: str) -> Iterator[tuple[int, str]]:
    """A node that one client may connect to. Its port, and the client's token."""
    with Site(folder, "shop-1").configure([client], {"data_dir": "data"}, centre=False) as site:
        site.start()
        yield site.port, site.tokens[client]


SHORT: Final = ("credential", "status", "explain", "replay", "scenario")
"""Commands that end by themselves within a second or so; the others have end-to-end tests of their own."""


def test_the_short_commands_run_as_written(tmp_path: Path) -> None:
    """In a folder with a node that has taken the order and the price of docs/wire.md, each ends with exit code 0."""
    # The pages in Chinese have the same commands, to the byte: test_chinese.py.
    english = [page for page in DOCS if ".zh-CN." not in page]
    lines = [line for page, line in fenced() if page in english and line.split()[0] == "doorstep"]
    lines = [line for line in lines if line.split()[1] in SHORT]
    assert {line.split()[1] for line in lines} == set(SHORT)
    wrong: list[str] = []
    with running_node(tmp_path, "phone-7") as (port, token):
        client = paho.Client(CallbackAPIVersion.VERSION2)
        client.username_pw_set("phone-7", token)
        client.connect("127.0.0.1", port)
        client.loop_start()
        for kind in ("order.place", "price.set"):
            text = next(text for each, text in examples() if each == kind)
            client.publish(f"ds/shop-1/up/phone-7/{kind}", text, qos=1).wait_for_publish(TIMEOUT_S)
        client.disconnect()
        client.loop_stop()
        (tmp_path / "clients.csv").write_text("till-3,shop customer,shop-4\n", encoding="utf-8")
        for written in lines:
            # Pages add the same clients: the second time each gets a new token.
            line = written.replace("credential add", "credential add --replace").replace(
                "--for rider-12", "--for phone-7"
            )
            command = ["/bin/sh", "-c", line]
            done = subprocess.run(
                command, cwd=tmp_path, env=ENVIRONMENT, capture_output=True, text=True, timeout=10 * TIMEOUT_S
            )
            # A second `scenario new` of one name finds its folder there: that one page has shown before.
            if done.returncode and not (line.startswith("doorstep scenario new") and (tmp_path / "tips").is_dir()):
                wrong.append(f"{line}: exit code {done.returncode}: {done.stderr.strip()}")
    expect_none(wrong)
