"""The numbers of a plot as tables: what is drawn stands in them, named as in the legend and at the axes."""

import csv

import matplotlib.pyplot as plt
import numpy as np
import pytest

from interpbook import page
from interpbook.output import figures, plotted

ODD = {
    "contours": lambda ax: ax.contourf(np.eye(4)),
    "arrows": lambda ax: ax.quiver([0, 1], [0, 1], [1, 1], [1, 0]),
    "an empty line": lambda ax: ax.plot([], []),
    "lines across": lambda ax: (ax.axvline(1), ax.axhline(1), ax.axline((0, 0), slope=1)),
    "a shaded part": lambda ax: ax.axvspan(0, 1),
    "boxes": lambda ax: ax.boxplot([[1, 2, 3], [2, 3, 4]]),
    "violins": lambda ax: ax.violinplot([[1.0, 2, 3], [2.0, 3, 5]]),
    "stems": lambda ax: ax.stem([1, 2, 3]),
    "steps": lambda ax: ax.hist([1, 2, 2], histtype="step"),
    "no numbers": lambda ax: ax.plot([0, 1, np.nan], [np.nan, 1, 2]),
    "whiskers of nothing": lambda ax: ax.errorbar([1, np.nan], [1, 2], yerr=[0.1, np.nan], xerr=0.1, fmt="none"),
}


def read(table: dict[str, str]) -> list[list[str]]:
    return list(csv.reader(table["rows"].splitlines()))


def test_lines_and_their_bands_are_columns_of_one_table() -> None:
    page.start()
    fig, ax = plt.subplots()
    seeds = np.array([[0.0, 1.0], [0.2, 1.2]])
    figures.band(ax, [1, 10], seeds, label="ours, repaired")
    ax.plot([1, 10], [0.33333, 2], label=r"$\lambda_0$")
    ax.set(xlabel="step", ylabel="loss", xscale="log")
    (table,) = plotted.plotted_tables(fig)
    assert table["title"] == "loss"
    assert read(table) == [
        ["step", "ours, repaired", "ours, repaired from", "ours, repaired to", "lambda_0"],
        ["1", "0.1", "-0.0414", "0.241", "0.333"],
        ["10", "1.1", "0.959", "1.24", "2"],
    ]


def test_bars_and_whiskers_stand_at_the_words_of_their_axis() -> None:
    fig, (left, right) = plt.subplots(1, 2)
    left.bar(["cat", "dog"], [3, 4], label="found")
    left.bar(["cat", "dog"], [1, 2], bottom=[3, 4], label="missed")
    right.errorbar([0.5, 0.7], [0, 1], xerr=[0.1, 0.2], fmt="o")
    right.set_yticks([0, 1], ["one seed", "five"])
    right.set(title="share", xlabel="of all")
    bars, whiskers = map(read, plotted.plotted_tables(fig))
    assert bars == [["place", "found", "missed"], ["cat", "3", "1"], ["dog", "4", "2"]]
    assert whiskers == [
        ["place", "of all", "from", "to"],
        ["one seed", "0.5", "0.4", "0.6"],
        ["five", "0.7", "0.5", "0.9"],
    ]


def test_points_beside_a_category_belong_to_it() -> None:
    fig, ax = plt.subplots()
    for layer in range(2):
        ax.plot([0.1, 0.2], [layer - 0.2, layer + 0.2], ".")
    ax.set_yticks([0, 1], ["first", "last"])
    (table,) = plotted.plotted_tables(fig)
    assert [row[0] for row in read(table)] == ["place", "first", "first", "last", "last"]
    assert [row[1] for row in read(table)[1:]] == ["0.1", "0.2", "0.1", "0.2"]


def test_words_of_an_axis_do_not_stand_for_numbers_between_them() -> None:
    fig, ax = plt.subplots()
    ax.plot([0, 5, 10], [1, 2, 3])
    ax.set_xticks([0, 10], ["none", "all"])
    (table,) = plotted.plotted_tables(fig)
    assert [row[0] for row in read(table)[1:]] == ["none", "5", "all"]


def test_a_name_and_a_label_that_stand_once_hold_for_all_axes() -> None:
    fig, axes = plt.subplots(2, 1, sharex=True)
    for number, ax in enumerate(axes):
        ax.plot([0, 1], [number, 1], color="C3", label="ours" if number == 0 else None)
    axes[1].set_xticks([0, 1], ["5 %", "10 %"])
    axes[1].set_xlabel("kept")
    tables = plotted.plotted_tables(fig)
    assert [table["title"] for table in tables] == ["panel 1", "panel 2"]
    assert all(read(table)[0] == ["kept", "ours"] for table in tables)
    assert all([row[0] for row in read(table)[1:]] == ["5 %", "10 %"] for table in tables)


def test_a_long_series_keeps_its_ends_and_says_what_is_left_out() -> None:
    fig, ax = plt.subplots()
    ax.plot(np.arange(1000), np.zeros((1000, 40)))
    (table,) = plotted.plotted_tables(fig)
    rows = read(table)
    assert (rows[1][0], rows[-1][0], len(rows), len(rows[0])) == ("0", "999", 31, 19)
    assert table["title"].endswith("(30 of 1000 rows, 18 of 40 columns)")


def test_pictures_are_told_by_size_and_range_and_only_beside_a_plot() -> None:
    fig, axes = plt.subplots(1, 2)
    fig.colorbar(axes[0].imshow(np.linspace(-1, 2, 12).reshape(3, 4)))
    assert plotted.plotted_tables(fig) == []
    axes[1].plot([0, 1])
    assert read(plotted.plotted_tables(fig)[1]) == [
        ["picture", "rows", "columns", "smallest", "largest"],
        ["panel 1", "3", "4", "-1", "2"],
    ]


@pytest.mark.parametrize("draw", ODD.values(), ids=ODD)
def test_no_drawing_stops_a_figure(draw) -> None:
    fig, ax = plt.subplots()
    draw(ax)
    for table in plotted.plotted_tables(fig):
        assert len({len(row) for row in read(table)}) == 1


def test_a_figure_stores_its_tables_and_a_picture_has_none(shown) -> None:
    page.start()
    fig, ax = plt.subplots()
    ax.plot([0, 1], label="a line")
    page.figure(fig, alt="a line that rises from 0 to 1")
    fig, ax = plt.subplots()
    ax.imshow(np.eye(2))
    page.figure(fig, alt="two dark pixels and two bright ones")
    plot, picture = (output.metadata["interpbook"] for output in shown.outputs[-2:])
    assert plot["numbers"] == [{"title": "the plot", "rows": "place,a line\n0,0\n1,1"}]
    assert "numbers" not in picture
