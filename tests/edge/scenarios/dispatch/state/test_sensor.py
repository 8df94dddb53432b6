"""Live looks at positions, and recorded ones."""

import pytest

from edge.core.model import DispatchRules, Glance, Now, Seen, Silence
from edge.errors import JournalError
from edge.scenarios.dispatch.state import sensor
from edge.scenarios.dispatch.state.positions import Positions

NOW = Now(10.0, 1_700_000_010_000)


def test_a_witness_notes_what_it_shows():
    """Each answer is in the log, in sequence; no silent rider makes no note."""
    positions = Positions(DispatchRules())
    positions.enter("r1", 0)
    positions.flag("r1", True, True)
    positions.put("r1", 8_000, 0.0, 0.0)
    witness = sensor.Witness(positions)
    assert witness.silent(NOW) == []
    assert witness.stirred(NOW)
    assert not witness.stirred(NOW)
    assert witness.nearest("o1", 0.0, 0.0, 5, NOW) == [Seen("r1", 0, 2)]
    assert witness.log == [Glance("", []), Glance("o1", [Seen("r1", 0, 2)])]


def test_many_looks_are_noted_one_by_one():
    """A look for several orders at once leaves the notes of one look after the other, and a testimony gives both the
    same; who is left out is seen by none of them."""
    positions = Positions(DispatchRules())
    for name, lat in (("r1", 0.0), ("r2", 0.01)):
        positions.enter(name, 0)
        positions.flag(name, True, True)
        positions.put(name, 8_000, lat, 0.0)
    asked = [("o1", 0.0, 0.0), ("o2", 0.01, 0.0)]
    witness, single = sensor.Witness(positions), sensor.Witness(positions)
    seen = witness.nearest_each(asked, 2, NOW)
    assert seen == [single.nearest(*one, 2, NOW) for one in asked]
    assert [[one.rider for one in row] for row in seen] == [["r1", "r2"], ["r2", "r1"]]
    assert witness.log == single.log
    few = witness.nearest_each(asked, 2, NOW, {"r1": "o9"})
    assert [[one.rider for one in row] for row in few] == [["r2"], ["r2"]]
    testimony = sensor.Testimony(witness.log)
    assert [testimony.nearest_each(asked, 2, NOW), testimony.nearest_each(asked, 2, NOW, ["r1"])] == [seen, few]
    assert testimony.log == witness.log


def test_a_testimony_gives_back_what_was_noted():
    """The same questions get the same answers, and the log is the same."""
    noted = [Silence(["r9"]), Glance("", []), Glance("o1", [Seen("r1", 5, 2)])]
    testimony = sensor.Testimony(noted)
    assert testimony.silent(NOW) == ["r9"]
    assert testimony.stirred(NOW)
    assert testimony.nearest("o1", 0.0, 0.0, 5, NOW) == [Seen("r1", 5, 2)]
    assert testimony.log == noted
    assert testimony.silent(NOW) == []
    assert not testimony.stirred(NOW)


@pytest.mark.parametrize("noted", [[], [Glance("o2", [])], [Silence(["r1"])]])
def test_another_question_is_an_error(noted):
    """A policy that looks at something else than the recorded one is told so."""
    with pytest.raises(JournalError, match="another version of the policy"):
        sensor.Testimony(noted).nearest("o1", 0.0, 0.0, 5, NOW)
