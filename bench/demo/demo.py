"""One demonstration from start to result: processes, people, kills, drain, evidence."""

import asyncio
import contextlib
import math
import random
import secrets
from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path
from time import perf_counter, time
from typing import Any, Final

from edge.clock import Clock
from edge.errors import DoorstepError
from edge.scenarios.dispatch.messages.catalog import NAME as DISPATCH
from edge.scenarios.labels.messages import NAME as LABELS

from ..lab.process import Keeper
from ..lab.site import Site
from .decisions import Decisions
from .district.instance import Instance, Order
from .options import GIVE_UP_S, Options, Start, behind, rules, split_broker
from .people.clients import Fleet
from .people.customers import Customer
from .people.dispatcher import DESK, Dispatcher
from .people.gateways import GATEWAY, Gateway, label_options
from .people.kitchens import Kitchen, name_of
from .people.riders import Rider
from .people.scheduler import Scheduler
from .people.shelves import Shelves
from .people.world import CONNECT_AHEAD_REAL_S, MINUTE_MS, World
from .proof.evidence import read_journal
from .proof.invariants import Case, check_invariants, states
from .proof.records import Records
from .report import Ended
from .trouble import Trouble
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

AFTER_HOURS_MINUTES: Final = 120
"""Simulated minutes after the last shift, and after orders are given up, in which the day may end."""

SHOPS_WITH_LABELS: Final = 4

LABELS_REAL_S_MAX: Final = 30.0
LABELS_SIMULATED_S_MAX: Final = 120.0
"""Bound of the wait at the end until every label has confirmed what is in force: a few resends."""


