"""Who may connect, from every file that counts."""

from pathlib import Path

import pytest

from edge.identity.authority import Authority
from edge.identity.credentials import Credentials, Newcomer, add
from edge.identity.revocations import Revocations, revoke
from edge.identity.tokens import TokenKeys, make_key, mint
from edge.messages.grants import EVERYBODY, Grant


class Files:
    """A rider and a till in the credentials file, and a key for customers."""

    def __init__(self, folder: Path) -> None:
        people = [Newcomer("rider-1", ("rider",)), Newcomer("till-2", ("shop",), "shop-4")]
        self.secrets = add(folder / "credentials", people)
        self.folder = folder
        make_key(folder / "key.json", folder / "keys.json", "EdDSA")

    def token(self, client: str, role: str = "customer", shop: str = "") -> bytes:
        return mint(self.folder / "key.json", Newcomer(client, (role,), shop), "doorstep", 60)[0].encode()

    def authority(self, *shops: str, any_shop: bool = False) -> Authority:
        return Authority(
            Credentials.load(self.folder / "credentials"),
            TokenKeys.load(self.folder / "keys.json", "doorstep"),
            Revocations(self.folder / "revoked"),
            shops,
            any_shop=any_shop,
        )


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path)


def test_a_line_or_a_token_proves_a_name(files: Files) -> None:
    """Either is good for its own client only."""
    authority = files.authority()
    assert authority.authenticate("rider-1", files.secrets["rider-1"].encode()) == Grant(("rider",))
    assert authority.authenticate("till-2", files.secrets["rider-1"].encode()) is None
    token = files.token("customer-9")
    granted = authority.authenticate("customer-9", token)
    assert granted is not None
    assert granted.roles == ("customer",)
    assert authority.authenticate("customer-8", token) is None
    assert authority.authenticate("customer-9", b"") is None
    assert Authority().authenticate("rider-1", b"") is None


def test_a_revoked_token_proves_nothing_from_the_next_look_on(files: Files) -> None:
    """And the other tokens stay good."""
    authority, token, other = files.authority(), files.token("c-1"), files.token("c-2")
    assert authority.authenticate("c-1", token) is not None
    revoke(files.folder / "revoked", client="c-1")
    assert authority.look()
    assert authority.authenticate("c-1", token) is None
    assert authority.authenticate("c-2", other) is not None


def test_nobody_else_has_the_name_of_a_shop(files: Files) -> None:
    """The updates of a shop go to its name: a customer of that name would read them."""
    authority = files.authority("shop-5")
    for shop in ("shop-4", "shop-5"):
        assert authority.authenticate(shop, files.token(shop)) is None
        assert authority.authenticate(shop, files.token(shop, "shop")) is not None
    assert authority.authenticate("till-2", files.secrets["till-2"].encode()) is not None


@pytest.mark.parametrize(
    ("authority", "shops"),
    [
        (Authority(anonymous=True), None),
        (Authority(shops=["a"], anonymous=True), {"a"}),
        (Authority(shops=["a"]), {"a"}),
        (Authority(), set()),
        (Authority(any_shop=True), None),
    ],
)
def test_the_shops_that_exist(authority: Authority, shops: set[str] | None) -> None:
    """Those that are named; any, where everybody may be everything or the configuration allows any."""
    assert authority.shops == shops


def test_credentials_name_shops(files: Files) -> None:
    """A credential with the role makes its shop exist."""
    assert files.authority("shop-9").shops == {"shop-4", "shop-9"}
    assert files.authority(any_shop=True).shops is None


def test_behind_a_broker_the_file_has_the_roles(files: Files) -> None:
    """By name, since the broker has checked the password; a name that is not there has no role."""
    authority = files.authority()
    assert authority.grant("till-2") == Grant(("shop",), "shop-4")
    assert authority.grant("nobody") == Grant()
    assert Authority(anonymous=True).grant("anybody") is EVERYBODY
