"""In a browser: the terms of a drawing's logit are torch's, in the rows that a reader sees."""

import re
from pathlib import Path

import numpy as np
import pytest
import torch

from interpbook import models
from interpbook.attribution import full_gradients, fullgrad_map
from interpbook.chapters.attribution.fullgrad.views import FULLGRAD_MAP, FULLGRAD_TERMS
from interpbook.explore import live
from interpbook.explore.network import rounded

LISTEN = 'document.addEventListener("ib-drawn", event => { event.target.drawn = event.detail; }, true);'


@pytest.fixture(scope="module")
def html(tmp_path_factory) -> Path:
    bar = torch.zeros(1, 28, 28)
    bar[0, 5:23, 13:15] = 1
    figure = live(models.load("mnist-cnn-bn"), start=bar, views=["probabilities", FULLGRAD_TERMS, FULLGRAD_MAP]).html()
    path = tmp_path_factory.mktemp("fullgrad") / "page.html"
    path.write_text(f'<!doctype html><html lang="en"><meta charset="utf-8"><title>fullgrad</title><body>{figure}')
    return path


def test_a_drawing_s_terms_and_map_are_torch_s(chromium, html: Path) -> None:
    context = chromium.new_context()
    context.add_init_script(LISTEN)
    tab = context.new_page()
    tab.goto(html.as_uri())
    same = rounded(models.load("mnist-cnn-bn"))

    def get(expression: str):
        tab.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
        script = f"figure => {{ const {{results, now}} = figure.drawn; return {expression}; }}"
        return tab.locator(".ib-live").evaluate(script)

    def check() -> None:
        x, target = torch.tensor(get("Array.from(now.x)")).reshape(1, 1, 28, 28).double(), get("now.target")
        shares = full_gradients(same, x, target).per_layer()
        assert get("results[1].pictures[0].labels") == list(shares)
        values = torch.cat([*shares.values()]).detach()
        np.testing.assert_allclose(get("results[1].pictures[0].values"), values, rtol=1e-5, atol=1e-9)
        rows = tab.locator(".ib-drawn-waterfall .ib-number").all_text_contents()
        assert rows == re.findall(r"-?\d+\.\d\d", get("results[1].text"))
        np.testing.assert_allclose([float(row) for row in rows[:-1]], values, rtol=0, atol=0.00501)
        expected = fullgrad_map(same, x, target)[0].detach().flatten()
        np.testing.assert_allclose(get("results[2].pictures[0].values"), expected, rtol=1e-5, atol=1e-6)

    check()
    before = get("results[1].text")
    box = tab.locator(".ib-surface").bounding_box()
    tab.mouse.click(box["x"] + 20.5 / 28 * box["width"], box["y"] + 15.5 / 28 * box["height"])
    assert get("results[1].text") != before
    check()
    tab.get_by_role("button", name="clear").click()
    assert get("results[1].text").startswith("input 0.00, ")
    context.close()


def test_without_scripts_the_terms_are_said(chromium, html: Path) -> None:
    context = chromium.new_context(java_script_enabled=False)
    tab = context.new_page()
    tab.goto(html.as_uri())
    assert "the logit, term by term: input " in tab.locator(".ib-live img").first.get_attribute("alt")
    context.close()
