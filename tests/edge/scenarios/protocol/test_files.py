"""Tests of edge.scenarios.protocol.files: the contract in sdk/protocol is that of the code."""

import pytest

from edge.scenarios.loader import DEFAULT, load
from edge.scenarios.protocol.files import texts
from tests.repo.project import ROOT

FOLDER = ROOT / "sdk/protocol"


@pytest.mark.parametrize("name", texts(load(DEFAULT)))
def test_the_published_contract_is_that_of_the_code(name):
    """Byte for byte. Where it is not: `doorstep scenario protocol --to sdk/protocol`."""
    assert (FOLDER / name).read_text(encoding="utf-8") == texts(load(DEFAULT))[name]


def test_nothing_else_claims_to_be_the_contract():
    """A file that nobody writes any more would be believed."""
    written = {path.name for path in FOLDER.iterdir() if path.is_file()}
    assert written == {"README.md", *texts(load(DEFAULT))}
