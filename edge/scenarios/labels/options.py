"""The options of labels: the section `[labels]` of the configuration. A reload applies all of them."""

from typing import Annotated

from msgspec import Meta, Struct

from ...messages.envelope import ClientName


class LabelsOptions(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Seconds, and numbers of things. A version that is not confirmed is sent again after `resend_after_s`, then after
    twice as long each time, up to `resend_max_s`. The share of one shop is half of everything, so that no shop alone
    closes the node to the others. A gateway in `gateways` serves the shops listed there and no others; one that is not
    there serves any."""

    resend_after_s: Annotated[int, Meta(ge=1, le=600)] = 5
    resend_max_s: Annotated[int, Meta(ge=1, le=3600)] = 300
    behind_after_s: Annotated[int, Meta(ge=5, le=24 * 3600)] = 60
    skus_max: Annotated[int, Meta(ge=1, le=200_000)] = 20_000
    labels_max: Annotated[int, Meta(ge=1, le=200_000)] = 20_000
    skus_per_shop_max: Annotated[int, Meta(ge=1, le=200_000)] = 10_000
    labels_per_shop_max: Annotated[int, Meta(ge=1, le=200_000)] = 10_000
    gateways: Annotated[
        dict[ClientName, Annotated[list[ClientName], Meta(max_length=1_000)]], Meta(max_length=10_000)
    ] = {}
