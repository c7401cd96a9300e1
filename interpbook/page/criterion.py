"""Criteria of claims: short comparisons such as `max(value) < 1e-12`, read from the registry and checked."""

import ast
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

Value = float | np.ndarray


def _stderr(values: np.ndarray) -> float:
    return float(np.std(values, ddof=1) / np.sqrt(len(values)))


def _std(values: np.ndarray) -> float:
    return float(np.std(values, ddof=1))


FUNCTIONS: dict[str, Callable] = {
    "abs": np.abs,
    "all": np.all,
    "any": np.any,
    "diff": np.diff,
    "len": np.size,
    "max": np.max,
    "mean": np.mean,
    "median": np.median,
    "min": np.min,
    "std": _std,
    "stderr": _stderr,
    "sum": np.sum,
}

# Bounds up to here are set to rounding noise, above it to what a chapter is about.
SMALL = 1e-3
# More than any criterion needs, and too little for one that takes long to read or to compute.
LONGEST = 1000

_ALLOWED = (
    ast.Expression,
    ast.Compare,
    ast.BoolOp,
    ast.BinOp,
    ast.UnaryOp,
    ast.Call,
    ast.Name,
    ast.Constant,
    ast.Load,
    ast.And,
    ast.Or,
    ast.Not,
    ast.USub,
    ast.Add,
    ast.Sub,
    ast.Mult,
    ast.Div,
    ast.Pow,
    ast.Lt,
    ast.LtE,
    ast.Gt,
    ast.GtE,
    ast.Eq,
    ast.NotEq,
)


def parse(text: str, *, compares: bool = True) -> ast.Expression:
    """The criterion as a tree: nothing in it but comparisons, arithmetic, numbers, names and `FUNCTIONS`.

    compares: whether it must compare something, as a criterion does, and an expression for a number does not.

    Raises:
        ValueError: a syntax error, a construct or function outside that list, or no comparison at all; more than
            `LONGEST` characters, or nested too deeply for Python to read.

    >>> parse("__import__('os')")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ValueError: criterion "__import__('os')": __import__ is not one of the functions abs, all, ...
    """
    if len(text) > LONGEST:
        raise ValueError(f'criterion "{text[:60]}..." has {len(text)} characters, at most {LONGEST} are read')
    try:
        return _parse(text, compares)
    except (RecursionError, MemoryError):
        raise ValueError(f'criterion "{text}" is nested too deeply') from None


def _parse(text: str, compares: bool) -> ast.Expression:
    try:
        tree = ast.parse(text, mode="eval")
    except (SyntaxError, ValueError) as error:  # the latter of a null character
        raise ValueError(f'criterion "{text}" is not a Python expression: {error}') from None
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = node.func.id if isinstance(node.func, ast.Name) else ast.unparse(node.func)
            if name not in FUNCTIONS or node.keywords:
                raise ValueError(f'criterion "{text}": {name} is not one of the functions {", ".join(FUNCTIONS)}')
        elif not isinstance(node, _ALLOWED):
            raise ValueError(f'criterion "{text}": {type(node).__name__} is not allowed')
        elif isinstance(node, ast.Constant) and (
            isinstance(node.value, bool) or not isinstance(node.value, int | float)
        ):
            raise ValueError(f'criterion "{text}": {node.value!r} is not a number')
    if compares and not any(isinstance(node, ast.Compare) for node in ast.walk(tree)):
        raise ValueError(f'criterion "{text}" compares nothing')
    return tree


def names(text: str) -> set[str]:
    """The measured names that a criterion reads.

    >>> sorted(names("mean(fullgrad) < mean(random)"))
    ['fullgrad', 'random']
    """
    return _measured(parse(text))


def bounds(text: str) -> dict[str, float]:
    """The names of which a criterion asks only that they stay below a small number, which is rounding noise.

    Small is 0.001 and less; a name that any other comparison reads too is not among them.

    >>> bounds("max(abs(gap)) < 1e-12 and share > 0.05 and slope < 1e-6 and slope > -1")
    {'gap': 1e-12}
    """
    tree = parse(text).body
    parts = tree.values if isinstance(tree, ast.BoolOp) and isinstance(tree.op, ast.And) else [tree]
    found: dict[str, float] = {}
    for part in parts:
        match part:
            case ast.Compare(left=left, ops=[ast.Lt() | ast.LtE()], comparators=[ast.Constant(value=float(limit))]):
                read = _name_of_size(left)
                if read is not None and 0 < limit <= SMALL:
                    found[read] = limit
    everywhere = [node.id for node in ast.walk(tree) if isinstance(node, ast.Name)]
    return {name: limit for name, limit in found.items() if everywhere.count(name) == 1}


