"""One-line faults: what can be changed in a source text, found on its syntax tree and made in the text.

Not changed are assertions (they state what cannot happen), annotations and names of types, formatted text, keywords of
classes, and constants and defaults that are plain numbers, one or a list of them: their value is a choice, not logic.
"""

import ast
import re
from collections.abc import Callable, Iterator
from typing import NamedTuple


class Mutant(NamedTuple):
    """One line of one file, before and after."""

    file: str
    line: int
    operator: str
    before: str
    after: str


class Edit(NamedTuple):
    """In one line, the bytes from `start` to `end` become `text`."""

    line: int
    start: int
    end: int
    text: str


COMPARISONS = {
    ast.Lt: "<=",
    ast.LtE: "<",
    ast.Gt: ">=",
    ast.GtE: ">",
    ast.Eq: "!=",
    ast.NotEq: "==",
    ast.Is: "is not",
    ast.IsNot: "is",
    ast.In: "not in",
    ast.NotIn: "in",
}
ARITHMETIC = {
    ast.Add: "-",
    ast.Sub: "+",
    ast.Mult: "+",
    ast.FloorDiv: "*",
    ast.Div: "*",
    ast.Mod: "*",
    ast.BitAnd: "|",
    ast.BitOr: "&",
    ast.LShift: ">>",
    ast.RShift: "<<",
}
SWAPPED = {"min": "max", "max": "min", "any": "all", "all": "any"}


class Source:
    """A file's text by lines of bytes, since the tree counts columns in bytes."""

    def __init__(self, text: str) -> None:
        self.lines = [line.encode() for line in text.split("\n")]
        self.tree = ast.parse(text)

    def of(self, node: ast.expr) -> str:
        return self.lines[node.lineno - 1][node.col_offset : node.end_col_offset].decode()

    def edited(self, edit: Edit) -> str:
        """The line after an edit."""
        line = self.lines[edit.line - 1]
        return (line[: edit.start] + edit.text.encode() + line[edit.end :]).decode()


def _instead(node: ast.expr | ast.stmt | ast.keyword, text: str) -> Edit:
    return Edit(node.lineno, node.col_offset, node.end_col_offset or 0, text)


def _between(left: ast.expr, right: ast.expr, text: str, source: Source) -> Iterator[Edit]:
    """The sign between two operands of one line; parentheses beside it stay."""
    if left.end_lineno == right.lineno:
        start = left.end_col_offset or 0
        between = source.lines[right.lineno - 1][start : right.col_offset].decode()
        closing, opening = re.match(r"[\s)]*", between), re.search(r"[\s(]*$", between)
        assert closing is not None
        assert opening is not None
        yield Edit(right.lineno, start, right.col_offset, f"{closing[0].rstrip()} {text} {opening[0].lstrip()}")


def _flip_comparison(node: ast.AST, source: Source) -> Iterator[Edit]:
    if isinstance(node, ast.Compare):
        for left, sign, right in zip([node.left, *node.comparators], node.ops, node.comparators, strict=False):
            yield from _between(left, right, COMPARISONS[type(sign)], source)


def _swap_arithmetic(node: ast.AST, source: Source) -> Iterator[Edit]:
    if isinstance(node, ast.BinOp) and type(node.op) in ARITHMETIC:
        yield from _between(node.left, node.right, ARITHMETIC[type(node.op)], source)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.Not):
        yield Edit(node.lineno, node.col_offset, node.operand.col_offset, "")


def _drop_term(node: ast.AST, source: Source) -> Iterator[Edit]:
    if isinstance(node, ast.BinOp) and type(node.op) in ARITHMETIC:
        yield _instead(node, source.of(node.left))
    if isinstance(node, ast.BoolOp):
        for left, right in zip(node.values, node.values[1:], strict=False):
            if left.end_lineno == right.end_lineno:
                yield Edit(right.lineno, left.end_col_offset or 0, right.end_col_offset or 0, "")


def _swap_and_or(node: ast.AST, source: Source) -> Iterator[Edit]:
    if isinstance(node, ast.BoolOp):
        for left, right in zip(node.values, node.values[1:], strict=False):
            yield from _between(left, right, "or" if isinstance(node.op, ast.And) else "and", source)


def _swap_extremes(node: ast.AST, _: Source) -> Iterator[Edit]:
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in SWAPPED:
        yield _instead(node.func, SWAPPED[node.func.id])


def _change_number(node: ast.AST, _: Source) -> Iterator[Edit]:
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float) and not isinstance(node.value, bool):
        yield _instead(node, repr(node.value + 1))
        yield _instead(node, f"({node.value - 1!r})")


