"""What the page's scripts make of the states of a plane with points to drag, held against Python."""

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from javascript import plane_source, run_node

from interpbook.explore import Placed, Scene, plane
from interpbook.explore.controls import Control
from interpbook.explore.plane import PlaneFigure

PROGRAM = """
var compute = eval("(" + data.script + ")");
var tables = readTables(data.tables);
return data.states.map(function (state) {
  var result = compute({ points: state.points, settings: state.settings, limits: data.limits }, tables);
  return {
    marks: result.marks, pictures: result.pictures || [], places: result.places || {},
    text: sentence(data.phrases, result.facts)
  };
});
"""


def states_of(figure: PlaneFigure, count: int = 8, seed: int = 0) -> list[Placed]:
    """The state that a reader meets, and random ones, with handles also in the corners of the plane."""
    generator = np.random.default_rng(seed)
    states = [figure.first]
    limits = np.array(figure.scene.limits, dtype=float)
    for k in range(count):
        points = {}
        for name, handle in figure.scene.handles.items():
            x, y = limits[:, k // 2] if k < 4 else generator.uniform(limits[:, 0], limits[:, 1])
            points[name] = (float(x), float(handle.y if handle.along == "x" else y))
        chosen = {control.name: _any_value(control, generator) for control in figure.controls}
        states.append(Placed(points, chosen))
    return states


def _any_value(control: Control, generator: np.random.Generator) -> object:
    """One of the values; of switches few, some or many."""
    if control.kind == "switches":
        on = generator.random(len(control.values)) < generator.random()
        return control.value_at(tuple(np.flatnonzero(on).tolist()))
    return control.values[generator.integers(len(control.values))]


def in_page(figure: PlaneFigure, states: Sequence[Placed]) -> list[dict[str, Any]]:
    """What the page makes of the same states."""
    sent = [{"points": state.points, "settings": dict(state.settings)} for state in states]
    data = json.loads(json.dumps(figure.data)) | {"states": sent}
    return run_node(plane_source(figure.scene.needs) + PROGRAM, data)


def check_both_halves(scene: Scene, count: int = 8, tolerance: float = 1e-9) -> None:
    """Page and kernel draw the same marks and pictures, and say the same, of every state tried.

    tolerance: of a coordinate, relative to the larger of one and itself.
    """
    figure = plane(scene)
    assert isinstance(figure, PlaneFigure)
    states = states_of(figure, count)
    for k, (page, state) in enumerate(zip(in_page(figure, states), states, strict=True)):
        drawn = scene.compute(state)
        where = f"state {k}: {state}"
        assert page["text"] == figure.sentence(state), where
        assert {name: tuple(at) for name, at in page["places"].items()} == _about(drawn.places), where
        assert len(page["marks"]) == len(drawn.marks), where
        for theirs, ours in zip(page["marks"], drawn.marks, strict=True):
            assert theirs["kind"] == ours.kind, where
            assert theirs["color"] == ours.color, where
            assert theirs.get("label", "") == ours.label, where
            assert bool(theirs.get("faint")) == ours.faint, where
            assert bool(theirs.get("dashed")) == ours.dashed, where
            assert bool(theirs.get("heavy")) == ours.heavy, where
            values = _numbers(theirs["values"]).reshape(ours.values.shape)
            np.testing.assert_allclose(values, ours.values, rtol=tolerance, atol=tolerance, err_msg=where)
        assert len(page["pictures"]) == len(drawn.pictures), where
        for (their_title, theirs), (title, ours) in zip(page["pictures"], drawn.pictures, strict=True):
            assert (their_title, theirs["kind"]) == (title, ours.kind), where
            assert (tuple(theirs.get("labels", ())), theirs.get("chosen")) == (ours.labels, ours.chosen), where
            assert tuple(theirs.get("ticks", ())) == ours.ticks, where
            assert tuple(theirs.get("names", ("", "", ""))) == ours.names, where
            np.testing.assert_allclose(theirs["values"], ours.values.ravel(), rtol=tolerance, atol=tolerance)


def _numbers(values: Any) -> np.ndarray:
    """JSON has no NaN: where a line is interrupted stands null."""
    return np.array([np.nan if value is None else value for value in values], dtype=float)


def _about(places: Any) -> dict[str, Any]:
    return {name: pytest.approx(tuple(map(float, at)), rel=1e-9, abs=1e-9) for name, at in places.items()}
