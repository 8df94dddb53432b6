"""Node-RED beside a Mosquitto: MQTT in, one function node, MQTT out, as its users draw it.

It is an npm package of some 280 others (120 MB), installed at the first use into a folder that is kept. In it runs with
its defaults but for what would disturb a measurement: no editor, no telemetry, a log on the console.
"""

import asyncio
import contextlib
import json
import os
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path
from shutil import which
from typing import Any, Final

from ..lab.process import Process, running
from ..lab.settings import free_port
from ..load.subjects import Subject, door_to, mosquitto
from .peer import Missing, Peer, Plan

VERSION: Final = "4.1.8"
"""The last that runs on Node.js 20, which Debian has."""

INSTALL_S_MAX: Final = 600.0
FUNCTION: Final = Path(__file__).with_name("dispatch.js")

_SETTINGS: Final = {
    "flowFile": "flows.json",
    "uiHost": "127.0.0.1",
    "httpAdminRoot": False,
    "disableEditor": True,
    "telemetry": {"enabled": False, "updateNotification": False},
    "externalModules": {"autoInstall": False, "palette": {"allowInstall": False}},
    "logging": {"console": {"level": "info", "metrics": False, "audit": False}},
}


@contextlib.asynccontextmanager
async def node_red(folder: Path, plan: Plan) -> AsyncIterator[Peer]:
    """Raises Missing where Node.js is not there, or npm cannot install."""
    home = Path(plan.node_red) if plan.node_red else default_home()
    program = await asyncio.to_thread(installed, home)
    folder.mkdir()
    async with mosquitto(folder / "mosquitto") as broker:
        port = free_port()
        (folder / "flows.json").write_text(json.dumps(flows(broker.port)), encoding="utf-8")
        settings = f"module.exports = {json.dumps({**_SETTINGS, 'uiPort': port})};\n"
        (folder / "settings.js").write_text(settings, encoding="utf-8")
        words = [*program, "--userDir", str(folder), "--settings", str(folder / "settings.js")]
        child = Process("node-red", words, folder, "Connected to broker")
        async with running(child):
            await asyncio.sleep(0.5)  # it subscribes after its log line
            yield Peer(Subject("node-red", door_to(broker), [broker, child]), version_of(home))


def default_home() -> Path:
    """Where Node-RED is kept between two runs: the user's cache."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "doorstep-bench" / "node-red"


def installed(home: Path) -> list[str]:
    """The command that starts it, after an installation into `home` where it is not there. Blocks. Raises Missing."""
    node, npm = which("node"), which("npm")
    if node is None:
        raise Missing("Node.js is not installed, and Node-RED needs it. Install the packages nodejs and npm.")
    package = home / "node_modules" / "node-red"
    if not (package / "red.js").exists():
        if npm is None:
            raise Missing(
                f"npm is not installed, and Node-RED is not in {home}. Install the package npm, or install "
                f"node-red@{VERSION} elsewhere and name its folder with --node-red."
            )
        home.mkdir(parents=True, exist_ok=True)
        words = [npm, "install", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix", str(home)]
        try:
            done = subprocess.run(
                [*words, f"node-red@{VERSION}"], capture_output=True, text=True, timeout=INSTALL_S_MAX, check=False
            )
        except subprocess.TimeoutExpired:
            raise Missing(f"npm did not install Node-RED within {INSTALL_S_MAX:.0f} s. Is there a network?") from None
        if done.returncode or not (package / "red.js").exists():
            raise Missing(f"npm could not install Node-RED into {home}: {done.stderr.strip()[-400:]}")
    return [node, str(package / "red.js")]


def version_of(home: Path) -> str:
    """Of the one that is installed there."""
    package = json.loads((home / "node_modules" / "node-red" / "package.json").read_text(encoding="utf-8"))
    return f"Node-RED {package['version']}"


def flows(port: int) -> list[dict[str, Any]]:
    """The flow, as its editor would export it."""
    broker = {"id": "broker", "type": "mqtt-broker", "broker": "127.0.0.1", "port": str(port), "clientid": "node-red"}
    common = {"z": "tab", "broker": "broker", "qos": "1", "x": 100, "y": 100}
    return [
        {"id": "tab", "type": "tab", "label": "dispatch"},
        {**broker, "protocolVersion": "5", "keepalive": "60", "cleansession": True, "autoConnect": True},
        {
            **common,
            "id": "in",
            "type": "mqtt in",
            "topic": "ds/bench/up/+/+",
            "datatype": "json",
            "wires": [["choose"]],
        },
        {
            "id": "choose",
            "type": "function",
            "z": "tab",
            "func": FUNCTION.read_text(encoding="utf-8"),
            "outputs": 1,
            "wires": [["out"]],
            "x": 300,
            "y": 100,
        },
        {**common, "id": "out", "type": "mqtt out", "topic": "", "retain": "false", "wires": []},
    ]
