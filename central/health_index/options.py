"""The section `[health]` of the centre's configuration."""

from typing import Annotated

from msgspec import Meta, Struct

Weight = Annotated[int, Meta(ge=0, le=1_000)]
Budget = Annotated[int, Meta(ge=1, le=86_400_000)]


class HealthOptions(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The section `[health]` of the centre's configuration: a weight for each part (0: it does not count), and from
    when on there is a score and an advice."""

    response: Weight = 15
    quality: Weight = 20
    promise: Weight = 20
    declines: Weight = 5
    refusals: Weight = 5
    freshness: Weight = 10
    loss: Weight = 15
    use: Weight = 5
    trend: Weight = 5
    response_ms: Annotated[dict[str, Budget], Meta(max_length=64)] = {}
    events_min: Annotated[int, Meta(ge=1, le=2**40)] = 200
    shop_orders_min: Annotated[int, Meta(ge=1, le=2**40)] = 50
    values_min: Annotated[int, Meta(ge=1, le=2**40)] = 20
    mend_below: Annotated[int, Meta(ge=1, le=100)] = 60
    retire_events_per_day: Annotated[int, Meta(ge=0, le=2**40)] = 20
    retire_shop_orders_per_day: Annotated[int, Meta(ge=0, le=2**40)] = 2
    retire_trend: Annotated[float, Meta(ge=0, le=1)] = 0.7

    def weights(self) -> dict[str, int]:
        """By the name of the part."""
        return {
            "response": self.response,
            "quality": self.quality,
            "promise": self.promise,
            "declines": self.declines,
            "refusals": self.refusals,
            "freshness": self.freshness,
            "loss": self.loss,
            "use": self.use,
            "trend": self.trend,
        }
