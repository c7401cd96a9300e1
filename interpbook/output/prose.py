"""Sentences of a data file as a page shows them: `code`, *emphasis*, **strong words** and $formulas$, as in Markdown.

A formula is read as a line of symbols, which a terminal, an output of Colab and a page without scripts can show. Beside
it is its TeX, for the script of an output in the book or in JupyterLab, where formulas are typeset.
"""

import html
import re
import unicodedata

# Code and formulas are taken as they are, so they are looked for first.
_MARKED = re.compile(r"`([^`]+)`|\$([^$]+)\$|\*\*([^*]+)\*\*|\*([^*\s](?:[^*]*[^*\s])?)\*")

_NAMED = r"""
nabla ∇ partial ∂ odot ⊙ cdot · times × pm ± circ ∘ star * le ≤ leq ≤ ge ≥ geq ≥ ne ≠ neq ≠ approx ≈ sim ∼ propto ∝
ll ≪ gg ≫ to → mapsto ↦ in ∈ notin ∉ subset ⊂ subseteq ⊆ cup ∪ cap ∩ setminus ∖ emptyset ∅ perp ⊥ forall ∀ exists ∃
sum ∑ prod ∏ int ∫ sqrt √ infty ∞ ell ℓ dots … ldots … cdots … langle ⟨ rangle ⟩ lVert ‖ rVert ‖ Vert ‖ | ‖ mid |
lvert | rvert | top ᵀ varepsilon ε varphi φ { { } } % %
"""
_SYMBOLS = {
    **dict(re.findall(r"(\S+) (\S+)", _NAMED)),
    **dict.fromkeys(("left", "right", "big", "Big", "bigl", "bigr", "!"), ""),
    **dict.fromkeys((",", ";", ":", " ", "quad", "qquad"), " "),
}
_ACCENTS = {"hat": "\u0302", "bar": "\u0304", "tilde": "\u0303"}
# In braces, or one letter or command.
_ARGUMENT = r"\s*(?:\{([^{}]*)\}|(\\[a-zA-Z]+|\w))"
_RAISED = str.maketrans("0123456789+-ᵀ*", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻ᵀ*")
_LOWERED = str.maketrans("0123456789+-", "₀₁₂₃₄₅₆₇₈₉₊₋")


def to_html(text: str) -> str:
    r"""`text` as HTML; what is no mark is escaped.

    >>> to_html("*Every* `a < b`")
    '<em>Every</em> <code>a &lt; b</code>'
    >>> to_html("$x^2$")
    '<span class="math notranslate nohighlight" data-tex="x^2">x²</span>'
    """
    shown, end = "", 0
    for mark in _MARKED.finditer(text):
        shown += html.escape(text[end : mark.start()]) + _element(*mark.groups())
        end = mark.end()
    return shown + html.escape(text[end:])


def _element(code: str | None, formula: str | None, strong: str | None, emphasis: str | None) -> str:
    if code is not None:
        return f"<code>{html.escape(code)}</code>"
    if formula is not None:
        plain, tex = html.escape(read_formula(formula)), html.escape(formula)
        return f'<span class="math notranslate nohighlight" data-tex="{tex}">{plain}</span>'
    return f"<strong>{to_html(strong)}</strong>" if strong is not None else f"<em>{to_html(emphasis or '')}</em>"


def to_plain(text: str) -> str:
    r"""`text` for a terminal: its formulas as symbols, everything else as it was written.

    >>> to_plain(r"The gradient $\nabla f(x)$ of `f`.")
    'The gradient ∇f(x) of `f`.'
    """
    return re.sub(r"`[^`]+`|\$([^$]+)\$", lambda mark: read_formula(mark[1]) if mark[1] else mark[0], text)


def read_formula(tex: str) -> str:
    r"""A formula as a line of symbols; a command that has none is read by its name.

    >>> read_formula(r"\tfrac12\lVert x\rVert^2 \le \frac{a}{b+c}")
    '(1/2)‖x‖² ≤ a/(b+c)'
    >>> read_formula(r"\hat\theta_1 \in \mathbb{R}^d,\ W^{\top}\mathrm{relu}(x),\ \log p")
    'θ̂₁ ∈ ℝ^d, Wᵀrelu(x), log p'
    """
    line = re.sub(rf"\\[dt]?frac{_ARGUMENT}{_ARGUMENT}(?=(\\[a-z|]|[\w(])?)", _quotient, tex)
    line = re.sub(r"\\mathbb\s*\{?(\w)\}?", lambda found: _double_struck(found[1]), line)
    line = re.sub(rf"\\(hat|bar|tilde){_ARGUMENT}", _accented, line)
    # What ends the name of a command before a word in another letter has to stay until commands are read.
    line = re.sub(r"\\(?:text|operatorname|math[a-z]+|boldsymbol)\s*\{([^{}]*)\}", "\0\\1", line)
    line = re.sub(r"( *)\\(?:([a-zA-Z]+)( *)|(.))", _command, line).replace("\0", "")
    line = re.sub(r"([\^_])(?:\{([^{}]*)\}|(\S))", _index, line)
    return " ".join(line.replace("~", " ").split())


def _quotient(found: re.Match[str]) -> str:
    above, below = found[1] or found[2], found[3] or found[4]
    above, below = (part if re.fullmatch(r"\\?\w+", part) else f"({part})" for part in (above, below))
    return f"({above}/{below})" if found[5] else f"{above}/{below}"


def _double_struck(letter: str) -> str:
    try:
        return unicodedata.lookup(f"DOUBLE-STRUCK CAPITAL {letter}")
    except KeyError:
        return unicodedata.lookup(f"MATHEMATICAL DOUBLE-STRUCK CAPITAL {letter}") if letter.isupper() else letter


def _accented(found: re.Match[str]) -> str:
    base = found[2] or found[3]
    return (_symbol(base[1:]) if base[0] == "\\" else base) + _ACCENTS[found[1]]


def _command(found: re.Match[str]) -> str:
    """The space that ends a command's name is kept beside a relation, and after a word."""
    before, name, after, sign = found.groups()
    symbol = _symbol(name or sign)
    return f"{before}{symbol}{after or '' if before or symbol == name else ''}"


def _symbol(name: str) -> str:
    if name in _SYMBOLS:
        return _SYMBOLS[name]
    case = "CAPITAL" if name[:1].isupper() else "SMALL"
    try:
        return unicodedata.lookup(f"GREEK {case} LETTER {name.upper().replace('LAMBDA', 'LAMDA')}")
    except KeyError:
        return name


def _index(found: re.Match[str]) -> str:
    inside = found[2] if found[2] is not None else found[3]
    table = _RAISED if found[1] == "^" else _LOWERED
    if all(ord(letter) in table for letter in inside):
        return inside.translate(table)
    return f"{found[1]}{inside}" if len(inside) == 1 else f"{found[1]}({inside})"
