"""What holds of every page after *Run all* in Colab; the pages are shared out among the tests beside this."""

import os
from collections import Counter
from pathlib import Path

import notebook_rules as rules
from colab.frames import seen_in_frames, stored_counts
from colab.rehearsal import Colab


def check(path: Path, colab: Colab, visit) -> None:
    """Run a page there: all that the book shows of it appears, what moves moves, and nothing else was needed."""
    ran = colab.run_all(path)
    assert not colab.asked_for.exists(), colab.asked_for.read_text(encoding="utf-8")
    assert os.listdir(colab.content) == []

    here = visit()
    frames = seen_in_frames(here, ran.frames())
    assert not here.troubles, here.troubles
    seen = sum(frames, Counter())
    expected = stored_counts(rules.read(path))
    kinds = ("claims", "tables", "widgets")
    assert {kind: seen[kind] for kind in kinds} == {kind: expected[kind] for kind in kinds}
    # A figure that can be moved is a widget here, with its picture and its controls.
    assert seen["figures"] + seen["widgets"] == expected["all figures"]
    assert all(frame["pictures"] and frame["controls"] for frame in frames if frame["widgets"])
    assert seen["pictures"] >= expected["all figures"]
    assert not seen["broken"]
    assert not seen["empty"]
    assert ran.moved == expected["widgets"]
