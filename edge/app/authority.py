"""Who may connect, from the files that the configuration names."""

from ..identity.authority import Authority
from ..identity.credentials import Credentials
from ..identity.revocations import Revocations
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
