"""Tests of what a seed draws."""

from tests.mutants.draw import candidates, catching, draw
from tests.mutants.equivalent import EQUIVALENT
from tests.mutants.operators import OPERATORS, mutants
from tests.repo.project import ROOT, expect_none


def test_a_seed_draws_the_same_mutants() -> None:
    """The same 60 each time, all different, from every operator; another seed draws others."""
    drawn = draw(1, 60)
    assert drawn == draw(1, 60)
    assert len(set(drawn)) == 60
    assert {each.operator for each in drawn} == set(OPERATORS)
    assert len(set(drawn) & set(draw(2, 60))) < 10


def test_every_file_with_mutants_has_tests() -> None:
    """A fault in it can be caught by somebody."""
    drawn = {mutant.file for found in candidates().values() for mutant in found}
    expect_none(f"{file} has no test" for file in sorted(drawn) if not catching(file))


def test_equivalent_mutants_exist() -> None:
    """Each that the list names is still drawn from its file, and has its reason."""
    known = {
        (file, each.before.strip(), each.after.strip())
        for file in {file for file, _, _ in EQUIVALENT}
        for each in mutants(file, (ROOT / file).read_text(encoding="utf-8"))
    }
    expect_none(f"{key} is no mutant" for key in EQUIVALENT if key not in known)
    assert all(EQUIVALENT.values())
