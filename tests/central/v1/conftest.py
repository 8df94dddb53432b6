"""A centre with three hours of three nodes, and a token for each scope."""

from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from central.operators.operators import SCOPES
from tests.central.consoles import Served, fill, served


@pytest.fixture(scope="module")
def console(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Shared by the tests of a file."""
    folder: Path = tmp_path_factory.mktemp("v1")
    fill(folder / "data")
    with served(folder) as running:
        yield running


@pytest.fixture(scope="module")
def tokens(console: Served) -> dict[str, str]:
    """By scope; `all` has all of them."""
    made = {scope: console.operators.add_token(f"of-{scope}", (scope,), 0, "test") for scope in SCOPES}
    return made | {"all": console.operators.add_token("of-all", SCOPES, 0, "test")}


@pytest.fixture
def ask(console: Served, tokens: dict[str, str]) -> Iterator[Callable[..., httpx.Response]]:
    """Ask with the token of a scope, `read` by default, or with none ("")."""

    client = httpx.Client(base_url=console.url, timeout=60, verify=False)

    def call(path: str, scope: str = "read", method: str = "GET", **more: object) -> httpx.Response:
        headers = {"authorization": f"Bearer {tokens[scope]}"} if scope else {}
        headers |= more.pop("headers", {})  # type: ignore[arg-type]
        return client.request(method, path, headers=headers, **more)  # type: ignore[arg-type]

    yield call
    client.close()
