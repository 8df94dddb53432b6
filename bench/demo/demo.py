"""One demonstration from start to result: processes, people, kills, drain, evidence."""

import asyncio
import contextlib
import math
import random
import secrets
from collections.abc import Callable
from pathlib import Path
from time import perf_counter, time
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from msgspec import Struct

from edge.clock import Clock
from edge.errors import DoorstepError
from edge.scenarios.dispatch.messages import NAME as DISPATCH
from edge.scenarios.labels.messages import NAME as LABELS

from ..lab.process import Keeper
from ..lab.settings import Option, write_private
from ..lab.site import Site
from .district.instance import Instance, Order
from .people.clients import Fleet
from .people.customers import Customer
from .people.gateways import GATEWAY, Gateway, label_options
from .people.kitchens import Kitchen, name_of
from .people.riders import Rider
from .people.scheduler import Scheduler
from .people.shelves import Shelves
from .people.world import CONNECT_AHEAD_REAL_S, MINUTE_MS, Habits, World
from .proof.evidence import read_journal
from .proof.invariants import Case, check_invariants, states
from .proof.records import Records
from .report import Ended
from .watch import Watch

DAY_MS: Final = 24 * 3_600_000
MORNING_MS: Final = 11 * 3_600_000
"""The simulated clock at the start of the processes: 11:00 UTC of today. Minute 0 of the instance follows shortly."""

POLL_S: Final = 0.5
"""Real seconds between two looks at the node's status."""

CONNECT_REAL_S_MAX: Final = 15.0
"""Real seconds in which the kitchens should be connected; the day begins without those that are not."""

RECEIPTS_S_MAX: Final = 20.0
"""Real seconds at the end in which outstanding receipts may come."""

DRAIN_REAL_S_MAX: Final = 30.0
DRAIN_SIMULATED_S_MAX: Final = 90.0
"""Bound of the wait for the centre: a last window is sealed 70 simulated seconds after it began; then a round trip."""

LATE_S: Final = 30 * 60
GIVE_UP_S: Final = 60 * 60
"""Sooner than a node by default: nobody begins a shift once the instance's day is over."""

AFTER_HOURS_MINUTES: Final = 120
"""Simulated minutes after the last shift, and after orders are given up, in which the day may end."""

TIMEOUTS_REAL_S: Final = {"reply_s": 0.5, "silent_s": 5.0, "position_age_s_max": 3.0}
"""At high speed, real seconds that people get at least: a minute of a rider's time is 200 ms at 300 times real speed,
and a hiccup of this machine should not look like a rider who does not answer."""


SHOPS_WITH_LABELS: Final = 4

LABELS_REAL_S_MAX: Final = 30.0
LABELS_SIMULATED_S_MAX: Final = 120.0
"""Bound of the wait at the end until every label has confirmed what is in force: a few resends."""


class Options(Struct, frozen=True, kw_only=True):
    """What was asked for. `minutes` are real, 0 for the whole day; `broker` is empty for the node's own endpoint."""

    speed: float = 60.0
    seed: int = 1
    minutes: float = 0.0
    broker: str = ""
    kills: int = 0
    habits: Habits = Habits()


