"""Small PNG files: 256 colours chosen for the picture, where nobody would see the difference."""

import io

import numpy as np
from PIL import Image

_CLOSE = 6.0  # of 255; a box of colours no wider than this shares one entry
_STEP = 3.0  # of 255; colours nearer than this count as one while the palette is chosen


def small_png(picture: Image.Image) -> bytes:
    """The picture as a PNG, with a palette where that changes it invisibly, else with all its colours.

    >>> len(small_png(Image.new("RGBA", (200, 200), (0, 114, 178, 128)))) < 300
    True
    """
    rgba = np.asarray(picture.convert("RGBA"))
    palette, index = _palette(rgba)
    # The difference that a reader would see, on a dark page and on a light one.
    differences = [np.abs(_over(rgba, page) - _over(palette[index], page)).max(axis=-1) for page in (20.0, 255.0)]
    reduced = picture
    if all(d.mean() <= 2.5 and np.quantile(d, 0.999) <= 20 for d in differences):
        reduced = Image.fromarray(index.astype(np.uint8))
        reduced.putpalette(palette.tobytes(), "RGBA")
    stored = io.BytesIO()
    reduced.save(stored, format="png", optimize=True)
    return stored.getvalue()


def _palette(rgba: np.ndarray, size: int = 256) -> tuple[np.ndarray, np.ndarray]:
    """Up to `size` colours, and for each pixel the index of its own: Heckbert's median cut.

    Boxes of colours are cut in two where their weighted spread is largest. Colours are compared as they look,
    multiplied by their opacity, so that faint ones share an entry.
    """
    height, width, _ = rgba.shape
    opacity = rgba[..., 3:].astype(np.float32)
    seen = np.concatenate([rgba[..., :3] * (opacity / 255), opacity], axis=-1).reshape(-1, 4)
    cells = np.round(seen / _STEP).astype(np.uint8).view(np.uint32).ravel()
    _, cell_of_pixel, count = np.unique(cells, return_inverse=True, return_counts=True)
    colors = np.stack([np.bincount(cell_of_pixel, seen[:, k]) for k in range(4)], axis=1) / count[:, None]
    weight = np.sqrt(count)  # thin lines of few pixels matter more than their number

    boxes = [np.arange(len(colors))]
    spread = [_spread(colors, weight, boxes[0])]
    while len(boxes) < size and max(spread)[0] > 0:
        widest = max(range(len(boxes)), key=lambda k: spread[k])
        halves = _cut(colors, weight, boxes[widest], spread[widest][1])
        boxes[widest], spread[widest] = halves[0], _spread(colors, weight, halves[0])
        boxes.append(halves[1])
        spread.append(_spread(colors, weight, halves[1]))

    entry_of_cell = np.empty(len(colors), dtype=np.int64)
    for entry, box in enumerate(boxes):
        entry_of_cell[box] = entry
    index = entry_of_cell[cell_of_pixel.ravel()]
    total = np.bincount(index)[:, None]
    mean = np.stack([np.bincount(index, seen[:, k]) for k in range(4)], axis=1) / total
    straight = mean[:, :3] * 255 / np.maximum(mean[:, 3:], 1e-6)
    palette = np.concatenate([straight, mean[:, 3:]], axis=1).round().clip(0, 255).astype(np.uint8)
    return palette, index.reshape(height, width)


def _spread(colors: np.ndarray, weight: np.ndarray, box: np.ndarray) -> tuple[float, int]:
    """The largest weighted sum of squared deviations among the four channels of a box, and its channel.

    Zero for a box that needs no cut.
    """
    values, w = colors[box], weight[box, None]
    deviation = (w * (values - (w * values).sum(axis=0) / w.sum()) ** 2).sum(axis=0)
    channel = int(deviation.argmax())
    return (float(deviation[channel]) if np.ptp(values[:, channel]) > _CLOSE else 0.0), channel


def _cut(colors: np.ndarray, weight: np.ndarray, box: np.ndarray, channel: int) -> tuple[np.ndarray, np.ndarray]:
    """The box's colours below and above the weighted mean of one channel; neither half is empty."""
    values = colors[box, channel]
    low = values <= np.average(values, weights=weight[box])
    return box[low], box[~low]


def _over(rgba: np.ndarray, page: float) -> np.ndarray:
    """The picture on a grey page of this brightness."""
    opacity = rgba[..., 3:].astype(np.float32) / 255
    return rgba[..., :3] * opacity + page * (1 - opacity)
