"""Explorable figures: one picture per state, the same in the page and in a kernel."""

import base64
import html
import json
import re

import ipywidgets
import matplotlib.pyplot as plt
import numpy as np
import pytest
from IPython.display import display

from interpbook import page
from interpbook.explore import sweep
from interpbook.explore.controls import read_controls
from interpbook.output import captions


def draw(height, style="-"):
    """A picture that depends on the height only."""
    fig, ax = plt.subplots(figsize=(2, 1))
    ax.plot([0, float(height)])
    ax.set_ylim(0, 10)
    return fig, f"a line that rises to {height}"


HEIGHTS = [1, 2, 3, 4, 5.5]


def contents(text: str) -> tuple[dict, bytes, str]:
    """The data of a page's figure, and the static picture with its alt text."""
    data = json.loads(re.search(r'<script type="application/json">(.*?)</script>', text)[1])
    src, alt = re.search(r'<noscript><img src="([^"]+)" alt="([^"]+)"', text).groups()
    return data, decoded(src), html.unescape(alt)


def decoded(uri: str) -> bytes:
    return base64.b64decode(uri.removeprefix("data:image/png;base64,"))


def seen_in_kernel(box: ipywidgets.VBox) -> tuple[bytes, str]:
    src, alt = re.search('src="([^"]+)" alt="([^"]+)"', box.children[-1].value).groups()
    return decoded(src), html.unescape(alt)


def test_the_page_holds_every_state_and_equal_pictures_once() -> None:
    text = sweep(draw, height=HEIGHTS, style={"solid": "-", "dashed": "--"}).html()
    data, _, _ = contents(text)
    assert [c["labels"] for c in data["controls"]] == [["1", "2", "3", "4", "5.5"], ["solid", "dashed"]]
    assert [c["kind"] for c in data["controls"]] == ["range", "select"]
    assert [state["picture"] for state in data["states"]] == [0, 0, 1, 1, 2, 2, 3, 3, 4, 4]
    assert data["states"][-1]["alt"] == "a line that rises to 5.5"
    uris = re.findall("data:image/png;base64,[A-Za-z0-9+/=]+", text)
    assert len(uris) == len(set(uris)) == 5


def test_page_and_kernel_show_the_same_state() -> None:
    controls = {"height": HEIGHTS, "style": {"solid": "-", "dashed": "--"}}
    data, static, alt = contents(sweep(draw, **controls).html())
    box = sweep(draw, **controls).widgets()
    assert seen_in_kernel(box) == (static, alt)
    slider, menu, _, _ = box.children
    slider.value, menu.value = 3, 1
    state = data["states"][3 * 2 + 1]
    assert seen_in_kernel(box) == (decoded(data["pictures"][state["picture"] - 1]), state["alt"])
    assert seen_in_kernel(box)[1] == "a line that rises to 4"


def test_a_setting_that_fails_in_a_kernel_shows_why() -> None:
    def fussy(height):
        if height == 2:
            raise ValueError("2 < 3")
        return draw(height)

    box = sweep(fussy, height=[1, 2]).widgets()
    box.children[0].value = 1
    assert box.children[-1].value == "<pre>ValueError: 2 &lt; 3</pre>"
    box.children[0].value = 0
    assert seen_in_kernel(box)[1] == "a line that rises to 1"
    with pytest.raises(ValueError, match="2 < 3"):
        sweep(fussy, height=[2, 1]).widgets()


def test_controls_in_a_kernel_carry_the_same_labels() -> None:
    box = sweep(draw, height=HEIGHTS, style={"solid": "-", "dashed": "--"}).widgets()
    slider, menu, _, _ = box.children
    assert isinstance(slider, ipywidgets.SelectionSlider)
    assert isinstance(menu, ipywidgets.Dropdown)
    assert [label for label, _ in slider.options] == ["1", "2", "3", "4", "5.5"]
    assert (slider.description, menu.description) == ("height", "style")


