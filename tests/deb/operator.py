"""What an operator does on a box, from the guide's first command on, and the phones and the centre around it."""

import asyncio
import json
import re
import shutil
import ssl
import time
import tomllib
from pathlib import Path
from typing import Any, Final

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from bench.lab.settings import write_private
from bench.lab.site import FOREVER_MS, fetch
from doorstep_client import Client, Receipt
from tests.deb.box import Box, Failed
from tests.pages import TEXT

GUIDE: Final = ("deploy/README.md", "A node on Debian")
AS_NODE: Final = "runuser -u doorstep --"
EDGE: Final = "/var/lib/doorstep-edge"
CONFIGURATION: Final = "etc/doorstep/edge.toml"
SYNC_S_MAX: Final = 240.0
"""A window closes with its minute; the uplink tries again within a minute."""


class Operator:
    """Follows the guide, and remembers each order with its receipt."""

    def __init__(self, box: Box, certificates: Path) -> None:
        self.box = box
        self.typed: list[str] = []
        self._tls = ssl.create_default_context(cafile=str(certificates / "ca.pem"))
        self._token = ""
        self._node = ""
        self._receipts: dict[str, bytes] = {}

    # -- the guide -----------------------------------------------------------------------------------------------------

    def follow_the_guide(self) -> str:
        """Each command and each setting of the guide, in its sequence. What an editor does counts as one command."""
        page, title = GUIDE
        section = TEXT[page].split(f"\n## {title}\n")[1].split("\n## ")[0]
        for language, block in re.findall(r"^```(sh|toml)\n(.*?)^```", section, re.MULTILINE | re.DOTALL):
            if language == "toml":
                self.typed.append(f"editor /{CONFIGURATION}")
                self.configure(block)
                self._node = tomllib.loads(block)["node"]
            for command in block.splitlines() if language == "sh" else ():
                self.typed.append(command)
                if started := re.match(r"systemctl (enable --now|restart) (\S+)", command):
                    if started[1] != "restart":
                        self.box.run(f"systemctl enable {started[2]}")
                    self.box.start(started[2])
                    continue
                shown = self.box.run(command)
                if "credential add" in command:
                    self._token = shown.split()[-1]
        return f"{len(self.typed)} commands, without a network"

    def configure(self, settings: str) -> None:
        """Set options where the packaged configuration shows them."""
        path = self.box.root / CONFIGURATION
        text = path.read_text(encoding="utf-8")
        for line in settings.splitlines():
            name = line.split(" = ")[0]
            text, count = re.subn(rf"^#?{name} = .*$", line.replace("\\", r"\\"), text, count=1, flags=re.MULTILINE)
            if not count:
                raise Failed(f"/{CONFIGURATION} does not show {name}")
        path.write_text(text, encoding="utf-8")

    # -- phones --------------------------------------------------------------------------------------------------------

    def order(self) -> str:
        """A new order of phone-7, over wss."""
        name = f"o-{len(self._receipts) + 1}"
        receipt = asyncio.run(self._place(name))
        if not receipt.accepted:
            raise Failed(f"{name} was refused: {receipt.body}")
        self._receipts[name] = receipt.payload
        return f"{name} {receipt.status}"

    async def _place(self, name: str) -> Receipt:
        async with Client(
            "wss://localhost:8443/mqtt", node=self._node, name="phone-7", token=self._token, tls=self._tls
        ) as client:
            place = {"lat": 31.2304, "lon": 121.4737}
            sending = client.send(
                "order.place", id=f"e-{name}", at=1_767_261_600_000, order=name, shop="noodle-bar", prep_s=60,
                pickup=place, dropoff={"lat": 31.2251, "lon": 121.48},
            )  # fmt: skip
            return await asyncio.wait_for(sending, 30)

    def repeat(self) -> None:
        """Every order once more, as a phone that missed the answer: the same receipts, to the byte."""
        for name, payload in self._receipts.items():
            again = asyncio.run(self._place(name)).payload
            if again != payload:
                raise Failed(f"{name}: the receipt {again!r} was {payload!r}")

    def trespass(self) -> str:
        """Somebody else's answers, somebody else's name, an event that is not a customer's: each is refused."""
        phone = paho.Client(CallbackAPIVersion.VERSION2, "phone-7", transport="websockets", protocol=paho.MQTTv5)
        phone.ws_set_options("/mqtt")
        phone.tls_set_context(self._tls)
        phone.username_pw_set("phone-7", self._token)
        codes: dict[str, int] = {}
        phone.on_subscribe = lambda _c, _u, _m, reasons, _p: codes.update({"rider-12's answers": reasons[0].value})
        phone.on_publish = lambda _c, _u, message, reason, _p: codes.update({sent[message]: reason.value})
        phone.on_connect = lambda *_: codes.update(connected=0)
        phone.connect("localhost", 8443)
        sent: dict[int | None, str] = {}

        def wait(count: int) -> None:
            deadline = time.monotonic() + 30
            while len(codes) < count and time.monotonic() < deadline:
                phone.loop(0.1)

        wait(1)
        phone.subscribe(f"ds/{self._node}/down/rider-12/#", qos=1)
        wait(2)
        event = json.dumps({"id": "x-1", "at": 1_767_261_600_000, "order": "o-1"})
        for count, (what, topic) in enumerate(
            (("rider-12's name", "rider-12/order.cancel"), ("a kitchen's event", "phone-7/kitchen.ready"))
        ):
            sent[phone.publish(f"ds/{self._node}/up/{topic}", event, qos=1).mid] = what
            wait(3 + count)
        phone.disconnect()
        del codes["connected"]
        if len(codes) < 3 or min(codes.values()) < 0x80:
            raise Failed(f"allowed, or not answered: {codes}")
        return ", ".join(f"{what} {code:#x}" for what, code in codes.items())

    # -- other versions, and the centre --------------------------------------------------------------------------------

    def connect_uplink(self) -> str:
        """A centre of the same package, which does not run yet: what the node counts stays with it."""
        centre = "/var/lib/doorstep-central"
        token = self.box.run(f"{AS_NODE} doorstep credential add --file {centre}/credentials {self._node}").split()[-1]
        write_private(self.box.root / EDGE.lstrip("/") / "uplink.token", token)
        self.box.run(f"chown doorstep:doorstep {EDGE}/uplink.token")
        self.configure(f'uplink = "mqtt://127.0.0.1:1884"\nuplink_token_file = "{EDGE}/uplink.token"\n')
        self.box.start("doorstep-edge")
        self.repeat()
        return f"{self._events()} events at the node, none at a centre"

    def change_to(self, package: str) -> str:
        """Another version over the one that runs: old orders keep their receipts, new ones are decided."""
        before, repeats = self._events(), len(self._receipts)
        self.box.run(f"apt-get install -y --allow-downgrades ./{package}")
        begun = time.monotonic()
        self.box.start("doorstep-edge")
        gap_s = time.monotonic() - begun
        self.repeat()
        self.order()
        after = self._events()
        if after != before + repeats + 1:
            raise Failed(f"{before} events before, {after} after {repeats} repeats and one order")
        return f"{self.box.run('dpkg-query -W doorstep').split()[1]}, {after} events, the gap {gap_s:.1f} s"

    def bring_centre(self) -> str:
        """It gets every event that was decided while it was away."""
        self.box.start("doorstep-central")
        deadline = time.monotonic() + SYNC_S_MAX
        held: Any = None
        while time.monotonic() < deadline:
            held = fetch(8090, f"/api/summary?from=0&to={FOREVER_MS}")["events"]
            if held == self._events():
                return f"{held} events, as the node counts them: {len(self._receipts)} orders, their repeats, refusals"
            time.sleep(1)
        raise Failed(f"the centre has {held} events of {self._events()}")

    def back_up(self) -> str:
        """What the timer starts."""
        unit = (self.box.root / "usr/lib/systemd/system/doorstep-backup@.service").read_text(encoding="utf-8")
        (command,) = re.findall(r"^ExecStart=(.*)$", unit.replace("%i", "edge"), re.MULTILINE)
        self.box.run("install -d -o doorstep -g doorstep -m 0700 /var/lib/doorstep-backup")
        return self.box.run(f"{AS_NODE} {command}").strip().splitlines()[-1]

    def demo(self, package: Path) -> str:
        """The other package works beside the first one, for anybody."""
        shutil.copy(package, self.box.root / "root")
        self.box.run(f"apt-get install -y ./{package.name}")
        self.box.run("install -d -o nobody /tmp/demo")
        demo = "doorstep demo --headless --speed 300 --minutes 0.17 --json out.json"
        self.box.run(f"runuser -u nobody -- env HOME=/tmp/demo {demo}", folder="/tmp/demo")
        report = json.loads((self.box.root / "tmp/demo/out.json").read_text(encoding="utf-8"))
        if not all(report["invariants"].values()):
            raise Failed(f"invariants: {report['invariants']}")
        return f"{report['orders']['placed']} orders, all invariants"

    def remove(self) -> str:
        """The programs go, configuration and data stay."""
        self.box.close()
        self.box.run("apt-get remove -y doorstep")
        gone = [self.box.root / each for each in ("usr/bin/doorstep", "usr/lib/doorstep")]
        stays = [self.box.root / each for each in (CONFIGURATION, f"{EDGE.lstrip('/')}/data/journal.sqlite3")]
        if any(each.is_symlink() or each.exists() for each in gone) or not all(each.exists() for each in stays):
            raise Failed(f"of {gone} something is left, or of {stays} something is not")
        return "programs gone, configuration and journal kept"

    def _events(self) -> int:
        # Exit code 1: the node is well but for its centre.
        status = json.loads(self.box.run(f"{AS_NODE} doorstep status --json --config /{CONFIGURATION} || test $? = 1"))
        return status["sync"]["events_at_node"]
