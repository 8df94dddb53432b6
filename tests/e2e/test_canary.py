"""Marked data in every field of every message, and a look at every byte that leaves the node or stays on its disk.

What may be where is in `edge.scenarios.privacy.STAYS`, which `doorstep privacy` prints; anything else is a leak.
"""

import json
import struct
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, get_args
from urllib.request import Request, urlopen

import msgspec
import msgspec.inspect as types
import pytest

from bench.lab.settings import write_private
from bench.lab.site import Site, copy_data, fetch
from edge.app.config import load
from edge.core.model import Batch, decode_row
from edge.erasure.forget import forget
from edge.identity.credentials import Newcomer, add
from edge.journal.maintenance import SNAPSHOTS_KEPT
from edge.journal.reader import JournalReader
from edge.messages.envelope import Place, free_texts
from edge.scenarios.dispatch.travel.cells import cell_at
from edge.scenarios.loader import DEFAULT
from edge.scenarios.loader import load as load_scenarios
from edge.scenarios.privacy import STAYS, What
from tests.edge.webhooks.receiver import SECRET, Receiver
from tests.phone import Phone
from tests.waiting import wait_until

KINDS = load_scenarios(list(DEFAULT))
MESSAGES = {each.kind: each for kind in KINDS for each in kind.messages if each.direction == "up"}
CLIENTS = {
    "Qclient-c": "customer",
    "Qclient-r": "rider",
    "Qclient-s": "shop",
    "Qclient-g": "gateway",
    "Qclient-d": "dispatcher",
}
CUSTOMER, RIDER, SHOP, GATEWAY, DISPATCHER = CLIENTS
PLACES: dict[What, list[tuple[float, float]]] = {
    "shop": [(31.201117, 121.401171)],
    "door": [(31.204323, 121.404357), (31.205331, 121.405369)],
    "position": [(31.201641, 121.401653), (31.201743, 121.401767)],
}
ZONE = sorted({cell_at(*place, 6) for places in PLACES.values() for place in places})
"""Where the rider works: cells of H3."""
CODE = "Qcode31"
"""What a recipient gives at the door: as private as words."""
LETTERS: dict[What, str] = {"name": "Qclient-", "number": "Qthing-", "words": "Qwords"}
FOR: dict[str, What] = {"dropoff": "door", "pickup": "shop", "place": "position", "points": "position"}


def needles() -> Iterator[tuple[What, bytes]]:
    """What each class of marked data looks like: letters, digits of five decimals, doubles of either byte order."""
    for what, letters in LETTERS.items():
        yield what, letters.encode()
    yield "words", CODE.encode()
    for cell in ZONE:
        yield "zone", f"{cell:x}".encode()
        yield "zone", struct.pack(">Q", cell)
        yield "zone", str(cell).encode()
    for what, places in PLACES.items():
        for number in (number for place in places for number in place):
            yield what, f"{number:.6f}"[:-1].encode()
            yield what, struct.pack(">d", number)
            yield what, struct.pack("<d", number)


NEEDLES = list(needles())


def seen(content: bytes) -> set[What]:
    """Which classes of marked data are in it."""
    return {what for what, needle in NEEDLES if needle in content}


def leaks(found: dict[str, bytes]) -> list[str]:
    """Each class of marked data in a place that is not to have it."""
    allowed = {stay.where: set(stay.what) for stay in STAYS}
    unlisted = {where: seen(content) - allowed.get(where, set()) for where, content in found.items()}
    return [f"{where} has {what}" for where, marks in unlisted.items() for what in sorted(marks)]


def on_disk(folder: Path) -> bytes:
    """Every byte of the files in a data directory, and its snapshots unpacked."""
    files = b"".join(path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())
    for path in folder.rglob("journal.sqlite3"):
        with JournalReader.open(path) as reader:
            files += b"".join(reader.snapshot(kept) for kept in reader.snapshots())
    return files


