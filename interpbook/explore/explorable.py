"""What `sweep` and `live` return: one figure, made for the page or for a kernel."""

import os
from abc import ABC, abstractmethod

import ipywidgets
from IPython.display import display

from interpbook.output.captions import framed, next_number, numbered
from interpbook.output.cell import show
from interpbook.output.figures import stored_caption


class Explorable(ABC):
    """A figure that a reader moves.

    As the last line of a cell it shows itself, with the next number of the page and its caption: as `html()` where the
    book is made (INTERPBOOK_RENDER=page), as `widgets()` for a person with a kernel.

    >>> import matplotlib.pyplot as plt
    >>> from interpbook.explore import sweep
    >>> def draw(slope):
    ...     fig, ax = plt.subplots()
    ...     ax.axline((0, 0), slope=slope)
    ...     return fig, f"a line through the origin with slope {slope}"
    >>> isinstance(sweep(draw, slope=[1, 2]), Explorable)
    True
    """

    caption: str = ""

    def html(self, number: int = 1) -> str:
        """The figure for the page: one self-contained output that needs no kernel and no network.

        Args:
            number: of the figure in its page, also in the address of its state, `#figure-1?slope=2`.

        Raises:
            ValueError: it takes more than 400 kB.
        """
        return framed(number, self._in_page()[0], self.caption)

    @abstractmethod
    def widgets(self) -> ipywidgets.VBox:
        """The figure for a kernel: its controls, and below them what they change."""

    @property
    @abstractmethod
    def _plain(self) -> str:
        """What stands where there is no page."""

    @abstractmethod
    def _in_page(self) -> tuple[str, dict[str, object]]:
        """The figure for the page, and what a notebook stores beside it."""

    def __repr__(self) -> str:
        return f"<{self._plain}>"

    def _ipython_display_(self) -> None:
        try:
            if _render_in_page():
                page, stored = self._in_page()
                number = next_number()
                stored = {**stored, **stored_caption(self.caption)}
                show(f"Figure {number}: {self._plain}", framed(number, page, self.caption), stored)
            else:
                box = self.widgets()
                caption = ipywidgets.HTML(f"<p>{numbered(next_number(), self.caption)}</p>")
                display(ipywidgets.VBox([box, caption]))
        except NotImplementedError as error:
            # IPython takes it for a figure that has no such form, and shows where the object lies in memory.
            raise RuntimeError(f"the figure cannot be shown: {error}") from error


def _render_in_page() -> bool:
    render = os.environ.get("INTERPBOOK_RENDER", "")
    if render not in ("", "page"):
        raise ValueError(f"INTERPBOOK_RENDER is {render!r}, expected 'page' or nothing")
    return render == "page"
