"""Measured numbers: shown with their spread, stored, and compared by interval with those of another machine.

A number that depends on floating-point arithmetic is not the same on every processor. It is stored with what it may
differ by: its standard deviation over seeds, a tolerance that the author states, or, where it is rounding noise, a
bound that takes the number's place.
"""

import json
import math
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np

# How many standard deviations the mean of another run may be away. The mean of five independent seeds differs from
# that of five others by more than three once in a hundred times; by five never.
SPREADS = 3.0
# The smallest and the largest of a few seeds move more than their mean.
SPREADS_OF_RANGE = 4.0
# Another run's standard deviation may be this many times as large, or as small.
RATIO_OF_SPREADS = 5.0
# What a number without spread and tolerance may differ by, relative to its size.
RELATIVE = 0.05
# Differences below this are rounding, whatever the spread; so is this part of a tolerance (1 - 0.95 exceeds 0.05).
ROUNDING = 1e-5

# Inside a text a number stands between these marks, with what is stored of it after the bar.
MARKED = re.compile(r"«([^«»|]*)(?:\|([^«»]*))?»")
NUMERAL = re.compile(r"[-+−]?(?:\d[\d,]*\.?\d*|\.\d+)(?:e[-+]?\d+)?%?")
_FORMATS = (
    "",
    *(f"{sign}{comma}.{k}{kind}" for sign in ("", "+") for comma in ("", ",") for k in range(7) for kind in "gfe%"),
)


@dataclass(frozen=True)
class Number:
    """A measured number: the mean of `n` values, their standard deviation (n - 1) and range.

    Attributes:
        mean, std, low, high: six significant digits of each; `std` is 0 for a single value.
        n: how many values, over seeds for example.
        tolerance: what the mean may differ by on another machine, in its own units, as the author states it; 0 where
            the spread says enough.
        bound: for rounding noise: no value is more than this from zero. What the values were is not stored.
    """

    mean: float
    std: float
    low: float
    high: float
    n: int
    tolerance: float = field(default=0.0)
    bound: float | None = None

    def __format__(self, spec: str) -> str:
        """As "«0.873 ± 0.018|...»": what is shown, in `spec`'s format, and what `page.figure` stores of it."""
        return f"«{self.shown(spec)}|{json.dumps(self.as_json())}»"

    def __str__(self) -> str:
        return format(self, "")

    def shown(self, spec: str = "") -> str:
        """What a reader sees: "0.873 ± 0.018", "0.873" for a single value, "below 1e-12" for rounding noise.

        >>> measured([0.25, 0.35]).shown(), measured(0.25).shown(".0%"), measured(1e-17, bound=1e-12).shown()
        ('0.3 ± 0.071', '25%', 'below 1e-12')
        """
        if self.bound is not None:
            return f"below {short_power(self.bound)}"
        spread = f" ± {self.std:{spec or '.2g'}}" if self.n > 1 else ""
        return f"{self.mean:{spec or '.3g'}}{spread}"

    def as_json(self) -> dict[str, float | int]:
        """What is stored; tolerance and bound only where there is one."""
        if self.bound is not None:
            return {"bound": self.bound, "n": self.n}
        stored = asdict(self)
        del stored["bound"]
        if not self.tolerance:
            del stored["tolerance"]
        return stored


def measured(values: object, *, tolerance: float | int = 0, bound: float | int | None = None) -> Number:
    """A number to be shown in a table, in the words of a figure or in a claim, and stored with its spread.

    In an f-string it is followed by its standard deviation, f"{page.measured([0.2, 0.3]):.2f}" is "0.25 ± 0.07".
    Another machine may find another mean within

        max(tolerance, 3 std),      or, for a single value without a tolerance, 5 % of it.

    Args:
        values: a number, or numbers over seeds: a list, an array or a 1-D tensor.
        tolerance: what the mean may differ by on another machine, in the units of `values`. Needed where the spread
            is no guide, as for a count of few or a largest value.
        bound: for rounding noise: all values must be at most this far from zero, and "below 1e-12" is shown.

    Raises:
        TypeError: `values` is neither a number nor a sequence of numbers.
        ValueError: `values` is empty, NaN or infinite, or beyond `bound`; `tolerance` or `bound` is negative.

    >>> measured([0.1, 0.2, 0.3]).mean
    0.2
    >>> measured(3e-16, bound=1e-12).shown()
    'below 1e-12'
    """
    value = as_value(values, "values")
    for name, limit in {"tolerance": tolerance, "bound": bound}.items():
        if limit is not None and not (math.isfinite(limit) and limit >= 0):
            raise ValueError(f"{name} is {limit!r}, expected zero or more")
    return summary(value, tolerance=tolerance, bound=bound)