class Demo:
    """One run. Everything that a screen may show is an attribute; nothing of it needs a screen."""

    def __init__(self, instance: Instance, options: Options, folder: Path) -> None:
        self.instance = instance
        self.options = options
        self.folder = folder
        self.phase = "starting"
        self.records = Records()
        self.interrupted = False
        self._broker = _split(options.broker)
        self._stop = asyncio.Event()
        self._draw = random.Random(f"demo {options.seed}")
        self.node_name = f"district-{secrets.token_hex(3)}" if options.broker else "district"
        self.site = Site(folder, self.node_name)
        self.keeper = Keeper(self.site.centre, self.site.node)
        self.watch = Watch(self.site)
        self.scheduler: Scheduler | None = None
        self._began = perf_counter()
        self._began_ms = int(time() * 1000)
        self.morning_ms = self._began_ms // DAY_MS * DAY_MS + MORNING_MS
        self.fleet: Fleet | None = None
        self._open_orders: set[str] = set()
        self._shelves: list[Shelves] = []

    # -- what a screen and a signal handler may call -------------------------------------------------------------------

    def interrupt(self) -> None:
        """End the run now, without a result."""
        self.interrupted = True
        self._stop.set()

    def complained(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """The event loop's exception handler: into the log, and counted."""
        self.records.counts["loop_errors"] += 1
        loop.default_exception_handler(context)

    def now_ms(self) -> int:
        """The simulated wall clock."""
        return self.morning_ms if self.scheduler is None else self.scheduler.now_ms()

    @property
    def real_s(self) -> float:
        """Real seconds since the start."""
        return perf_counter() - self._began

    # -- the run -------------------------------------------------------------------------------------------------------

    async def run(self) -> Ended | None:
        """The whole run; None where it was interrupted. Raises DoorstepError where a process cannot be kept alive."""
        poll = asyncio.get_running_loop().create_task(self._poll())
        try:
            fleet, world = await self._open()
            cut = await self._day(world)
            return None if self.interrupted else await self._close(fleet, world, cut)
        except DoorstepError:
            if self.interrupted:
                return None  # a process that could not be started any more is no news
            raise
        finally:
            self.phase = "stopping" if self.phase != "done" else "done"
            poll.cancel()
            if self.scheduler is not None:
                self.scheduler.close()
            if self.fleet is not None:
                await self.fleet.close()
            await self._stop_processes()

    async def _open(self) -> tuple[Fleet, World]:
        """Start both processes, connect the kitchens, and plan the day."""
        options, instance = self.options, self.instance
        names = [
            *(f"customer-{order.name}" for order in instance.orders),
            *(f"rider-{courier.name}" for courier in instance.couriers),
            *(name_of(restaurant.name) for restaurant in instance.restaurants),
            GATEWAY,
        ]
        tokens = {name: secrets.token_urlsafe(32) for name in names}
        anchors = {
            "clock_speed": options.speed,
            "clock_wall_anchor_ms": self.morning_ms,
            "clock_real_anchor_ms": self._began_ms,
        }
        broker, username, password = self._broker
        sections: dict[str, Any] = {DISPATCH: self._rules(), LABELS: label_options(options.speed)}
        scenarios: dict[str, Option] = {"scenarios": [DISPATCH, LABELS]}
        self.site.configure(tokens, {**anchors, **scenarios, **self._link(broker, username, password), **sections})
        scheduler = Scheduler(Clock(options.speed, self.morning_ms, self._began_ms))
        url = broker or self.site.url
        fleet = Fleet(self.node_name, url, tokens, scheduler, self.records, options.seed)
        if broker:
            fleet.share(username, password)
        fleet.repeat_probability = options.habits.repeat
        self.scheduler, self.fleet = scheduler, fleet
        await asyncio.to_thread(self.site.start)
        self.keeper.start()
        world = World(instance, scheduler, fleet, self.records, options.seed, options.habits)
        await self._connect(world)
        # The first full minute for which everybody has time to connect.
        ahead_ms = 2 * CONNECT_AHEAD_REAL_S * options.speed * 1000
        world.day_ms = math.ceil((scheduler.now_ms() + ahead_ms) / MINUTE_MS) * MINUTE_MS
        self._people(world)
        return fleet, world

    async def _connect(self, world: World) -> None:
        """The kitchens open. Raises DoorstepError where none of them gets through."""
        self.phase = "connecting"
        cooks: dict[str, list[Order]] = {restaurant.name: [] for restaurant in self.instance.restaurants}
        for order in self.instance.orders:
            cooks[order.restaurant].append(order)
        kitchens = [Kitchen(world, shop, cooks[shop.name]) for shop in self.instance.restaurants if cooks[shop.name]]
        self._gateway = Gateway(world)
        self._shelves = [Shelves(world, kitchen.client) for kitchen in kitchens[:SHOPS_WITH_LABELS]]
        for each in (*kitchens, self._gateway):
            each.open()
        fleet = world.fleet
        await self._until(lambda: fleet.connected > len(kitchens), CONNECT_REAL_S_MAX)
        if not fleet.connected and not self.interrupted:
            raise DoorstepError(f"Nobody could connect within {CONNECT_REAL_S_MAX:.0f} s. {kitchens[0].client.error}")

    def _rules(self) -> dict[str, Option]:
        """The instance's parameters as options of dispatch."""
        parameters = self.instance.parameters
        timeouts = {name: math.ceil(real_s * self.options.speed) for name, real_s in TIMEOUTS_REAL_S.items()}
        defaults = {"reply_s": (60, 3600), "silent_s": (300, 7200), "position_age_s_max": (600, 7200)}
        return {
            "speed_mps": round(parameters.metres_per_minute / 60, 4),
            "detour_factor": 1.0,
            "pickup_service_s": parameters.pickup_service * 60,
            "dropoff_service_s": parameters.dropoff_service * 60,
            "late_s": LATE_S,
            "give_up_s": GIVE_UP_S,
            **{name: min(max(low, timeouts[name]), high) for name, (low, high) in defaults.items()},
        }

    def _link(self, broker: str, username: str, password: str) -> dict[str, Option]:
        """Broker mode: the node is a client, as everybody is."""
        if not broker:
            return {}
        link: dict[str, Option] = {"listen": "", "link": broker}
        if username:
            write_private(self.folder / "link.token", password)
            link |= {"link_username": username, "link_token_file": "link.token"}
        return link

    def _people(self, world: World) -> None:
        """Schedule everybody's day."""
        instance = self.instance
        self._open_orders = {order.name for order in instance.orders}
        orders = {order.name: order for order in instance.orders}
        for courier in instance.couriers:
            Rider(world, courier, orders).plan()
        for each in (*self._shelves, self._gateway):
            each.plan()
        for order in instance.orders:
            Customer(world, order, self._open_orders.discard).plan()

    async def _day(self, world: World) -> bool:
        """Until the day is over. True where it was cut short."""
        self.phase = "day"
        assert self.scheduler is not None
        scheduler, options = self.scheduler, self.options
        kills = asyncio.get_running_loop().create_task(self._kill(world))
        last_ms = world.ms(self.instance.last_minute() + GIVE_UP_S // 60 + AFTER_HOURS_MINUTES)
        shifts_ms = max(world.ms(courier.off) for courier in self.instance.couriers)
        try:
            while not self._stop.is_set():
                for failure in (scheduler.failure, self.keeper.failure):
                    if failure is not None:
                        raise failure
                if options.minutes and self.real_s >= options.minutes * 60:
                    return True
                now_ms = scheduler.now_ms()
                home = all(state == "off" for state in self.records.riders.values())
                if (not self._open_orders and now_ms > shifts_ms and home) or now_ms > last_ms:
                    return False
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._stop.wait(), 0.1)
            return True
        finally:
            kills.cancel()
            await asyncio.wait([kills])

    async def _kill(self, world: World) -> None:
        """SIGKILL the node at moments drawn from the seed, while orders are placed; one at a time."""
        assert self.scheduler is not None
        first = min(order.placed for order in self.instance.orders)
        last = max(order.ready for order in self.instance.orders)
        # A tenth of the day is kept free on both sides, so that a kill always meets work.
        moments = sorted(self._draw.uniform(first + (last - first) / 10, last) for _ in range(self.options.kills))
        for minute in moments:
            wait_s = self.scheduler.clock.real_s((world.ms(minute) - self.scheduler.now_ms()) / 1000)
            if self.options.minutes:
                # In a run that is cut short the moments are squeezed into it.
                share = moments.index(minute) + 1
                wait_s = min(wait_s, share * self.options.minutes * 60 / (len(moments) + 2) - self.real_s)
            await asyncio.sleep(max(wait_s, 0))
            killed = perf_counter()
            self.records.log(self.scheduler.now_ms(), "the node was killed (SIGKILL)")
            await self.keeper.kill(self.site.node)
            took_s = perf_counter() - killed
            self.watch.ready_s_max = max(self.watch.ready_s_max, took_s)
            self.records.log(self.scheduler.now_ms(), f"the node is back after {took_s:.1f} s")

    # -- the end -------------------------------------------------------------------------------------------------------

    async def _close(self, fleet: Fleet, world: World, cut: bool) -> Ended | None:
        """Let everything settle, stop the processes, and check the invariants. None where that was interrupted."""
        self.phase = "draining"
        world.closed = True
        assert self.scheduler is not None
        await self._settle_labels(fleet)
        self.scheduler.close()
        await self._until(lambda: not fleet.unanswered(), RECEIPTS_S_MAX)
        unanswered = fleet.unanswered()
        await fleet.close()
        drain_s = DRAIN_REAL_S_MAX + self.scheduler.clock.real_s(DRAIN_SIMULATED_S_MAX)
        settled = await self._until(self.watch.in_step, drain_s)
        if not settled:
            self.records.log(self.now_ms(), f"the centre did not catch up within {drain_s:.0f} s")
        if self.interrupted:
            return None
        watch = self.watch
        at_node, at_centre = watch.events()
        await self._stop_processes()
        self.phase = "checking"
        evidence, unpacked = await asyncio.to_thread(read_journal, self.site.journal)
        case = Case(
            records=self.records,
            evidence=evidence,
            open_orders=states(watch.status),
            unanswered=unanswered,
            queues=watch.queues,
            events_at_node=at_node,
            events_at_centre=at_centre,
            folders=[self.site.node_data, self.site.centre_data],
            unpacked=unpacked,
            visible=[world.geometry.place(order.x, order.y).lat for order in self.instance.orders[:10]],
            cut=cut,
            broker=bool(self.options.broker),
        )
        results = await asyncio.to_thread(check_invariants, case)
        self.phase = "done"
        return Ended(
            instance=self.instance,
            speed=self.options.speed,
            seed=self.options.seed,
            real_s=self.real_s,
            case=case,
            results=results,
            status=watch.status,
            dropped=watch.dropped(),
            sync=watch.sync(),
            process=watch.process(),
            journal=str(self.site.journal),
            folder=str(self.folder),
        )

    async def _settle_labels(self, fleet: Fleet) -> None:
        """Until all labels show what `price.get` answers. Offers still begin and end: it may take several questions."""
        self._gateway.open()
        wait_s = LABELS_REAL_S_MAX + fleet.scheduler.clock.real_s(LABELS_SIMULATED_S_MAX)
        end = perf_counter() + wait_s
        while not self.interrupted and perf_counter() < end:
            await self._until(self._labels_confirmed, end - perf_counter())
            for shelves in self._shelves:
                shelves.ask()
            await self._until(lambda: not fleet.unanswered(), RECEIPTS_S_MAX)
            await self.watch.look()
            if self._labels_confirmed() and all(shelves.agree() for shelves in self._shelves):
                self.records.settled = dict(self.records.labels)
                return
        self.records.log(self.now_ms(), f"not every label was confirmed within {wait_s:.0f} s")

    def _labels_confirmed(self) -> bool:
        return not self.watch.status.get(LABELS, {}).get("unconfirmed")

    async def _stop_processes(self) -> None:
        await self.keeper.close()
        await asyncio.to_thread(self.site.stop)

    async def _until(self, done: Callable[[], bool], seconds: float) -> bool:
        """Wait until `done()`, asking both processes anew each time; False where that takes longer than `seconds`."""
        end = perf_counter() + seconds
        while True:
            await self.watch.look()
            if done():
                return True
            if self._stop.is_set() or perf_counter() > end:
                return False
            if self.keeper.failure is not None:
                raise self.keeper.failure
            await asyncio.sleep(POLL_S / 2)

    async def _poll(self) -> None:
        while True:
            await self.watch.look()
            await asyncio.sleep(POLL_S)


def _split(url: str) -> tuple[str, str, str]:
    """A broker's address without the name and the password in it, and these."""
    if not url:
        return "", "", ""
    parts = urlsplit(url)
    if parts.scheme not in ("mqtt", "mqtts") or not parts.hostname:
        raise DoorstepError(
            f"{url!r} is no broker's address. Write mqtt://host:port or mqtt://user:password@host:port."
        )
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.scheme}://{host}{port}", unquote(parts.username or ""), unquote(parts.password or "")
