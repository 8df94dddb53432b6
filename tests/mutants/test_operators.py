"""Tests of the operators that make faults."""

import pytest

from tests.mutants.operators import OPERATORS, mutants

CASES = {
    "comparison flipped": ("a = b < c", ["a = b <= c"]),
    "sign swapped": ("a = (b) - (-c)", ["a = (b) + (-c)", "a = (b) - (c)"]),
    "term dropped": ("a = b and c", ["a = b"]),
    "and/or swapped": ("a = b or c", ["a = b and c"]),
    "min/max swapped": ("a = min(b, c)", ["a = max(b, c)"]),
    "number changed": ("a = b[7]", ["a = b[8]", "a = b[(6)]"]),
    "truth flipped": ("a = f(deep=True)", ["a = f(deep=False)"]),
    "condition negated": ("a = b if c else d", ["a = b if not (c) else d"]),
    "statement deleted": ("a.b = c", ["pass"]),
    "sort key dropped": (
        "a = sorted(b, key=lambda c: (c.d, c.e))",
        ["a = sorted(b)", "a = sorted(b, key=lambda c: (c.e,))", "a = sorted(b, key=lambda c: (c.d,))"],
    ),
}


@pytest.mark.parametrize("operator", OPERATORS)
def test_each_operator_changes_one_line(operator: str) -> None:
    """An operator gives the lines that its row of the table has, at their place."""
    before, after = CASES[operator]
    made = [each for each in mutants("x.py", f"z = 'é'\n{before}\n") if each.operator == operator]
    assert [each.after for each in made] == after
    assert {(each.file, each.line, each.before) for each in made} == {("x.py", 2, before)}


@pytest.mark.parametrize(
    "text",
    [
        "assert a < 1",
        "a: f[1, True]",
        "a = f'{b + 1}'",
        "A, B = 1, 2 * 3",
        "A: Final = -1.5",
        "class A(B, frozen=True): ...",
        "class A:\n    b: int = 7",
        "A = B | C",
        "a = zip(b, c, strict=True)",
        "if TYPE_CHECKING:\n    import a",
    ],
)
def test_what_proves_nothing_is_left_alone(text: str) -> None:
    """Assertions, annotations, formatted text, chosen numbers and the like stay."""
    assert list(mutants("x.py", text)) == []
