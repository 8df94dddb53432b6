"""Roles of clients: what a credential stands for, and what each kind of message names as its senders."""

from typing import Final, Literal, get_args

Role = Literal["customer", "rider", "shop", "gateway", "dispatcher"]

ROLES: Final[tuple[Role, ...]] = get_args(Role)
