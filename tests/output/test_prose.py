"""Sentences of data files: what is marked is shown so, everything else is escaped, and formulas can be read."""

import html
import re

import pytest

from interpbook.output.prose import read_formula, to_html, to_plain


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a < b & c", "a &lt; b &amp; c"),
        ("**all** of *it*", "<strong>all</strong> of <em>it</em>"),
        ("`x_1 * y * z`", "<code>x_1 * y * z</code>"),
        ("2 * 3 * 4", "2 * 3 * 4"),
        ("**so `x`**", "<strong>so <code>x</code></strong>"),
        ("`<b>` costs", "<code>&lt;b&gt;</code> costs"),
    ],
)
def test_marks_become_elements_and_the_rest_is_escaped(text, shown):
    assert to_html(text) == shown


@pytest.mark.parametrize("tex", [r"a < b", r"x^* * y^*", r"f'(x) \ne \text{\"}", "`"])
def test_the_tex_of_a_formula_is_kept_as_it_is(tex):
    [kept] = re.findall('data-tex="([^"]*)"', to_html(f"*In* ${tex}$."))
    assert html.unescape(kept) == tex


def test_a_terminal_reads_formulas_but_not_in_code():
    assert to_plain(r"$x \le 1$, `$x$` and $y_2$") == "x ≤ 1, `$x$` and y₂"


@pytest.mark.parametrize(
    ("tex", "line"),
    [
        (r"w\odot x+\frac bD", "w⊙x+b/D"),
        (r"-\frac a2x^2", "-(a/2)x²"),
        (r"\frac{a+b}{2}", "(a+b)/2"),
        (r"\frac\sigma2", "σ/2"),
        (r"x\cdot\mathrm{relu}(x)", "x·relu(x)"),
        (r"\rho_{\text{noise}}", "ρ_(noise)"),
        (r"\Vert\nabla F_y\Vert^2", "‖∇F_y‖²"),
        (r"\{i,j\}", "{i,j}"),
        (r"\lambda\,\Lambda", "λ Λ"),
        (r"\mathbb{E}[\hat x]", "𝔼[x̂]"),
        (r"\log p(y\mid x)", "log p(y|x)"),
        (r"10^{-3}", "10⁻³"),
    ],
)
def test_a_formula_is_read_as_symbols(tex, line):
    assert read_formula(tex) == line
