"""Who asks: a program with a token, or a browser with the session of the console, which may read."""

from typing import Final

from starlette.requests import Request

from ..console.desk import cookie_name
from ..operators.operators import SCOPES, Operators, Program
from .answers import Refused

_BY_ROLE: Final = {"viewer": ("read",), "operator": ("read",), "admin": ("read", "admin")}
"""What a session may ask for; changes are made on the pages, whose forms have a token of their own."""

TOKEN_CHARACTERS_MAX: Final = 128
"""Of an Authorization header; ours have 47."""


def program(request: Request, operators: Operators, scope: str) -> Program:
    """Who asks for something that needs this scope. Raises Refused. Not in the event loop."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    found: Program | None = None
    if scheme:
        if scheme.lower() == "bearer" and 0 < len(token) <= TOKEN_CHARACTERS_MAX:
            found = operators.program(token.strip())
    elif request.method in ("GET", "HEAD") and (session := request.cookies.get(cookie_name(request), "")):
        operator = operators.session(session)
        found = Program(operator.name, _BY_ROLE[operator.role]) if operator is not None else None
    if found is None:
        hint = "Send Authorization: Bearer <a token>. At the centre: doorstep central token add NAME --scope read."
        raise Refused(401, hint, {"www-authenticate": "Bearer"})
    if scope not in found.scopes:
        header = f'Bearer error="insufficient_scope", scope="{scope}"'
        raise Refused(403, f"{found.name} has not the scope {scope}.", {"www-authenticate": header})
    return found


assert set(SCOPES) >= {scope for scopes in _BY_ROLE.values() for scope in scopes}