class Demo:
    """One run. Everything that a screen may show is an attribute; nothing of it needs a screen."""

    def __init__(
        self, instance: Instance, options: Options, folder: Path, site: Site | None = None, start: Start | None = None
    ) -> None:
        """`site` and `start` where it is one of several nodes at one centre."""
        self.instance = instance
        self.options = options
        self.folder = folder
        self.phase = "starting"
        self.records = Records()
        self.interrupted = False
        self._broker = split_broker(options.broker)
        self._stop = asyncio.Event()
        self._draw = random.Random(f"demo {options.seed}")
        self.node_name = f"district-{secrets.token_hex(3)}" if options.broker else "district"
        self.site = site or Site(folder, self.node_name)
        self.node_name = self.site.node_name
        self.keeper = Keeper(self.site.centre, self.site.node)
        self.watch = Watch(self.site)
        self.trouble = Trouble(self.site, self.keeper, self.watch, self.records)
        self.decisions = Decisions(self.site.journal)
        self.ends_ms = 0
        """When the day is over, if nobody is late (simulated); 0 before it has begun."""
        self.scheduler: Scheduler | None = None
        self._began = perf_counter()
        real_ms = int(time() * 1000)
        start = start or Start(real_ms // DAY_MS * DAY_MS + MORNING_MS, real_ms)
        self.morning_ms, self._began_ms = start.wall_ms, start.real_ms
        self.on_open: Callable[[str], None] = lambda _: None
        """Called with a line about where a person may look, where there is something to log in to."""
        self.is_held: Callable[[], bool] = lambda: False
        """Whether the day is not to end yet."""
        self.before_stop: Callable[[Demo], Awaitable[None]] | None = None
        """What is still to be done when the centre has everything, and before the node is stopped."""
        self.fleet: Fleet | None = None
        self._open_orders: set[str] = set()
        self._shelves: list[Shelves] = []
        self._world: World | None = None
        self._troubles: set[asyncio.Task[None]] = set()

    # -- what a screen and a signal handler may call -------------------------------------------------------------------

    def interrupt(self) -> None:
        """End the run now, without a result."""
        self.interrupted = True
        self._stop.set()

    def cut_uplink(self) -> None:
        """Cut the uplink, or mend it."""
        if self.phase == "day":
            self._do(self.trouble.cut(self.now_ms()))

    def kill_node(self) -> None:
        """SIGKILL the node, which is started again."""
        if self._world is not None and self.phase == "day":
            self._do(self.trouble.kill(self._world))

    def page_url(self) -> str:
        """Where a person finds the page of the node."""
        return self.site.status_url()

    def log(self, text: str) -> None:
        """A line for the screen."""
        self.records.log(self.now_ms(), text)

    def counted(self) -> str:
        """What has happened, for who has ended the run."""
        counts = self.records.counts
        orders = f"{counts['placed']} orders placed, {self.records.order_states()['delivered']} delivered"
        return f"{orders}, {counts['receipts']} receipts. Node and centre are stopped."

    @property
    def left_s(self) -> float | None:
        """Real seconds until the day ends, as far as that can be known; None before it has begun."""
        if self.scheduler is None or not self.ends_ms:
            return None
        left_s = self.scheduler.clock.real_s((self.ends_ms - self.now_ms()) / 1000)
        return max(min(left_s, self.options.minutes * 60 - self.real_s) if self.options.minutes else left_s, 0.0)

    def complained(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """The event loop's exception handler: into the log, and counted."""
        self.records.counts["loop_errors"] += 1
        loop.default_exception_handler(context)

    def now_ms(self) -> int:
        """The simulated wall clock."""
        return self.morning_ms if self.scheduler is None else self.scheduler.now_ms()

    @property
    def day_ms(self) -> int:
        """Minute 0 of the instance, wall ms; 0 before everybody is connected."""
        return self._world.day_ms if self._world is not None else 0

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
            for task in self._troubles:
                task.cancel()
            await self._stop_processes()
            await self.trouble.close()

    async def _open(self) -> tuple[Fleet, World]:
        """Start both processes, connect the kitchens, and plan the day."""
        options, instance = self.options, self.instance
        names = [
            *(f"customer-{order.name}" for order in instance.orders),
            *(f"rider-{courier.name}" for courier in instance.couriers),
            *(name_of(restaurant.name) for restaurant in instance.restaurants),
            *(GATEWAY, DESK),
        ]
        tokens = {name: secrets.token_urlsafe(32) for name in names}
        anchors = {
            "clock_speed": options.speed,
            "clock_wall_anchor_ms": self.morning_ms,
            "clock_real_anchor_ms": self._began_ms,
        }
        broker, username, password = self._broker
        sections: dict[str, Any] = {
            DISPATCH: rules(instance.parameters, options.speed),
            LABELS: label_options(options.speed),
        }
        cuttable = options.live or self.site.scheme == "mqtts"
        uplink = {"uplink": await self.trouble.open_uplink()} if cuttable else {}
        link = behind(broker, username, password, self.folder)
        node = {**anchors, "scenarios": [DISPATCH, LABELS], "shop_scores": True, **link, **sections, **uplink}
        self.site.configure(tokens, node, roles={DESK: "dispatcher"})
        scheduler = Scheduler(Clock(options.speed, self.morning_ms, self._began_ms))
        url = broker or self.site.url
        fleet = Fleet(self.node_name, url, tokens, scheduler, self.records, options.seed)
        if broker:
            fleet.share(username, password)
        fleet.repeat_probability = options.habits.repeat
        self.scheduler, self.fleet = scheduler, fleet
        await asyncio.to_thread(self.site.start)
        self.keeper.start()
        world = self._world = World(instance, scheduler, fleet, self.records, options.seed, options.habits)
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

    def _people(self, world: World) -> None:
        """Schedule everybody's day."""
        instance = self.instance
        self._open_orders = {order.name for order in instance.orders}
        orders = {order.name: order for order in instance.orders}
        for courier in instance.couriers:
            Rider(world, courier, orders).plan()
        for each in (*self._shelves, self._gateway, Dispatcher(world)):
            each.plan()
        for order in instance.orders:
            Customer(world, order, self._open_orders.discard).plan()

    async def _day(self, world: World) -> bool:
        """Until the day is over. True where it was cut short."""
        self.phase = "day"
        assert self.scheduler is not None
        scheduler, options = self.scheduler, self.options
        end_real_s = options.minutes * 60 - self.real_s if options.minutes else 0.0
        kills = asyncio.create_task(self.trouble.kill_by_the_seed(world, self._draw, options.kills, end_real_s))
        last_ms = world.ms(self.instance.last_minute() + GIVE_UP_S // 60 + AFTER_HOURS_MINUTES)
        shifts_ms = self.ends_ms = max(world.ms(courier.off) for courier in self.instance.couriers)
        try:
            while not self._stop.is_set():
                for failure in (scheduler.failure, self.keeper.failure):
                    if failure is not None:
                        raise failure
                is_held = self.is_held()
                if options.minutes and self.real_s >= options.minutes * 60 and not is_held:
                    return True
                now_ms = scheduler.now_ms()
                home = all(state == "off" for state in self.records.riders.values())
                if not is_held and ((not self._open_orders and now_ms > shifts_ms and home) or now_ms > last_ms):
                    return False
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._stop.wait(), 0.1)
            return True
        finally:
            kills.cancel()
            await asyncio.wait([kills])

    # -- the end -------------------------------------------------------------------------------------------------------

    async def _close(self, fleet: Fleet, world: World, cut: bool) -> Ended | None:
        """Let everything settle, stop the processes, and check the invariants. None where that was interrupted."""
        self.phase = "draining"
        await self.trouble.mend(self.now_ms())
        world.closed = True
        assert self.scheduler is not None
        await self._settle_labels(fleet)
        self.scheduler.close()
        await self._until(lambda: not fleet.unanswered(), RECEIPTS_S_MAX)
        unanswered = fleet.unanswered()
        await fleet.close()
        # What is under way now: the node goes on, and gives up orders whose people are not there any more.
        await self.watch.look()
        open_orders = states(self.watch.status)
        drain_s = DRAIN_REAL_S_MAX + self.scheduler.clock.real_s(DRAIN_SIMULATED_S_MAX)
        settled = await self._until(self.watch.in_step, drain_s)
        if not settled:
            self.records.log(self.now_ms(), f"the centre did not catch up within {drain_s:.0f} s")
        if self.before_stop is not None and not self.interrupted:
            await self.before_stop(self)
        if self.interrupted:
            return None
        watch = self.watch
        await watch.look()
        at_node, at_centre = watch.events()
        await self._stop_processes()
        self.phase = "checking"
        evidence, unpacked = await asyncio.to_thread(read_journal, self.site.journal)
        accepted = self.records.accepted()
        placed = [order for order in self.instance.orders if order.name in accepted]
        case = Case(
            records=self.records,
            evidence=evidence,
            open_orders=open_orders,
            unanswered=unanswered,
            queues=watch.queues,
            events_at_node=at_node,
            events_at_centre=at_centre,
            folders=[self.site.node_data, self.site.centre_data],
            unpacked=unpacked,
            visible=[world.geometry.place(order.x, order.y).lat for order in placed[:10]],
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
            if self.options.live:
                await asyncio.to_thread(self.decisions.read)
            await asyncio.sleep(POLL_S)

    def _do(self, work: Coroutine[Any, Any, None]) -> None:
        """Something that a person asked for. What fails is in the log of the run."""
        task = asyncio.get_running_loop().create_task(work)
        self._troubles.add(task)
        task.add_done_callback(self._troubles.discard)
