"""The published results, to stand beside ours.

Source: Reyes, Erera, Savelsbergh, Sahasrabudhe, O'Neil: The Meal Delivery Routing Problem, 2018: Table 17 (mean of all
240 instances), the variant with mean preparation times only, Table 4 (the 16 with clairvoyant values), Tables 9 and 12
(scarce couriers). Each is their default parameters, unless stated otherwise.
"""

from itertools import product
from typing import Final

Values = dict[str, float]
"""By the names of the scorer's fields."""

ALL_240: Final[Values] = {
    "undelivered_pct": 0.25,
    "ctd_mean": 32.74,
    "ctd_p90": 49.3,
    "overage_mean": 2.77,
    "rtp_mean": 1.93,
    "rtp_p90": 6.04,
    "utilisation_mean": 0.63,
    "cost_per_order": 11.42,
    "orders_per_bundle": 1.09,
    "lb_ctd": 30.35,
}

UNCERTAIN_240: Final[Values] = {
    "undelivered_pct": 0.62,
    "ctd_mean": 34.03,
    "ctd_p90": 50.63,
    "overage_mean": 3.40,
    "rtp_mean": 2.90,
}

CLAIRVOYANT_NAMES: Final = tuple(
    "".join(parts) for parts in product(("0o50", "0r50"), ("t100", "t75"), ("s1", "s2"), ("p100", "p125"))
)
CLAIRVOYANT_16: Final[Values] = {"ctd_mean": 31.88, "rtp_mean": 1.40, "lb_ctd": 29.99}
EXACT_16: Final[Values] = {"ctd_mean": 30.67, "rtp_mean": 0.66, "lb_ctd": 29.99}
"""Exact with hindsight: bundles of at most two, no repositioning."""


def _scarce(undelivered_pct: float, ctd_mean: float, rtp_mean: float, cost_per_order: float) -> Values:
    return {
        "undelivered_pct": undelivered_pct,
        "ctd_mean": ctd_mean,
        "rtp_mean": rtp_mean,
        "cost_per_order": cost_per_order,
    }


SCARCE: Final[dict[str, Values]] = {
    "1o50t100s1p100": _scarce(3.35, 38.24, 8.44, 10.28),
    "1o50t100s1p125": _scarce(4.09, 41.89, 8.51, 10.2),
    "1o50t100s2p100": _scarce(0, 31.54, 3.38, 10.27),
    "1o50t100s2p125": _scarce(0, 35.57, 3.73, 10.18),
    "5o50t100s1p100": _scarce(0.5, 38.3, 5.8, 10.4),
    "5o50t100s1p125": _scarce(1.3, 42.7, 6.4, 10.3),
    "7o50t100s1p125": _scarce(0.6, 38, 4.6, 10.4),
    "5o100t100s1p100": _scarce(0.6, 37.1, 4.2, 10.8),
}
