"""Who may connect, from the files that the configuration names, and how the log calls them."""

import contextlib

from ..identity.authority import Authority
from ..identity.credentials import Credentials
from ..identity.pseudonyms import KEY, KEY_FILE, Pseudonyms, new_key
from ..identity.revocations import Revocations
from ..log.names import NamesHidden
from ..log.writer import Writer
from ..mqtt.server.endpoint import Endpoint
from ..service.datadir import DataDir
from ..service.listeners import Listeners
from .config import ANY_SHOP, Config


def read_authority(config: Config) -> Authority:
    """Read the files (again). Raises InputError, which names the file and what is wrong."""
    shops = [] if ANY_SHOP in config.shops else config.shops
    if config.anonymous:
        return Authority(shops=shops, anonymous=True)
    keys = None
    if config.token_keys:
        from ..identity.tokens import TokenKeys

        keys = TokenKeys.load(config.token_keys, config.token_audience)
    revocations = Revocations(config.token_revoked) if config.token_revoked else None
    return Authority(Credentials.load(config.credentials), keys, revocations, shops, any_shop=ANY_SHOP in config.shops)


def name_clients(
    writer: Writer, config: Config, data: DataDir, listeners: Listeners, endpoint: Endpoint | None
) -> None:
    """Make the key at the first start, and have the log use it with `log_pseudonyms`. Clients are those of the
    credentials, and those who are or were connected. Raises InputError where the log needs a key and has none."""
    with contextlib.suppress(OSError):  # a full disk: at the next start
        data.kept(KEY_FILE, KEY, new_key)
    if not config.log_pseudonyms:
        return
    sessions = endpoint.registry.identities if endpoint is not None else {}
    shops = frozenset(config.shops)

    def is_client(word: str) -> bool:
        return word in sessions or word in shops or listeners.authority.knows(word)

    writer.hidden = NamesHidden(Pseudonyms.read(data.path).of, is_client)