@pytest.mark.parametrize(
    ("values", "kind", "labels"),
    [
        ([1, 2, 3, 4], "select", ("1", "2", "3", "4")),
        (range(5), "range", ("0", "1", "2", "3", "4")),
        ([0.1 + 0.2, 1e-8, 12345678.0, 0, -1.0], "range", ("0.3", "1e-08", "1.235e+07", "0", "-1")),
        (np.linspace(0, 1, 5), "range", ("0", "0.25", "0.5", "0.75", "1")),
        (["a", "b", "c", "d", "e"], "select", ("a", "b", "c", "d", "e")),
        ([True, False], "select", ("True", "False")),
        ({"one": 1, "two": 2, "three": 3, "four": 4, "five": 5}, "select", ("one", "two", "three", "four", "five")),
    ],
)
def test_values_choose_their_control(values, kind: str, labels: tuple[str, ...]) -> None:
    [control] = read_controls({"c": values})
    assert (control.kind, control.labels) == (kind, labels)


def test_underscores_are_not_shown() -> None:
    [control] = read_controls({"noise_level": [1]})
    assert control.title == "noise level"


def test_controls_that_cannot_be_told_apart_are_refused() -> None:
    with pytest.raises(ValueError, match=r"c shows 0\.3333, 0\.3333"):
        read_controls({"c": [1 / 3, 0.33333]})
    with pytest.raises(ValueError, match="c shows nothing"):
        read_controls({"c": []})
    with pytest.raises(TypeError, match="c is a str, expected a list"):
        read_controls({"c": "abc"})
    with pytest.raises(ValueError, match="sweep has no control"):
        sweep(draw)


def test_alt_text_comes_from_a_function_or_from_the_setting() -> None:
    def plain(height):
        return draw(height)[0]

    given = contents(sweep(plain, alt=lambda height: f"the line rises to {height}", height=[1, 2]).html())[0]
    assert [s["alt"] for s in given["states"]] == ["the line rises to 1", "the line rises to 2"]
    added = contents(sweep(plain, alt="A rising line", height=[1, 2]).html())[0]
    assert added["states"][1]["alt"] == "A rising line (height 2)"
    with pytest.raises(ValueError, match="alt is None"):
        sweep(plain, height=[1, 2]).html()


@pytest.mark.usefixtures("without_shape_checks")
def test_what_draw_returns_is_checked() -> None:
    with pytest.raises(TypeError, match="draw is 3, expected a function"):
        sweep(3, height=[1])
    with pytest.raises(TypeError, match="fig is a NoneType"):
        sweep(lambda height: None, alt="a rising line", height=[1]).html()


def test_a_figure_too_heavy_for_the_page_is_refused() -> None:
    def noise(seed):
        fig, ax = plt.subplots()
        ax.imshow(np.random.default_rng(seed).random((200, 400, 3)))
        return fig, f"noise from seed {seed}"

    with pytest.raises(ValueError, match=r"takes \d+ kB in the page, at most 400 kB.*2 pictures.*fewer values"):
        sweep(noise, seed=[0, 1]).html()


def test_text_cannot_leave_the_data() -> None:
    words = ["</script><b>", "<!--", 'q"']
    text = sweep(lambda word: (draw(1)[0], f'alt text "of" a {word}'), word=words).html()
    data, _, alt = contents(text)
    assert data["controls"][0]["labels"] == words
    assert alt == 'alt text "of" a </script><b>'
    assert text.count("</script>") == 2


def test_the_output_asks_for_nothing_outside_itself() -> None:
    text = sweep(draw, height=[1, 2]).html()
    assert not re.search(r"https?://|@import|\burl\(|fetch\(|XMLHttpRequest|\bimport\b", text)
    assert set(re.findall('src="([^:]+):', text)) == {"data"}


def test_the_id_is_made_of_the_content() -> None:
    ids = [re.search('id="(ib-[0-9a-f]{12})"', sweep(draw, height=h).html())[1] for h in ([1, 2], [1, 2], [1, 3])]
    assert ids[0] == ids[1] != ids[2]


def test_the_environment_chooses_between_page_and_kernel(shown, monkeypatch: pytest.MonkeyPatch) -> None:
    captions.restart()
    figure = page.explore.sweep(draw, height=[1, 2])
    display(figure)
    assert shown.outputs[0].data["text/html"] == figure.html()
    assert [said["text"] for said in shown.outputs[0].metadata["interpbook"]["words"]] == [
        "a line that rises to 1",
        "a line that rises to 2",
    ]
    monkeypatch.delenv("INTERPBOOK_RENDER")
    display(figure)
    assert "application/vnd.jupyter.widget-view+json" in shown.outputs[1].data