def _name_of_size(tree: ast.expr) -> str | None:
    """The name in `gap`, `max(gap)`, `abs(gap)` or `max(abs(gap))`."""
    while isinstance(tree, ast.Call) and isinstance(tree.func, ast.Name) and tree.func.id in ("abs", "max"):
        tree = tree.args[0]
    return tree.id if isinstance(tree, ast.Name) else None


def holds(text: str, values: Mapping[str, Value]) -> bool:
    """Whether the criterion is true of the measured `values`, each a number or a 1-D array.

    Arithmetic and comparisons of arrays (one entry per seed) go entry by entry; `std` and `stderr` divide
    by n - 1; powers are those of floats.

    Raises:
        ValueError: the criterion is malformed, names something that was not measured, leads out of the numbers
            (a division by zero, a float that overflows), or does not end in one truth value (an array compared
            without `all`, `any`, `mean`, ...).

    >>> holds("all(a < b) and mean(b - a) > 0.5", {"a": np.array([1.0, 2.0]), "b": np.array([2.0, 3.0])})
    True
    """
    outcome = _evaluated(text, parse(text), values)
    if np.ndim(outcome) != 0:
        raise ValueError(f'criterion "{text}" gives {np.size(outcome)} truth values: reduce with all, any or mean')
    return bool(outcome)


def value(text: str, values: Mapping[str, Value]) -> Value:
    """What an expression in the criteria's language comes to, entry by entry: `gradient - FullGrad`, one per seed.

    Raises:
        ValueError: as for `holds`, and where the outcome is not finite.

    >>> value("a - b", {"a": np.array([1.0, 2.0]), "b": np.array([0.5, 0.5])})
    array([0.5, 1.5])
    """
    outcome = _evaluated(text, parse(text, compares=False), values)
    array = np.asarray(outcome, dtype=float)
    if not np.isfinite(array).all():
        raise ValueError(f'"{text}" is {array.tolist()} here, expected finite numbers')
    return float(array) if array.ndim == 0 else array


def compares_means(text: str) -> bool:
    """Whether a criterion tells averages apart with no word on how far they may be apart by chance.

    That is a comparison that averages something and reads two measured names or more, without two or more `stderr`.

    >>> compares_means("mean(a) < mean(b)"), compares_means("mean(b - a) > 0"), compares_means("mean(a) < b")
    (True, True, True)
    >>> compares_means("mean(b - a) > 2 * stderr(b - a)"), compares_means("mean(a) < 0.1"), compares_means("all(a < b)")
    (False, False, False)
    """
    comparisons = [node for node in ast.walk(parse(text)) if isinstance(node, ast.Compare)]
    return any(_averages(node) and len(_measured(node)) > 1 and not _allows_for_chance(node) for node in comparisons)


def _averages(tree: ast.AST) -> bool:
    """Whether something in it is reduced to its mean, median or sum."""
    calls = (node.func for node in ast.walk(tree) if isinstance(node, ast.Call))
    return any(isinstance(name, ast.Name) and name.id in ("mean", "median", "sum") for name in calls)


def _measured(tree: ast.AST) -> set[str]:
    return {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)} - set(FUNCTIONS)


def _allows_for_chance(tree: ast.AST) -> bool:
    """Whether at least two standard errors stand in it, `2 * stderr(...)`."""
    for node in ast.walk(tree):
        match node:
            case ast.BinOp(
                left=ast.Constant(value=int() | float() as factor),
                op=ast.Mult(),
                right=ast.Call(func=ast.Name(id="stderr")),
            ) if factor >= 2:
                return True
    return False


def _evaluated(text: str, tree: ast.Expression, values: Mapping[str, Value]) -> Any:
    """The outcome of a parsed expression; text is what messages call it."""
    missing = _measured(tree) - set(values)
    if missing:
        raise ValueError(
            f'criterion "{text}" reads {", ".join(sorted(missing))}, but measured was {", ".join(sorted(values))}'
        )
    scope: dict[str, object] = {"__builtins__": {}, _Powers.name: _power, **FUNCTIONS, **values}
    try:
        bounded = ast.fix_missing_locations(_Powers().visit(tree))
        return eval(compile(bounded, "<criterion>", "eval"), scope)
    except (ValueError, TypeError, ArithmeticError, RecursionError, MemoryError) as error:
        raise ValueError(f'criterion "{text}" has no single truth value here: {error}') from None


class _Powers(ast.NodeTransformer):
    """Replaces each power by a call of `_power`."""

    name = "**"  # which no criterion can spell, nor a measured value have

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        self.generic_visit(node)
        if not isinstance(node.op, ast.Pow):
            return node
        return ast.Call(func=ast.Name(id=self.name, ctx=ast.Load()), args=[node.left, node.right], keywords=[])


def _power(base: Any, exponent: Any) -> Any:
    """A power of floats: one of integers, such as 9**9**9, can have more digits than a computer can hold."""
    left, right = (np.asarray(side, float) if np.ndim(side) else float(side) for side in (base, exponent))
    return left**right