def summary(value: float | np.ndarray, *, tolerance: float | int = 0, bound: float | int | None = None) -> Number:
    """Mean, standard deviation and range of what `as_value` returned.

    Raises:
        ValueError: a value is beyond `bound`.
    """
    array = np.atleast_1d(value)
    if bound is not None and np.abs(array).max() > bound:
        raise ValueError(f"values reach {np.abs(array).max():.3g}, expected rounding noise of at most {bound:g}")
    std = 0.0 if array.max() == array.min() else float(array.std(ddof=1))
    mean, std, low, high = (float(f"{v:.6g}") for v in (array.mean(), std, array.min(), array.max()))
    return Number(mean, std, low, high, array.size, float(tolerance), bound)


def as_value(value: object, name: str) -> float | np.ndarray:
    """A float, or a 1-D float64 array.

    Raises:
        TypeError, ValueError: `value` is not a number or a sequence of finite numbers; the message calls it `name`.
    """
    if hasattr(value, "detach"):  # a tensor, on any device
        value = value.detach().cpu().double()
    try:
        array = np.asarray([float(v) for v in value] if isinstance(value, list | tuple) else value)
    except (TypeError, ValueError):
        raise TypeError(f"{name} is {value!r}, expected a number or a sequence of numbers") from None
    if array.dtype.kind not in "iuf":
        raise TypeError(f"{name} is {value!r}, expected a number or a sequence of numbers")
    if array.ndim > 1 or array.size == 0:
        raise ValueError(f"{name} has shape {array.shape}, expected a number or a non-empty sequence")
    if not np.isfinite(array).all():
        raise ValueError(f"{name} is {array.tolist()}, expected finite numbers")
    return float(array) if array.ndim == 0 else array.astype(np.float64)


def from_json(stored: dict[str, Any]) -> Number:
    """The number that `as_json` stored; an editor that saves a notebook may have written 1.0 as 1.

    Raises:
        ValueError: what is stored is no number, or one that cannot be: a mean outside its range, say.
    """
    known = {"bound", "n"} if "bound" in stored else {"mean", "std", "low", "high", "n"}
    values = list(stored.values())
    if set(stored) - {"tolerance"} != known or not all(type(v) in (int, float) and math.isfinite(v) for v in values):
        raise ValueError(f"{stored} is not a stored number")
    if "bound" in stored:
        return Number(0.0, 0.0, 0.0, 0.0, stored["n"], bound=float(stored["bound"]))
    mean, std, low, high = (float(stored[key]) for key in ("mean", "std", "low", "high"))
    near = max(std, ROUNDING * max(abs(low), abs(high)))
    # Six digits may not tell the smallest value from the largest.
    apart = std > ROUNDING * max(abs(low), abs(high))
    if not low - near <= mean <= high + near or (apart and low == high) or (low < high and not std > 0) or std < 0:
        raise ValueError(f"{stored} is not a stored number: mean, range and spread do not go together")
    return Number(mean, std, low, high, stored["n"], float(stored.get("tolerance", 0.0)))


def numbers_in(stored: object) -> list[Number]:
    """Every number in the metadata of an output, in the order in which it is shown.

    >>> [number.mean for number in numbers_in({"table": [[measured(1.5).as_json()], "a word"]})]
    [1.5]
    """
    if isinstance(stored, dict):
        if "n" in stored and ("mean" in stored or "bound" in stored):
            return [from_json(stored)]
        stored = list(stored.values())
    if isinstance(stored, list):
        return [number for part in stored for number in numbers_in(part)]
    return []


def read_marks(text: str) -> tuple[str, list[Number]]:
    """A text as it is shown, its numbers between bare marks, and what is stored of them.

    >>> read_marks(f"a slope of {measured(0.5)}, as before")[0]
    'a slope of «0.5», as before'
    """
    stored = [json.loads(numbers) for _, numbers in MARKED.findall(text) if numbers]
    return MARKED.sub(lambda found: f"«{found[1]}»", text), [from_json(numbers) for numbers in stored]


def without_marks(text: str) -> str:
    """The text for a reader.

    >>> without_marks(f"a slope of {measured(0.5)}")
    'a slope of 0.5'
    """
    return MARKED.sub(lambda found: found[1], text)


