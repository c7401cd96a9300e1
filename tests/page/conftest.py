"""A registry of toy claims."""

from collections.abc import Iterator
from pathlib import Path

import pytest

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
    path = tmp_path / "part" / "toy" / "claims.yml"
    path.parent.mkdir(parents=True)
    path.write_text(TOY_CLAIMS)
    monkeypatch.setattr(registry, "CHAPTERS", tmp_path)
    claims.forget()
    yield path
    claims.forget()
