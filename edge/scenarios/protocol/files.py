"""The files of the contract, as text: what `doorstep scenario protocol` writes."""

import json
from collections.abc import Sequence
from typing import Any

from ...core.decode import Catalog
from ...core.scenario import Scenario
from . import asyncapi, openapi, schema, typescript


def texts(scenarios: Sequence[type[Scenario]]) -> dict[str, str]:
    """The text of each file by its name. The same scenarios give the same bytes.

    Raises:
        DoorstepError: two of them have one kind.
    """
    Catalog(scenarios)
    made, in_components = schema.contract(scenarios), schema.contract(scenarios, schema.IN_COMPONENTS)
    return {
        "doorstep.schema.json": _json(schema.document(made)),
        "doorstep.asyncapi.json": _json(asyncapi.document(in_components)),
        "doorstep.openapi.json": _json(openapi.document(in_components)),
        "doorstep.d.ts": typescript.document(made),
    }


def _json(document: Any) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"
