"""The health index: how well each scenario does at each node, from 0 to 100, and what to do about it."""

from typing import Final

DAYS: Final = 7
DAYS_MAX: Final = 90
"""That are looked at, by default and at most; as many before are compared with them."""