class Planter:
    """Sends messages with marked data in every field that can have any, and notes which."""

    def __init__(self, made: Site, tokens: dict[str, str]) -> None:
        self.phones = {name: Phone(name, made.port, tokens[name]) for name in CLIENTS}
        self.planted: set[tuple[str, str]] = set()
        self.count = 0

    def send(self, client: str, kind: str, **fixed: Any) -> None:
        """An event, or an observation; fields that are not `fixed` are filled by their types."""
        self.count += 1
        message = MESSAGES[kind]
        fields = {field.name: self._mark(kind, field) for field in msgspec.structs.fields(message.body)}
        if message.durable:
            fields |= {"id": f"Qthing-e{self.count}", "at": int(time.time() * 1000)}
        fields |= fixed
        body = {name: value for name, value in fields.items() if value is not None}
        self.planted |= {(kind, name) for name, value in body.items() if seen(json.dumps(value).encode())}
        code = self.phones[client].publish(kind, json.dumps(body).encode(), qos=int(message.durable))
        assert code == 0, (kind, code, body)

    def _mark(self, kind: str, field: Any) -> Any:
        message = MESSAGES[kind]
        if field.name in free_texts(message.body):
            return f"Qwords about {kind}"
        if Place in (field.type, *get_args(field.type)):
            lat, lon = PLACES[FOR[field.name]][-1 if kind == "order.redeliver" else 0]
            return {"lat": lat, "lon": lon}
        if field.name in (message.names_shop, "shop"):
            return SHOP
        return f"Qthing-{field.name}" if field.required and has_marks(field.type) else None

    def close(self) -> None:
        """Hang up."""
        for phone in self.phones.values():
            phone.close()


def has_marks(form: Any) -> bool:
    """Whether values of a type may have letters of the sender, or places, in them."""

    def walk(node: types.Type) -> bool:
        match node:
            case types.StrType() | types.FloatType():
                return True
            case types.Metadata(type=inner) | types.ListType(item_type=inner) | types.VarTupleType(item_type=inner):
                return walk(inner)
            case types.StructType(fields=fields):
                return any(walk(field.type) for field in fields)
            case types.UnionType(types=parts) | types.TupleType(item_types=parts):
                return any(walk(part) for part in parts)
            case _:
                return False

    return walk(types.type_info(form))


def evening(planter: Planter) -> None:
    """Every kind of every scenario: an order that fails at the door and goes out again, one that is declined, withdrawn
    and cancelled with words; prices on labels."""
    send, rider = planter.send, planter.phones[RIDER]
    send(RIDER, "rider.shift", on=True, capacity=2, shops=[SHOP], zone=[f"{cell:x}" for cell in ZONE])
    send(RIDER, "rider.position", points=[[int(time.time() * 1000), *PLACES["position"][1]]])
    send(CUSTOMER, "order.place", order="Qthing-o1", prep_s=0)
    send(RIDER, "rider.reply", order="Qthing-o1", offer=rider.answer("assignment")["offer"], accept=True)
    send(SHOP, "kitchen.delay", order="Qthing-o1", ready_at=int(time.time() * 1000))
    send(SHOP, "kitchen.ready", order="Qthing-o1")
    for step in ("at_shop", "picked_up", "at_customer", "failed"):
        cause = "customer_absent" if step == "failed" else None
        send(RIDER, "rider.progress", order="Qthing-o1", step=step, cause=cause)
    send(SHOP, "order.redeliver", order="Qthing-o1")
    send(CUSTOMER, "order.track", order="Qthing-o1")
    send(RIDER, "orders.list", shop=None)
    send(SHOP, "orders.list")
    send(RIDER, "rider.progress", order="Qthing-o1", step="delivered", code=CODE)
    send(CUSTOMER, "order.place", order="Qthing-o2", prep_s=0)
    while (offer := rider.answer("assignment"))["order"] != "Qthing-o2":
        continue
    send(RIDER, "rider.reply", order="Qthing-o2", offer=offer["offer"], accept=False)
    send(CUSTOMER, "order.cancel", order="Qthing-o2")
    overrides(planter)
    send(SHOP, "times.reset")
    send(SHOP, "price.set", sku="Qthing-sku1", price_cents=100)
    send(SHOP, "price.set", prices=[{"sku": f"Qthing-sku{number}", "price_cents": 120} for number in (1, 2)])
    send(SHOP, "stock.set", sku="Qthing-sku1", count=3)
    send(SHOP, "label.bind", sku="Qthing-sku1", label="Qthing-l1", gateway=GATEWAY)
    send(GATEWAY, "label.shown", label="Qthing-l1", binding=1, version=1)
    send(CUSTOMER, "price.get", sku="Qthing-sku1")
    send(SHOP, "label.unbind", label="Qthing-l1")
    send(SHOP, "sku.remove", sku="Qthing-sku2")
    planter.phones[CUSTOMER].publish("order.place", b'{"id": "Qthing-bad", "dropoff": "Qwords"}')
    planter.phones[CUSTOMER].send("order.cancel", below=RIDER, id="Qthing-forbidden", order="Qthing-o1")


