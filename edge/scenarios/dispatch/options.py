"""The options of dispatch: the section `[dispatch]` of the configuration. A reload applies all of them."""

from typing import Annotated, Final, Literal

from msgspec import Meta, Struct

from ...messages.envelope import ClientName

MAX_BAG_S_MAX: Final = 4 * 3600
"""The longest time in the bag that an order, or a shop, may ask for."""

Pace = Annotated[float, Meta(ge=0.25, le=8)]


Vehicle = Literal["foot", "bike", "ebike", "car"]

VEHICLE_PACE: Final[dict[Vehicle, float]] = {"foot": 4.0, "bike": 1.3, "ebike": 1.0, "car": 1.0}
"""How many times as long as by `speed_mps` a ride takes with each vehicle, where the options have no other factor."""


class DispatchOptions(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Seconds, metres, metres per second, factors, and numbers of things.

    The share of a customer is what a canteen orders for its whole house; what a shop orders for its own guests counts
    as the shop's alone. That of a shop is half of everything, so that no shop alone closes the node to the others."""

    speed_mps: Annotated[float, Meta(ge=0.5, le=50)] = 5.5
    detour_factor: Annotated[float, Meta(ge=1, le=5)] = 1.3
    prep_s: Annotated[int, Meta(ge=0, le=4 * 3600)] = 900
    learn_times: bool = True
    travel_table: str = ""
    ride_step_s: Annotated[int, Meta(ge=1, le=600)] = 1
    pickup_service_s: Annotated[int, Meta(ge=0, le=3600)] = 240
    dropoff_service_s: Annotated[int, Meta(ge=0, le=3600)] = 240
    reply_s: Annotated[int, Meta(ge=5, le=3600)] = 60
    offer_ahead_s: Annotated[int, Meta(ge=0, le=600)] = 60
    silent_s: Annotated[int, Meta(ge=30, le=7200)] = 300
    late_s: Annotated[int, Meta(ge=60, le=24 * 3600)] = 3600
    give_up_s: Annotated[int, Meta(ge=60, le=24 * 3600)] = 4 * 3600
    unreachable: Literal["accept", "refuse"] = "accept"
    soon_free_s: Annotated[int, Meta(ge=0, le=7200)] = 1800
    fair_s: Annotated[int, Meta(ge=0, le=600)] = 60
    reassign_gain_s: Annotated[int, Meta(ge=0, le=7200)] = 300
    position_age_s_max: Annotated[int, Meta(ge=10, le=7200)] = 600
    radius_m_max: Annotated[int, Meta(ge=100, le=500_000)] = 20_000
    standby: bool = True
    divert: bool = True
    show_rider: bool = False
    vehicle_pace: dict[Vehicle, Pace] = {}
    max_on_duty_s: Annotated[int, Meta(ge=0, le=24 * 3600)] = 0
    rest_after_s: Annotated[int, Meta(ge=0, le=24 * 3600)] = 0
    rest_s: Annotated[int, Meta(ge=60, le=4 * 3600)] = 1_200
    own_riders: Annotated[
        dict[ClientName, Annotated[list[ClientName], Meta(max_length=1_000)]], Meta(max_length=10_000)
    ] = {}
    max_bag_s: Annotated[dict[ClientName, Annotated[int, Meta(ge=0, le=MAX_BAG_S_MAX)]], Meta(max_length=10_000)] = {}
    orders_per_customer_max: Annotated[int, Meta(ge=1, le=10_000)] = 100
    orders_per_shop_max: Annotated[int, Meta(ge=1, le=10_000)] = 5_000

    def pace_with(self, vehicle: Vehicle | None) -> float:
        """How many times as long as by `speed_mps` a ride takes with it."""
        return 1.0 if vehicle is None else self.vehicle_pace.get(vehicle) or VEHICLE_PACE[vehicle]
