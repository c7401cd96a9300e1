"""The sentence of a view, put together in a kernel; `static/sentences.js` does the same in the page.

A view's phrases are written once, in Python, and travel to the page in the figure's data. What both halves of a view
return of a state are facts: which phrases, in which order, with which values.
"""

import re
from collections.abc import Mapping, Sequence
from decimal import ROUND_HALF_UP, Decimal

Fact = tuple[str, Mapping[str, str | int | float]]

_FIELD = re.compile(r"\{(\w+)(?::([\w.]+))?\}")
_EXPONENT_FROM = 1e21  # where JavaScript, too, writes a number with an exponent


def sentence(phrases: Mapping[str, str], facts: Sequence[Fact]) -> str:
    """The phrases that the facts name, one after the other, with their values.

    Args:
        phrases: texts by name. `{label}` stands for a text or a whole number, `{share:percent}` for a number in one
            of three formats: `z.2f`, two decimals without a sign before a zero; `percent`, of a share, without
            decimals; `significant`, two significant digits without an exponent.
        facts: names of phrases, as often as wanted, each with the values of its fields.

    Raises:
        ValueError: a phrase that is not there, or a field without a value.
        TypeError: a value that its field cannot show.

    >>> phrases = {"first": "{label} with {share:percent}", "next": ", then {label} with {share:percent}"}
    >>> sentence(phrases, [("first", {"label": "7", "share": 0.9}), ("next", {"label": "3", "share": 0.1})])
    '7 with 90%, then 3 with 10%'
    """
    return "".join(_filled(phrases, name, values) for name, values in facts)


def check_phrases(phrases: object) -> None:
    """Refuse what cannot be filled, as a phrase with an unknown format.

    >>> check_phrases({"end": "{share:.1f}."})
    Traceback (most recent call last):
    ValueError: phrase 'end' has {share:.1f}, expected {name} or {name:format} with one of z.2f, percent, significant
    """
    if not isinstance(phrases, Mapping) or not all(isinstance(text, str) for text in phrases.values()):
        raise TypeError(f"phrases: expected a dictionary of texts, got {phrases!r}")
    for name, text in phrases.items():
        for found in re.findall(r"\{[^{}]*\}|[{}]", text):
            field = _FIELD.fullmatch(found)
            if field is None or (field[2] and field[2] not in _FORMATS):
                expected = f"{{name}} or {{name:format}} with one of {', '.join(_FORMATS)}"
                raise ValueError(f"phrase {name!r} has {found}, expected {expected}")


def _filled(phrases: Mapping[str, str], name: str, values: Mapping[str, object]) -> str:
    if name not in phrases:
        raise ValueError(f"facts: expected one of the phrases {', '.join(phrases) or '(none)'}, got {name!r}")

    def shown(found: re.Match[str]) -> str:
        field, form = found.groups()
        if field not in values:
            got = ", ".join(values) or "none"
            raise ValueError(f"facts: expected a value for {field!r} of phrase {name!r}, got {got}")
        value = values[field]
        if form and isinstance(value, int | float):
            return _FORMATS[form](float(value))
        if not form and isinstance(value, str | int):
            return str(value)
        expected = "a number" if form else "a text or a whole number, or a format in the phrase"
        raise TypeError(f"facts: {field!r} of phrase {name!r} is {value!r}, expected {expected}")

    return _FIELD.sub(shown, phrases[name])


def fixed(value: float, decimals: int) -> str:
    """Rounded to some decimals: halves away from zero, and no sign before a zero, as in the page.

    >>> fixed(0.125, 2), fixed(-0.001, 2)
    ('0.13', '0.00')
    """
    if abs(value) >= _EXPONENT_FROM:
        return repr(value)
    return f"{Decimal(value).quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP):zf}"


def percent(share: float) -> str:
    """A share of 1, without decimals.

    >>> percent(0.125)
    '13%'
    """
    return f"{fixed(100 * share, 0)}%"


def significant(value: float) -> str:
    """Two significant digits without an exponent, and at most eight decimals.

    >>> significant(-0.01234), significant(1234.5), significant(0.0)
    ('-0.012', '1235', '0')
    """
    # The exponent of the number as it is printed, for a logarithm is not rounded alike everywhere.
    decimals = min(8, max(0, 1 - Decimal(repr(value)).adjusted())) if value else 0
    return fixed(value, decimals)


_FORMATS = {"z.2f": lambda value: fixed(value, 2), "percent": percent, "significant": significant}
