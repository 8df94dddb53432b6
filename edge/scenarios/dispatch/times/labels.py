"""What the progress of an order shows about times. Called before the progress changes the rider's last known place.

A report counts only where it can be no echo of another one: shops that press "ready" when the rider comes would teach
the ride, and riders who report three steps at once would teach nothing.
"""

from typing import Final

from ..lifecycle import AT_CUSTOMER, AT_SHOP, PICKED_UP
from ..state.fit import pace_of
from ..state.orders import Order, Orders
from ..state.riders import Rider
from ..travel.ride_times import Service, ride_s
from . import kitchens, promises, rides
from .learned import HANDOVER_WEIGHT, band_of, clipped
from .times import Times

WAIT_SLACK_S: Final = 60
"""A rider who has its food within this much more than the handover takes did not wait for it."""


def picked_up(times: Times, order: Order, rider: Rider, orders: Orders, now_ms: int) -> None:
    """The order changes hands at its shop, at which its rider was from `arrive_ms` on (reported, else expected). Where
    the rider fetches others there too, nobody knows for which of them it waited."""
    if not (times.options.learn_times and order.arrive_ms) or _fetches_others(order, rider, orders):
        return
    if order.terms is not None and order.terms.from_ms:
        return  # it was fetched for its window, not when it was ready
    learned = times.learned
    shop, node = learned.shop(order.shop), learned.node
    stood_s = (now_ms - order.arrive_ms) / 1000
    before_s = times.options.pickup_service_s // 2
    beyond_s = shop.handover.towards(learned.rides.shop_s(), HANDOVER_WEIGHT)
    called = order.is_ready and order.ready_ms < order.arrive_ms
    waited = stood_s > before_s + beyond_s + WAIT_SLACK_S
    if called and order.state is AT_SHOP:
        label = beyond_s + clipped(stood_s - before_s - beyond_s, rides.HANDOVER_CLIP_S)
        shop.handover.add(label)
        learned.rides.shop.add(label)
        times.rides_changed()
    ready_ms = order.ready_ms if called else now_ms
    seen_s = (ready_ms - order.assumed_ms) / 1000
    band = band_of(times.wall_ms - (now_ms - order.placed_ms))
    errors, general = shop.errors(order.stated), node.errors(order.stated)
    kitchens.learn(errors, general, order.stated, seen_s, called or waited, band)


def delivered(times: Times, order: Order, rider: Rider, now_ms: int) -> None:
    """The order is at its door."""
    if not times.options.learn_times:
        return
    if order.state in (PICKED_UP, AT_CUSTOMER) and rider.place_ms:
        service, configured = Service(times.rules), Service(times.options)
        from_shop = rider.place_ms == order.pickup_ms
        left_ms = service.after_pickup if from_shop else service.after_dropoff
        rides.learn(
            times.learned.rides,
            pace_of(rider, times.options)
            * ride_s(rider.lat, rider.lon, order.dropoff_lat, order.dropoff_lon, times.options),
            (left_ms + configured.before_dropoff) // 1000,
            (now_ms - rider.place_ms) / 1000,
            (order.dropoff_lat, order.dropoff_lon),
            times.wall_ms,
        )
        times.rides_changed()
    if order.promised_ms:
        late = times.learned.shop(order.shop).late
        error_s = (now_ms - order.predicted_ms) / 1000
        promises.learn(times.learned.promises, late, order.stated, order.scarce, error_s)


def _fetches_others(order: Order, rider: Rider, orders: Orders) -> bool:
    place = order.pickup_lat, order.pickup_lon
    others = (orders.open[name] for name in rider.orders if name != order.id)
    return any((other.pickup_lat, other.pickup_lon) == place for other in others)