def _flip_truth(node: ast.AST, _: Source) -> Iterator[Edit]:
    if isinstance(node, ast.Constant) and type(node.value) is bool:
        yield _instead(node, repr(not node.value))


def _negate_condition(node: ast.AST, source: Source) -> Iterator[Edit]:
    tests = [node.test] if isinstance(node, ast.If | ast.While | ast.IfExp) else []
    tests += node.ifs if isinstance(node, ast.comprehension) else []
    for test in tests:
        yield _instead(test, f"not ({source.of(test)})")


def _delete_statement(node: ast.AST, _: Source) -> Iterator[Edit]:
    """Not of a variable: that the next line does not find it would prove nothing about the tests."""
    acts = isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)
    stores = isinstance(node, ast.Assign) and not isinstance(node.targets[0], ast.Name | ast.Tuple)
    if acts or stores or isinstance(node, ast.AugAssign | ast.Raise | ast.Continue | ast.Break | ast.Delete):
        yield _instead(node, "pass")  # type: ignore[arg-type]


def _drop_sort_key(node: ast.AST, source: Source) -> Iterator[Edit]:
    """The whole key, or one of the parts that a lambda gives."""
    for keyword in node.keywords if isinstance(node, ast.Call) else []:
        if keyword.arg == "key":
            start = node.args[-1].end_col_offset if node.args else keyword.col_offset  # type: ignore[union-attr]
            yield Edit(keyword.lineno, start or 0, keyword.end_col_offset or 0, "")
            if isinstance(keyword.value, ast.Lambda) and isinstance(keyword.value.body, ast.Tuple):
                parts = keyword.value.body.elts
                for part in parts:
                    rest = ", ".join(source.of(each) for each in parts if each is not part)
                    yield _instead(keyword.value.body, f"({rest},)")


OPERATORS: dict[str, Callable[[ast.AST, Source], Iterator[Edit]]] = {
    "comparison flipped": _flip_comparison,
    "sign swapped": _swap_arithmetic,
    "term dropped": _drop_term,
    "and/or swapped": _swap_and_or,
    "min/max swapped": _swap_extremes,
    "number changed": _change_number,
    "truth flipped": _flip_truth,
    "condition negated": _negate_condition,
    "statement deleted": _delete_statement,
    "sort key dropped": _drop_sort_key,
}


def mutants(file: str, text: str) -> Iterator[Mutant]:
    """Every one-line fault that the operators can make of a file."""
    source = Source(text)
    for node in _changeable(source.tree):
        for name, operator in OPERATORS.items():
            if getattr(node, "lineno", 0) == getattr(node, "end_lineno", 0):
                for edit in operator(node, source):
                    before, after = source.lines[edit.line - 1].decode(), source.edited(edit)
                    if after != before:
                        yield Mutant(file, edit.line, name, before, after)


def _changeable(node: ast.AST) -> Iterator[ast.AST]:
    """The nodes below one, without the parts that no operator touches."""
    for field, value in ast.iter_fields(node):
        if field in ("annotation", "returns") or (isinstance(node, ast.ClassDef) and field == "keywords"):
            continue
        for each in value if isinstance(value, list) else [value]:
            if isinstance(each, ast.AST) and not _fixed(each, node):
                yield each
                yield from _changeable(each)


def _fixed(node: ast.AST, above: ast.AST) -> bool:
    if isinstance(node, ast.keyword):
        return node.arg == "strict"
    if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
        return True
    if isinstance(above, ast.Module | ast.ClassDef) and isinstance(node, ast.Assign | ast.AnnAssign) and node.value:
        target = ast.unparse(node.targets[0] if isinstance(node, ast.Assign) else node.target)
        if target.isupper() or isinstance(above, ast.ClassDef):
            return all(_plain(each) for each in ast.walk(node.value))
        return isinstance(node.value, ast.BinOp | ast.Subscript) and all(map(_of_a_type, ast.walk(node.value)))
    return isinstance(node, ast.Assert | ast.JoinedStr)


def _plain(node: ast.AST) -> bool:
    """A part of a number, or of a tuple of numbers."""
    parts = ast.Constant | ast.BinOp | ast.UnaryOp | ast.operator | ast.unaryop | ast.expr_context
    return isinstance(node, parts | ast.Tuple | ast.Starred) or (isinstance(node, ast.Name) and node.id.isupper())


def _of_a_type(node: ast.AST) -> bool:
    """A part of what may stand in an annotation: `tuple[str, A | B]`."""
    names = ast.Name | ast.Attribute | ast.Subscript | ast.Tuple | ast.List | ast.expr_context
    return isinstance(node, names | ast.BinOp | ast.BitOr) or (isinstance(node, ast.Constant) and node.value is None)
