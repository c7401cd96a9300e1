"""Signed maps: one symmetric scale in a row, zero clear, and alt text that is computed."""

import numpy as np
import pytest
import torch

from interpbook import page
from interpbook.output.numbers import without_marks
from interpbook.page import maps

ROW = [np.diag([1.0, -3.0]), torch.full((2, 2), 0.5)]


def test_maps_of_a_row_share_a_scale_that_is_symmetric_about_zero() -> None:
    fig = page.signed_maps({"one": ROW, "two": [10 * ROW[0], ROW[1]]}, ["left", "right"])
    limits = [ax.images[0].get_clim() for ax in fig.axes[:4]]
    assert limits == [(-3, 3), (-3, 3), (-30, 30), (-30, 30)]
    assert [ax.get_title() for ax in fig.axes[:2]] == ["left", "right"]
    assert [ax.get_ylabel() for ax in fig.axes[:4:2]] == ["one", "two"]


def test_zero_is_clear_and_the_signs_are_mirror_images() -> None:
    zero, low, high = maps.SIGNED([0.5, 0.25, 0.75])
    assert zero[3] < 0.01
    assert low[3] == pytest.approx(high[3], abs=0.01)
    assert maps.SIGNED(1.0)[3] == maps.SIGNED(0.0)[3] == 1


def test_pictures_stand_above_their_maps() -> None:
    gray, color = torch.zeros(1, 4, 4), torch.ones(3, 4, 4)
    fig = page.signed_maps(ROW, ["left", "right"], images=[gray, color])
    assert fig.axes[0].images[0].get_array().shape == (4, 4)
    assert fig.axes[1].images[0].get_array().shape == (4, 4, 3)
    assert len([ax for ax in fig.axes if ax.images]) >= 4


def test_a_map_of_zeros_is_drawn() -> None:
    assert page.signed_maps([np.zeros((2, 2))], ["nothing"]).axes[0].images[0].get_clim() == (-1, 1)


def test_alt_text_is_written_from_the_numbers() -> None:
    text = without_marks(page.maps_alt({"gradient": ROW}, ["left", "right"]))
    assert "gradient, left: largest -3 at row 1, column 1, 25% of the absolute sum positive" in text
    assert "gradient, right: largest 0.5 at row 0, column 0, 100%" in text
    assert "all zero" in page.maps_alt([np.zeros((2, 2))], ["nothing"])


def test_wrong_shapes_are_named() -> None:
    with pytest.raises(ValueError, match="maps has 2 entries, expected one for each of 1 titles"):
        page.signed_maps(ROW, ["left"])
    with pytest.raises(ValueError, match="images has 1 entries"):
        page.signed_maps(ROW, ["left", "right"], images=[np.zeros((2, 2))])
    with pytest.raises(ValueError, match=r"a map of gradient has shape \(1, 2, 2\), expected \(h, w\)"):
        page.signed_maps({"gradient": [np.zeros((1, 2, 2))]}, ["left"])
    with pytest.raises(ValueError, match=r"an image has shape \(2, 4, 4\)"):
        page.signed_maps(ROW, ["left", "right"], images=[np.zeros((2, 4, 4))] * 2)