def differences(stored: Sequence[Number], fresh: Sequence[Number]) -> list[str]:
    """Where what was stored is not what this machine finds, within what the stored numbers may differ by.

    >>> differences([measured([0.86, 0.88])], [measured([0.861, 0.878])])
    []
    >>> differences([measured(0.5)], [measured(1.0)])
    ['mean: stored 0.5, here 1, allowed 0.025']
    """
    if len(stored) != len(fresh):
        return [f"{len(stored)} numbers are stored, here are {len(fresh)}"]
    found = []
    for old, new in zip(stored, fresh, strict=True):
        if (old.n, old.bound, old.tolerance) != (new.n, new.bound, new.tolerance):
            found.append(f"stored {old.as_json()}, here {new.as_json()}")
        elif old.bound is None:
            found += _apart(old, new)
    return found


def _apart(old: Number, new: Number) -> list[str]:
    """Which of mean, range and spread are too far apart."""
    allowed = {"mean": half_width(old)}
    if old.n > 1:
        allowed |= dict.fromkeys(("low", "high"), half_width(old, of_range=True))
    found = [
        f"{name}: stored {getattr(old, name):g}, here {getattr(new, name):g}, allowed {most:.3g}"
        for name, most in allowed.items()
        if not abs(getattr(old, name) - getattr(new, name)) <= most * (1 + ROUNDING)
    ]
    small, large = sorted((old.std, new.std))
    # Counts over few seeds may all be the same, here or there.
    same = half_width(old) if not small else 0.0
    if large > max(RATIO_OF_SPREADS * small, old.tolerance, ROUNDING * abs(old.mean), same):
        found.append(f"spread: stored {old.std:g}, here {new.std:g}, allowed a ratio of {RATIO_OF_SPREADS:g}")
    return found


def half_width(number: Number, *, of_range: bool = False) -> float:
    """What another machine's mean (or, `of_range`, its smallest and largest value) may be away from this one's.

    >>> half_width(measured(0.5)), half_width(measured(0.5, tolerance=0.1))
    (0.025, 0.1)
    """
    spreads = SPREADS_OF_RANGE if of_range else SPREADS
    size = abs(number.mean)
    by_size = RELATIVE if number.std == 0 and not number.tolerance else ROUNDING
    return max(number.tolerance, spreads * number.std, by_size * size)


def misprinted(shown: str, stored: Number, shown_here: str, here: Number) -> bool:
    """Whether a printed text does not say the number that is stored with it.

    The author's format is read off this machine's own text: one that turns the number found here into what is shown
    here. In that format the stored number must read as its text does, but for one in the last digit.

    >>> stored, here = Number(0.87312, 0.0181, 0.85, 0.9, 5), Number(0.8642, 0.0203, 0.84, 0.9, 5)
    >>> misprinted("0.873 ± 0.018", stored, "0.864 ± 0.02", here)
    False
    >>> misprinted("0.88 ± 0.018", stored, "0.864 ± 0.02", here)
    True
    """
    readings = (_readings(number) for number in (stored, here))
    return not any(_same(shown, expected) for expected, text in zip(*readings, strict=True) if text == shown_here)


@lru_cache(maxsize=10_000)
def _readings(number: Number) -> list[str]:
    """The number in every format that an author may have chosen, and its range."""
    return [*(number.shown(spec) for spec in _FORMATS), f"{number.low:.3g} to {number.high:.3g}"]


def _same(shown: str, expected: str) -> bool:
    """Whether two texts are the same but for one in the last digit of a number, the third at most.

    Where that would make it another number, 0.1 and 0.2, they are not.
    """
    if shown == expected:
        return True
    if NUMERAL.sub("#", shown) != NUMERAL.sub("#", expected):
        return False
    for said, true in zip(NUMERAL.findall(shown), NUMERAL.findall(expected), strict=True):
        (value, _), (meant, unit) = _read(said), _read(true)
        third = 10.0 ** (math.floor(math.log10(abs(meant))) - 2) if meant else unit
        digit = min(max(unit, third), abs(meant) / 4)
        if said.endswith("%") != true.endswith("%") or abs(value - meant) > digit * (1 + ROUNDING):
            return False
    return True


def _read(numeral: str) -> tuple[float, float]:
    """The value of a numeral, and one unit of its last digit: "12.5%" is .125 and .001."""
    plain = numeral.replace(",", "").replace("−", "-").removesuffix("%")
    mantissa, _, exponent = plain.partition("e")
    decimals = len(mantissa.partition(".")[2])
    scale = 0.01 if numeral.endswith("%") else 1.0
    return float(plain) * scale, 10.0 ** (int(exponent or 0) - decimals) * scale


def short_power(value: float) -> str:
    """A bound as a person writes it: 1e-6, 0.001.

    >>> short_power(1e-6), short_power(0.001)
    ('1e-6', '0.001')
    """
    return re.sub(r"e([-+])0*(\d)", lambda found: f"e{found[1].lstrip('+')}{found[2]}", f"{value:g}")
