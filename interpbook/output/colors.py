"""The colours of the book's pictures, for light and dark pages and for readers who do not tell all of them apart."""

import matplotlib as mpl
from matplotlib.colors import LinearSegmentedColormap

# Contrast at least 4:1 on white and on the book's dark background (#14181e).
GRAY = "#7b7b7b"
# Middle tones after Okabe and Ito, each at least 3:1 on both backgrounds; line styles change along with the
# colours, for readers who cannot tell some of them apart.
PALETTE = ("#0072b2", "#d55e00", "#009e73", "#c2609a", "#a67c00", "#7b7b7b")
NEGATIVE, POSITIVE = "#0072b2", "#d55e00"


def _signed_colors() -> LinearSegmentedColormap:
    """Blue below zero, orange above; zero is transparent: the page's own colour, light or dark."""
    ends = [(*mpl.colors.to_rgb(color), 1.0) for color in (NEGATIVE, POSITIVE)]
    clear = [(*end[:3], 0.0) for end in ends]
    return LinearSegmentedColormap.from_list(
        "interpbook_signed", [(0.0, ends[0]), (0.5, clear[0]), (0.5, clear[1]), (1.0, ends[1])], N=512
    )


SIGNED = _signed_colors()
