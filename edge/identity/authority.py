"""Who may connect, and as what: one answer from credentials, tokens, revocations, and the shops that exist."""

from collections.abc import Iterable

from ..messages.grants import EVERYBODY, Grant
from .credentials import Credentials
from .revocations import Revocations
from .tokens import SHAPE, TokenKeys


class Authority:
    """A reload makes a new one. Without `credentials` and `keys` nobody is authenticated. `anonymous`:
    everybody may be everything, authenticated or not. `any_shop`: there are others than those that are named."""

    def __init__(
        self,
        credentials: Credentials | None = None,
        keys: TokenKeys | None = None,
        revocations: Revocations | None = None,
        shops: Iterable[str] = (),
        *,
        anonymous: bool = False,
        any_shop: bool = False,
    ) -> None:
        self._credentials, self._keys, self._revocations = credentials, keys, revocations or Revocations()
        self._anonymous = anonymous
        named = frozenset([*shops, *(credentials.shops if credentials is not None else ())])
        self._named = named
        self.shops: frozenset[str] | None = None if any_shop or (anonymous and not named) else named
        """Every shop that exists; None where any does."""

    def authenticate(self, name: str, secret: bytes) -> Grant | None:
        """What a client may be, where `secret` proves its name. Nobody but a shop's own clients can have its name,
        since its updates go there."""
        grant = self._credentials.verify(name, secret) if self._credentials is not None else None
        if grant is None and self._keys is not None and SHAPE.fullmatch(secret):
            found = self._keys.verify(name, secret)
            if isinstance(found, Grant) and (name, found) not in self._revocations:
                grant = found
        if grant is not None and name in self._named and grant.shop != name:
            return None
        return grant

    def knows(self, name: str) -> bool:
        """Whether the credentials have a client of this name."""
        return self._credentials is not None and self._credentials.grant(name) is not None

    def clients(self) -> dict[str, Grant]:
        """Those of the credentials, with what each may be."""
        return self._credentials.clients() if self._credentials is not None else {}

    def look(self) -> bool:
        """Read the revocations again where their file has changed; whether it has. Raises InputError, and then those of
        before stay."""
        return self._revocations.look()

    def grant(self, name: str) -> Grant:
        """What a client may be that somebody else (a broker) has authenticated."""
        if self._anonymous:
            return EVERYBODY
        return (self._credentials.grant(name) if self._credentials is not None else None) or Grant()
