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
from ..lab.proxy import Proxy
from ..lab.settings import free_port
from ..load.subjects import Subject, door_to, mosquitto
from .peer import Kind, Missing, Peer, Plan, centre_broker

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
async def node_red(folder: Path, plan: Plan, uplink: Proxy | None) -> AsyncIterator[Peer]:
    """Raises Missing where Node.js is not there, or npm cannot install."""
    home = Path(plan.node_red) if plan.node_red else default_home()
    program = await asyncio.to_thread(installed, home)
    folder.mkdir()
    async with centre_broker(folder, uplink) as not_at_centre, mosquitto(folder / "mosquitto") as broker:
        port = free_port()
        flow = json.dumps(flows(broker.port, uplink.port if uplink else 0))
        (folder / "flows.json").write_text(flow, encoding="utf-8")
        settings = f"module.exports = {json.dumps({**_SETTINGS, 'uiPort': port})};\n"
        (folder / "settings.js").write_text(settings, encoding="utf-8")
        words = [*program, "--userDir", str(folder), "--settings", str(folder / "settings.js")]
        child = Process("node-red", words, folder, "Connected to broker")
        async with running(child):
            await asyncio.sleep(0.5)  # it subscribes after its log line
            subject = Subject("node-red", door_to(broker), [broker, child])
            yield Peer(subject, version_of(home), child, False, not_at_centre)


NODE_RED: Final = Kind("node-red", "Node-RED, Mosquitto", False, node_red)


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


def flows(port: int, uplink: int = 0) -> list[dict[str, Any]]:
    """The flow, as its editor would export it. The function's second output goes to the centre where there is one."""
    both = {"type": "mqtt-broker", "broker": "127.0.0.1", "protocolVersion": "5", "keepalive": "60"}
    both |= {"cleansession": True, "autoConnect": True}
    out = {"type": "mqtt out", "z": "tab", "qos": "1", "retain": "false", "x": 500, "y": 100, "wires": []}
    function = {"type": "function", "z": "tab", "func": FUNCTION.read_text(encoding="utf-8"), "x": 300, "y": 100}
    arrivals = {"type": "mqtt in", "z": "tab", "topic": "ds/bench/up/+/+", "datatype": "json", "qos": "1"}
    found = [
        {"id": "tab", "type": "tab", "label": "dispatch"},
        {**both, "id": "broker", "port": str(port), "clientid": "node-red"},
        {**arrivals, "id": "in", "broker": "broker", "x": 100, "y": 100, "wires": [["choose"]]},
        {**function, "id": "choose", "outputs": 2, "wires": [["out"], ["report"] if uplink else []]},
        {**out, "id": "out", "broker": "broker", "topic": ""},
    ]
    if uplink:
        found.append({**both, "id": "centre", "port": str(uplink), "clientid": "node-red"})
        found.append({**out, "id": "report", "broker": "centre", "topic": "centre/orders"})
    return found
