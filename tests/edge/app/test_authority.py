"""Who may connect, as `edge.toml` has it."""

from pathlib import Path

import pytest

from edge.app.authority import read_authority
from edge.app.config import load
from edge.errors import InputError
from edge.identity.credentials import Newcomer, add
from edge.identity.revocations import revoke
from edge.identity.tokens import make_key, mint
from edge.messages.grants import EVERYBODY


def test_every_file_that_is_named_is_read(tmp_path: Path) -> None:
    """Credentials, keys, revocations and shops, with paths from the configuration's folder."""
    tokens = add(tmp_path / "credentials", [Newcomer("till-2", ("shop",), "shop-4")])
    make_key(tmp_path / "key.json", tmp_path / "keys.json", "ES256")
    token, token_id = mint(tmp_path / "key.json", Newcomer("c-1", ("customer",)), "here", 60)
    config = tmp_path / "edge.toml"
    names = 'token_keys = "keys.json"\ntoken_audience = "here"\ntoken_revoked = "revoked"\nshops = ["shop-5"]\n'
    config.write_text(f'node = "n-1"\n{names}')
    authority = read_authority(load(config))
    assert authority.authenticate("till-2", tokens["till-2"].encode()) is not None
    assert authority.authenticate("c-1", token.encode()) is not None
    assert authority.shops == {"shop-4", "shop-5"}
    revoke(tmp_path / "revoked", token_id=token_id)
    assert authority.look()
    assert authority.authenticate("c-1", token.encode()) is None


def test_anybody_and_any_shop(tmp_path: Path) -> None:
    """Anonymous clients need no file; `["*"]` takes orders for any shop."""
    config = tmp_path / "edge.toml"
    config.write_text('node = "n-1"\nanonymous = true\n')
    assert read_authority(load(config)).grant("anybody") is EVERYBODY
    config.write_text('node = "n-1"\nshops = ["*"]\n')
    with pytest.raises(InputError, match="doorstep credential add"):
        read_authority(load(config))
    add(tmp_path / "credentials", [Newcomer("till-2", ("shop",), "shop-4")])
    assert read_authority(load(config)).shops is None
