"""Who may ask: by a token, or for reading by a session."""

from pathlib import Path

import pytest
from starlette.requests import Request

from central.operators.operators import Operators
from central.operators.tables import TABLES
from central.v1.access import program
from central.v1.answers import Refused


def request(method: str = "GET", **headers: str) -> Request:
    """With these headers."""
    listed = [(name.encode(), value.encode()) for name, value in headers.items()]
    scope = {"type": "http", "method": method, "scheme": "http", "server": ("127.0.0.1", 80), "path": "/v1/nodes"}
    return Request({**scope, "query_string": b"", "headers": [(b"host", b"x"), *listed]})


def test_tokens_and_sessions(tmp_path: Path) -> None:
    """A token has its scopes; a session reads, changes nothing, and counts only where no token is shown."""
    operators = Operators(TABLES.open(tmp_path))
    token = operators.add_token("robot", ("read", "write"), 0, "test")
    operators.add("mei", "admin", "correct horse battery", "test")
    cookie = f"doorstep-centre-80={operators.log_in('mei', 'correct horse battery', '', '')}"
    assert program(request(authorization=f"Bearer {token}"), operators, "write").name == "robot"
    assert program(request(authorization=f"bearer  {token}"), operators, "read").name == "robot"
    assert program(request(cookie=cookie), operators, "admin").name == "mei"
    refused = {
        401: [request("POST", cookie=cookie), request(cookie=cookie, authorization="Bearer x"), request()],
        403: [request(authorization=f"Bearer {token}")],
    }
    for status, requests in refused.items():
        for each in requests:
            with pytest.raises(Refused) as error:
                program(each, operators, "admin")
            assert error.value.status == status
            assert "www-authenticate" in error.value.headers
    operators.close()