def overrides(planter: Planter) -> None:
    """An order that a dispatcher moves about until it is cancelled, and a rider who is paused."""
    order = "Qthing-o3"
    planter.send(DISPATCHER, "rider.pause", rider=RIDER)
    planter.send(CUSTOMER, "order.place", order=order, prep_s=0, handover_code=CODE)
    planter.send(DISPATCHER, "order.hold", order=order)
    planter.send(DISPATCHER, "order.release", order=order)
    planter.send(DISPATCHER, "rider.resume", rider=RIDER)
    planter.send(DISPATCHER, "order.preview", order=order, rider=RIDER)
    planter.send(DISPATCHER, "board.list", order=order)
    planter.send(DISPATCHER, "riders.list")
    planter.send(DISPATCHER, "order.pin", order=order, rider=RIDER)
    planter.send(DISPATCHER, "order.assign", order=order, rider=RIDER)
    planter.send(SHOP, "order.reschedule", order=order, priority=3)
    planter.send(CUSTOMER, "order.cancel", order=order)


@contextmanager
def town(folder: Path, receiver: Receiver, **options: Any) -> Iterator[tuple[Site, Planter]]:
    """A node with its centre and an app's server, and everybody's phone."""
    tokens = add(folder / "people", [Newcomer(name, (role,)) for name, role in CLIENTS.items()])
    write_private(folder / "hooks.secret", SECRET + "\n")
    settings: dict[str, Any] = {"webhook_url": receiver.url, "webhook_secret_file": "hooks.secret", **options}
    with Site(folder).configure([], {"credentials": "people", "shops": [], **settings}) as made:
        made.start()
        planter = Planter(made, tokens)
        yield made, planter
        planter.close()


def page(made: Site, path: str) -> bytes:
    """What the node's own page answers."""
    url = f"http://127.0.0.1:{made.status_port}{path}"
    with urlopen(Request(url, headers={"Authorization": f"Bearer {made.status_token()}"}), timeout=10) as answer:
        return answer.read()


def batches(folder: Path) -> bytes:
    """Everything that was numbered for the centre, not compressed."""
    with JournalReader.open(folder) as reader:
        effects = (effect for _, body in reader.rows(0) for effect in decode_row(body).effects)
        return b"".join(effect.body for effect in effects if isinstance(effect, Batch))


