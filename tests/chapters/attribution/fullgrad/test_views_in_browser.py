"""In a browser: the terms of a drawing's logit are torch's, in the rows that a reader sees."""

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from browser import page_of
from live_in_browser import Live

from interpbook import explore, models
from interpbook.attribution import full_gradients, fullgrad_map
from interpbook.chapters.attribution.fullgrad.views import FULLGRAD_MAP, FULLGRAD_TERMS
from interpbook.explore.network import rounded


@pytest.fixture(scope="module")
def html(tmp_path_factory) -> Path:
    bar = torch.zeros(1, 28, 28)
    bar[0, 5:23, 13:15] = 1
    views = ["probabilities", FULLGRAD_TERMS, FULLGRAD_MAP]
    path = tmp_path_factory.mktemp("fullgrad") / "page.html"
    path.write_text(page_of(explore.live(models.load("mnist-cnn-bn"), start=bar, views=views).html()))
    return path


def check_terms(live: Live, same: torch.nn.Module) -> None:
    """Terms and map in the page are what torch computes for what is drawn, and the rows say so."""
    x, target = torch.tensor(live.x)[None, None], live.get("now.target")
    shares = full_gradients(same, x, target).per_layer()
    assert live.get("results[1].pictures[0].labels") == list(shares)
    values = torch.cat([*shares.values()]).detach()
    np.testing.assert_allclose(live.values(1), values, rtol=1e-5, atol=1e-9)
    rows = live.root.locator(".ib-drawn-waterfall .ib-number").all_text_contents()
    assert rows == re.findall(r"-?\d+\.\d\d", live.get("results[1].text"))
    np.testing.assert_allclose([float(row) for row in rows[:-1]], values, rtol=0, atol=0.00501)
    expected = fullgrad_map(same, x, target)[0].detach().flatten()
    np.testing.assert_allclose(live.values(2), expected, rtol=1e-5, atol=1e-6)


def test_a_drawing_s_terms_and_map_are_torch_s(opened: Callable) -> None:
    live, same = Live(opened()), rounded(models.load("mnist-cnn-bn"))
    check_terms(live, same)
    before = live.said[1]
    live.stroke((15, 20), (20, 20))
    assert live.said[1] != before
    check_terms(live, same)
    live.press("clear")
    assert live.said[1].startswith("input 0.00, ")


def test_without_scripts_the_terms_are_said(opened: Callable) -> None:
    still = opened(java_script_enabled=False).locator(".ib-live img").first
    assert "the logit, term by term: input " in still.get_attribute("alt")
