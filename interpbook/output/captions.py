"""One series of numbers for all figures of a page, and the frame that holds a figure, its number and its caption."""

from interpbook.output.cell import inline
from interpbook.output.numbers import without_marks

_series = [0]


def restart() -> None:
    """The next figure is the first of a page."""
    _series[0] = 0


def next_number() -> int:
    """The number of the figure that is shown now.

    >>> restart()
    >>> next_number(), next_number()
    (1, 2)
    """
    _series[0] += 1
    return _series[0]


def checked_caption(caption: object) -> str:
    """`caption` on one line.

    Raises:
        TypeError: it is no text.
    """
    if not isinstance(caption, str):
        raise TypeError(f"caption is a {type(caption).__name__}, expected a sentence that says what to look for")
    return " ".join(caption.split())


def framed(number: int, shown: str, caption: str) -> str:
    """HTML of a figure, with its number and caption below it; links reach it as `#figure-3`.

    >>> framed(3, "<img>", "They cross.").partition("<figcaption>")[0]
    '<figure class="ib-figure" id="figure-3" style="margin:0"><img>'
    """
    return (
        f'<figure class="ib-figure" id="figure-{number}" style="margin:0">{shown}'
        f"<figcaption>{numbered(number, caption)}</figcaption></figure>"
    )


def numbered(number: int, caption: str) -> str:
    """A figure's number and caption; words between backticks are code.

    >>> numbered(3, "The `lam` of both.")
    '<b>Figure 3.</b> <span class="ib-caption">The <code>lam</code> of both.</span>'
    """
    # What stands in the span is compared with the numbers that are stored with it, so it holds no span itself.
    return f'<b>Figure {number}.</b> <span class="ib-caption">{inline(without_marks(caption))}</span>'