def test_marked_data_is_only_where_it_may_be(tmp_path: Path) -> None:
    """While the node runs, in what it sends to centre and app, in its metrics, page, log, backup and an export; after
    everybody is forgotten; and past the retention."""
    with Receiver().listening() as receiver, town(tmp_path, receiver, shop_scores=True) as (made, planter):
        evening(planter)
        wanted = {
            (kind, field.name)
            for kind, message in MESSAGES.items()
            for field in msgspec.structs.fields(message.body)
            if has_marks(field.type)
        }
        assert planter.planted == wanted, "a field of a message has no marked data: plant some in `evening`"
        wait_until(lambda: made.status()["webhooks"]["waiting"] == 0)
        found = {
            "journal": on_disk(made.node_data),
            "status page": page(made, "/api/status") + page(made, "/api/live"),
            "metrics": page(made, "/metrics"),
            "backup": b"",
        }
        (tmp_path / "book.csv").write_text("order\nQthing-o1\nQthing-o9\n")
        assert made.command("ledger", "--config", "edge.toml", "book.csv").returncode == 1
        found["ledger"] = (made.node_data / "ledger.json").read_bytes()
        assert made.command("backup", "copies").returncode == 0
        found["backup"] = on_disk(tmp_path / "copies")
        planter.send(RIDER, "rider.shift", on=False, place=None)
        wait_until(lambda: fetch(made.api_port, "/api/ledger")["days"], "the counts of the book at the centre")
        made.stop()
        found["export"] = made.command("export", CUSTOMER, "--journal", "edge").stdout.encode()
        found["centre"] = batches(made.node_data) + on_disk(made.centre_data)
        found["log"] = made.node.output().encode() + made.centre.output().encode()
        found["webhooks"] = json.dumps([(each.client, each.message) for each in receiver.taken]).encode()
        assert leaks(found) == []
        assert seen(found["journal"]) == {"name", "number", "door", "shop", "zone"}
        assert [where for where in ("backup", "export", "webhooks", "status page") if not seen(found[where])] == []
        assert RIDER.encode() not in found["export"]
        assert SHOP.encode() in found["centre"]
        assert [name for name in (CUSTOMER, RIDER, GATEWAY) if name.encode() in found["centre"] + found["ledger"]] == []
        assert len(found["centre"]) > 1_000

        copy_data(made.node_data, tmp_path / "copy" / "edge")
        (tmp_path / "copy" / "edge.toml").write_text('node = "n-1"\ndata_dir = "edge"\n')
        for name in CLIENTS:
            assert forget(load(tmp_path / "copy" / "edge.toml"), name).changed
        assert seen(on_disk(tmp_path / "copy")) == {"number", "shop"}

        now = int(time.time() * 1000)
        fast = {"clock_speed": 10_000.0, "clock_wall_anchor_ms": now, "clock_real_anchor_ms": now}
        made.write_config(**fast, uplink="", webhook_url="", retention_days=0.01)
        with JournalReader.open(made.node_data) as reader:
            last = reader.bounds()[1]
        for _ in range(SNAPSHOTS_KEPT):  # each stop leaves a snapshot; rows leave up to one older than these
            made.node.start()
            made.node.stop()
        made.node.start()
        with JournalReader.open(made.node_data) as reader:
            wait_until(lambda: reader.bounds()[0] > last, "rows past their retention")
        made.node.stop()
        assert leaks({"snapshot": on_disk(made.node_data)}) == []


def test_a_planted_leak_is_found(tmp_path: Path) -> None:
    """A node that is asked to keep what people write keeps it: on the disk, in the backup and in an export."""
    with Receiver().listening() as receiver, town(tmp_path, receiver, keep_free_text=True) as (made, planter):
        planter.send(CUSTOMER, "order.place", order="Qthing-o1", prep_s=0)
        planter.send(CUSTOMER, "order.cancel", order="Qthing-o1")
        wait_until(lambda: made.status()["webhooks"]["delivered"] > 0)
        found = {"journal": on_disk(made.node_data), "export": b"", "webhooks": b""}
        found["export"] = made.command("export", CUSTOMER, "--journal", "edge").stdout.encode()
        found["webhooks"] = json.dumps([each.message for each in receiver.taken]).encode()
        assert leaks(found) == ["journal has words", "export has words", "webhooks has words"]


@pytest.mark.parametrize("where", [*(stay.where for stay in STAYS), "metrics"])
def test_a_position_is_found_wherever_it_is(where: str) -> None:
    """In any encoding, in any place but the page."""
    lat, lon = PLACES["position"][0]
    texts = json.dumps([lat]), f"{lon:.5f}"
    for content in (*(text.encode() for text in texts), msgspec.msgpack.encode([lon]), struct.pack("<d", lat)):
        assert leaks({where: b"..." + content}) == ([] if where == "status page" else [f"{where} has position"])
