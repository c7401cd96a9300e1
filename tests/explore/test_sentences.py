"""The sentence of a view: phrases filled with facts, letter by letter the same in a kernel and in the page."""

import math
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from javascript import figure_source, run_node

from interpbook.explore.sentences import check_phrases, sentence

FORMATS = ("z.2f", "percent", "significant")


def numbers() -> list[float]:
    """Halves that binary numbers hold exactly and halves that they miss, both zeros, powers of ten and their
    neighbours, tiny, huge and random ones, of both signs.
    """
    halves = [k / 8 for k in range(24)] + [k / 200 for k in range(120)] + [k / 2 for k in range(9)]
    powers = [10.0**k for k in range(-12, 24, 2)] + [9.95 * 10.0**k for k in range(-9, 4)]
    near = [math.nextafter(power, to) for power in powers for to in (0, math.inf)]
    extremes = [0.0, -0.0, 5e-324, 0.49999999999999994, 2.0**53, 1e21, 1e22, 1.7e300]
    generator = np.random.default_rng(0)
    some = [*generator.normal(0, 1, 60), *(generator.normal(0, 1, 60) * 10 ** generator.uniform(-10, 24, 60))]
    return [float(sign * value) for value in (*halves, *powers, *near, *extremes, *some) for sign in (1, -1)]


def in_page(phrases: dict[str, str], facts: list[list[Any]]) -> list[str]:
    """A sentence for every list of facts."""
    data = {"phrases": phrases, "facts": facts}
    return run_node(
        figure_source() + "return data.facts.map(function (facts) { return sentence(data.phrases, facts); });", data
    )


@pytest.mark.parametrize("form", FORMATS)
def test_every_number_is_written_alike_in_a_kernel_and_in_the_page(form: str) -> None:
    phrases = {"number": f"{{value:{form}}}"}
    facts = [[("number", {"value": value})] for value in numbers()]
    ours = [sentence(phrases, fact) for fact in facts]
    theirs = in_page(phrases, facts)
    different = [(fact[0][1]["value"], a, b) for fact, a, b in zip(facts, ours, theirs, strict=True) if a != b]
    assert not different, different[:5]


@pytest.mark.parametrize("form", FORMATS)
def test_what_is_written_is_the_number_to_half_a_unit_of_its_last_digit(form: str) -> None:
    for value in numbers():
        text = sentence({"number": f"{{value:{form}}}"}, [("number", {"value": value})])
        scale = 100 if form == "percent" else 1
        if abs(value) * scale >= 1e21:
            assert float(text.removesuffix("%")) == value * scale
            continue
        shown = Decimal(text.removesuffix("%"))
        unit = Decimal(1).scaleb(shown.as_tuple().exponent)
        assert abs(shown - Decimal(value * scale)) <= unit / 2, (value, text)
        assert not (text.startswith("-") and not shown), (value, text)


def test_two_significant_digits() -> None:
    shown = {0.0123: "0.012", 0.99: "0.99", 1.0: "1.0", 9.94: "9.9", 12.4: "12", 1234.4: "1234", 0.001: "0.0010"}
    for value, text in shown.items():
        assert sentence({"number": "{value:significant}"}, [("number", {"value": value})]) == text


def test_halves_go_away_from_zero() -> None:
    phrases = {"both": "{value:z.2f} {value:percent}"}
    assert sentence(phrases, [("both", {"value": 0.125})]) == "0.13 13%"
    assert sentence(phrases, [("both", {"value": -0.125})]) == "-0.13 -13%"
    assert sentence(phrases, [("both", {"value": -0.004})]) == "0.00 0%"


def test_phrases_stand_in_the_order_of_the_facts_and_as_often() -> None:
    phrases = {"end": ".", "term": "{name} {share:z.2f}", "next": ", {name} {share:z.2f}", "unused": "{label}"}
    facts = [("term", {"name": "input", "share": 1}), *[("next", {"name": f"$& {k}", "share": k / 4}) for k in (1, 2)]]
    facts.append(("end", {"more": "is left out"}))
    assert sentence(phrases, facts) == "input 1.00, $& 1 0.25, $& 2 0.50."
    assert in_page(phrases, [facts, []]) == [sentence(phrases, facts), ""]


def test_texts_and_whole_numbers_are_shown_as_they_are() -> None:
    facts = [[("place", {"row": k, "label": label})] for k, label in enumerate(["{row}", "<b>", "ä 子", "", "{x:y}"])]
    phrases = {"place": "{label} at row {row}"}
    expected = [f"{fact[0][1]['label']} at row {fact[0][1]['row']}" for fact in facts]
    assert [sentence(phrases, fact) for fact in facts] == in_page(phrases, facts) == expected


@pytest.mark.usefixtures("without_shape_checks")
@pytest.mark.parametrize(
    ("fact", "error", "words"),
    [
        (("other", {}), ValueError, "facts: expected one of the phrases map, got 'other'"),
        (("map", {"row": 1}), ValueError, "facts: expected a value for 'share' of phrase 'map', got row"),
        (("map", {"share": "x", "row": 1}), TypeError, "'share' of phrase 'map' is 'x', expected a number"),
        (("map", {"share": 1.0, "row": 1.5}), TypeError, "'row' of phrase 'map' is 1.5, expected a text or a whole"),
    ],
)
def test_facts_that_do_not_fit_are_refused(fact: Any, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        sentence({"map": "{share:percent} in {row}"}, [fact])


@pytest.mark.parametrize("fact", [["other", {}], ["map", {"row": 1}]])
def test_the_page_refuses_them_too(fact: list[Any]) -> None:
    with pytest.raises(AssertionError, match=r"there is no phrase other|phrase map has no value for share"):
        in_page({"map": "{share:percent} in {row}"}, [[fact]])


@pytest.mark.parametrize("text", ["{share:.1f}", "{}", "{share", "share}", "{share.real}", "{share!r}", "{{share}}"])
def test_phrases_that_cannot_be_filled_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"phrase 'a' has .*, expected \{name\} or \{name:format\} with one of z.2f,"):
        check_phrases({"a": text})


@pytest.mark.parametrize("phrases", ["{label}", ["{label}"], {"a": 3}])
def test_phrases_are_texts_by_name(phrases: Any) -> None:
    with pytest.raises(TypeError, match="phrases: expected a dictionary of texts"):
        check_phrases(phrases)
