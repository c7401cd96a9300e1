"""API pages from docstrings: `{{ api: interpbook.attribution }}` becomes every public name of it, in order.

`{{ about: interpbook.attribution }}` becomes its own docstring, `{{ summary: interpbook.attribution }}` the first
paragraph of it.

The docstrings are written to be read in a terminal and in a notebook, with Markdown's backticks and indented
equations; here they are turned into what Sphinx expects, and `[key]` into a citation.
"""

import importlib
import inspect
import re
import sys
from pathlib import Path
from types import ModuleType

from pybtex.database import parse_file
from sphinx.application import Sphinx
from sphinx.pycode import ModuleAnalyzer

PLACEHOLDER = re.compile(r"\{\{ (api|about|summary): ([\w.]+) \}\}")
SHARED = re.compile(r"    (\w+(?:, \w+)+):(.*)")
SHAPE = re.compile(r"((?:Float|Int|Bool|UInt8)\[[\w.]+, )([^]'\"]+)(?=\])")
SECTION = re.compile(r"^(Args|Attributes|Returns|Raises|Yields|Note|Example|Examples|Source)s?:")


def fill_in(app: Sphinx, docname: str, content: list[str]) -> None:
    """Replace the placeholders."""
    written = {"api": _names, "about": _about, "summary": lambda module: _about(module).partition("\n\n")[0]}
    content[0] = PLACEHOLDER.sub(lambda match: written[match[1]](importlib.import_module(match[2])), content[0])


def _names(module: ModuleType) -> str:
    """One table of the module's public names, then an entry for each."""
    names = public_names(module)
    lines = ["```{eval-rst}", f".. currentmodule:: {module.__name__}", "", ".. autosummary::", "   :nosignatures:", ""]
    lines += [f"   {name}" for name in names]
    for name, thing in names.items():
        lines += ["", *_entry(f"{module.__name__}.{name}", thing)]
    return "\n".join([*lines, "```"])


def _about(module: ModuleType) -> str:
    """The module's docstring, its examples as code."""
    paragraphs = (inspect.getdoc(module) or "").split("\n\n")
    return "\n\n".join(f"```python\n{text}\n```" if text.startswith(">>>") else text for text in paragraphs)


def public_names(module: ModuleType) -> dict[str, object]:
    """What a reader may use: `__all__`, or the functions and classes written in that file; modules inside count too."""
    own = [name for name, thing in vars(module).items() if getattr(thing, "__module__", "") == module.__name__]
    names: dict[str, object] = {}
    for name in getattr(module, "__all__", [name for name in own if not name.startswith("_")]):
        thing = getattr(module, name)
        if inspect.ismodule(thing):
            names |= {f"{name}.{inner}": value for inner, value in public_names(thing).items()}
        else:
            names[name] = thing
    return names


def _entry(name: str, thing: object) -> list[str]:
    if inspect.isclass(thing):
        # The methods of an abstract class are for those who write a new one, beside its code.
        return [f".. autoclass:: {name}", *([] if inspect.isabstract(thing) else ["   :members:"])]
    return [f".. autofunction:: {name}" if inspect.isroutine(thing) else f".. autodata:: {name}\n   :no-value:"]


def prepare_docstring(app: Sphinx, what: str, name: str, thing: object, options: object, lines: list[str]) -> None:
    """Before the sections are read: equations, inline code, citations, and arguments that share a description."""
    keys = citation_keys(app)
    if what == "data":
        lines[:] = _comment(name) or lines
    sections = next((at for at, line in enumerate(lines) if SECTION.match(line)), len(lines))
    lines[:] = [*_equations(lines[:sections]), *_one_name_each(lines[sections:])]
    literal = False
    for at, line in enumerate(lines):
        # An equation, or an example with its output, stays as it is up to the next empty line.
        literal = bool(line.strip()) and (literal or line.lstrip().startswith(">>>") or lines[max(at - 2, 0)] == "::")
        if not literal:
            lines[at] = _inline(line, keys)


def _comment(name: str) -> list[str]:
    """The comment `#: ...` above a value, which is lost where a package hands on what a module inside defines."""
    package, _, value = name.rpartition(".")
    inside = [module for module in sys.modules if f"{module}.".startswith(f"{package}.")]
    comments = [ModuleAnalyzer.for_module(module).find_attr_docs().get(("", value)) for module in inside]
    return next(filter(None, comments), [])


def _equations(lines: list[str]) -> list[str]:
    """Mark each indented paragraph before the sections as literal."""
    out: list[str] = []
    for line in lines:
        if line.startswith("    ") and not (out and out[-1].strip()):
            out += ["::", ""]
        out.append(line)
    return out


def _one_name_each(lines: list[str]) -> list[str]:
    """`a, b: text` becomes an entry for a and one for b."""
    out: list[str] = []
    at = 0
    while at < len(lines):
        shared = SHARED.match(lines[at])
        end = at + 1
        while shared and end < len(lines) and lines[end].startswith(" " * 8):
            end += 1
        for name in shared[1].split(", ") if shared else ():
            out += [f"    {name}:{shared[2]}", *lines[at + 1 : end]]
        out += [] if shared else [lines[at]]
        at = end
    return out


def _inline(line: str, keys: set[str]) -> str:
    """Inline code as Sphinx writes it, `[key]` as a citation; elsewhere stars and bars are only themselves."""
    parts = re.split(r"(?<![:`])`([^`\n]+)`(?!`)", line)
    for at, part in enumerate(parts):
        if at % 2:
            parts[at] = f"``{part}``"
        else:
            part = re.sub(r"(?<!\*)\*(?=\w)|\|", lambda match: "\\" + match[0], part)
            parts[at] = re.sub(r"\[(\w+)\]", lambda m: f":cite:p:`{m[1]}`" if m[1] in keys else m[0], part)
    return "".join(parts)


def quote_shapes(
    app: Sphinx, what: str, name: str, thing: object, options: object, signature: str | None, returns: str | None
) -> tuple[str | None, str | None]:
    """`Float[Tensor, B *dims]` gets its quotes back where they were lost: without them it reads as a product."""
    return tuple(text and SHAPE.sub(r"\1'\2'", text) for text in (signature, returns))


def citation_keys(app: Sphinx) -> set[str]:
    """The keys of the bibliography."""
    files = [Path(app.srcdir, name) for name in app.config.bibtex_bibfiles]
    return {key for file in files for key in parse_file(str(file)).entries}


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("source-read", fill_in)
    # Before napoleon reads the sections.
    app.connect("autodoc-process-docstring", prepare_docstring, priority=100)
    app.connect("autodoc-process-signature", quote_shapes)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
