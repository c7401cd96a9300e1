"""What the tests of a page share: a notebook's shell in this process, and a registry of toy claims."""

from collections.abc import Iterator
from pathlib import Path

import jaxtyping
import matplotlib.pyplot as plt
import pytest
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import CapturedIO, capture_output

from interpbook.page import claims, registry

TOY_CLAIMS = """
- {id: toy.sum, sentence: "The `terms` add up < always >.", source: ours, kind: ours,
   criterion: max(value) < 1e-9, verdict: holds, over: models}
- {id: toy.order, sentence: A is below B., source: {cite: someone2019, where: Figure 3}, kind: figure,
   paper: 0.25, criterion: all(a < b), verdict: reproduced}
- {id: toy.fails, sentence: The gradient is the worst., source: {cite: someone2019, where: Table 1}, kind: table,
   criterion: value > 1, verdict: not reproduced, why: Small digits are easy.}
"""


@pytest.fixture
def toy_claims(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    path = tmp_path / "claims.yml"
    path.write_text(TOY_CLAIMS)
    monkeypatch.setattr(registry, "PATH", path)
    claims.forget()
    yield path
    claims.forget()


@pytest.fixture
def shown() -> Iterator[CapturedIO]:
    """What cells show so far: `shown.outputs`, each with .data and .metadata. For what they print, see capsys."""
    InteractiveShell.instance()
    try:
        with capture_output(stdout=False, stderr=False) as captured:
            yield captured
    finally:
        InteractiveShell.clear_instance()


@pytest.fixture
def without_shape_checks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wrong kinds of arguments reach the package's own errors, as they do for users."""
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)


@pytest.fixture(autouse=True)
def no_figure_stays_open() -> Iterator[None]:
    plt.close("all")
    yield
    plt.close("all")
