"""The colours of the book's pictures, for light and dark pages and for readers who do not tell all of them apart."""

import matplotlib as mpl
import numpy as np
from matplotlib.colors import ListedColormap

# Contrast at least 4:1 on white and on the book's dark background (#14181e).
GRAY = "#7b7b7b"
# Middle tones after Okabe and Ito, each at least 3:1 on both backgrounds; line styles change along with the
# colours, for readers who cannot tell some of them apart.
PALETTE = ("#0080c8", "#d55e00", "#009e73", "#c2609a", "#a67c00", "#7b7b7b")
NEGATIVE, POSITIVE = "#0080c8", "#d55e00"


# A value v of the largest, one, is drawn with the opacity |v| ** 0.6: half of the largest stands out by more than 2.4:1
# from a white page and from a dark one, as it does not (1.8:1) where opacity is proportional.
OPACITY = 0.6


def _signed_colors() -> ListedColormap:
    """Blue below zero, orange above; zero is transparent: the page's own colour, light or dark."""
    values = np.linspace(-1, 1, 513)
    negative, positive = (mpl.colors.to_rgb(color) for color in (NEGATIVE, POSITIVE))
    shades = [(*(negative if value < 0 else positive), abs(value) ** OPACITY) for value in values]
    return ListedColormap(shades, name="interpbook_signed")


SIGNED = _signed_colors()
