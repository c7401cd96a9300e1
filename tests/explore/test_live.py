"""A live figure as it leaves Python: what it holds, what it refuses, and the same figure in a kernel."""

import base64
import html
import json
import re
from dataclasses import replace
from typing import Any

import ipywidgets
import numpy as np
import pytest
import torch
from IPython.display import display
from javascript import figure_source, run_node
from live_figures import figure_of
from torch import Tensor, nn

from interpbook import models, page
from interpbook.explore import Picture, Shown, State, View, live
from interpbook.explore.kernel import brush_radius, centered, stamp
from interpbook.explore.views import VIEWS
from interpbook.output import captions

SIZE = (1, 6, 5)
NOTHING = "function (now) { return { pictures: [], facts: [] }; }"


def small(seed: int = 0) -> nn.Sequential:
    return models.MLP(hidden=(4,), inputs=30, classes=3, seed=seed).eval()


def blank(*shape: int) -> Tensor:
    return torch.zeros(*(shape or SIZE))


def noise(*shape: int) -> Tensor:
    return torch.rand(*shape, *SIZE, generator=torch.Generator().manual_seed(1))


def picture_of(now: State) -> Shown:
    return Shown((Picture("map", now.x[0, 0].numpy()),), ())


def own(name: str = "own", script: str = NOTHING, **options: Any) -> View:
    return View(name, name, picture_of, script, **options)


def data_of(text: str) -> dict[str, Any]:
    return json.loads(re.search(r'<script type="application/json">(.*?)</script>', text)[1])


def spoiled(value: float) -> nn.Sequential:
    model = small()
    with torch.no_grad():
        model.fc1.weight[2, 3] = value
    return model


def test_the_page_holds_the_network_the_examples_and_the_controls() -> None:
    images = noise(3)
    data = data_of(live(small(), start=images, labels=["a", "b", "c"]).html())
    pixels = np.frombuffer(base64.b64decode(data["examples"]), np.uint8).reshape(images.shape)
    np.testing.assert_array_equal(pixels, (images.double() * 255).round())
    assert data["labels"] == ["a", "b", "c"]
    assert [view["name"] for view in data["views"]] == list(VIEWS)
    controls = {control["name"]: control for control in data["controls"]}
    assert list(controls) == ["example", "class", "eps", "square"]
    assert controls["class"]["labels"] == ["as predicted", "a", "b", "c"]
    assert controls["eps"]["values"][controls["eps"]["start"]] == 0.1
    assert data["network"]["input"] == [1, 6, 5]


def test_one_example_many_or_named_ones() -> None:
    def examples(start: Any) -> list[str]:
        return data_of(live(small(), start=start, views="probabilities").html())["controls"][0]["labels"]

    assert examples(blank()) == ["1"]
    assert examples(noise(2)) == ["1", "2"]
    assert examples({"nothing": blank(), "noise": noise()}) == ["nothing", "noise"]


def test_a_kernel_rounds_the_examples_as_the_page_does() -> None:
    seen = []

    def keep(now: State) -> Shown:
        seen.append(now.x)
        return picture_of(now)

    live(small(), start=noise(), views=[View("keep", "keep", keep, NOTHING)]).widgets()
    [x] = seen
    torch.testing.assert_close(x[0], (noise().double() * 255).round() / 255, rtol=0, atol=0)


IMAGES = {
    "integers": (TypeError, "image '1' is a tensor of torch.int64", blank().long()),
    "an array": (TypeError, "image 'a' is a ndarray|(numpy)", {"a": blank().numpy()}),
    "one axis too few": (ValueError, r"image '1' has shape \(6, 5\), expected \(1, H, W\) or \(3, H, W\)", blank()[0]),
    "two channels": (ValueError, r"has shape \(2, 6, 5\)", blank(2, 6, 5)),
    "no height": (ValueError, r"has shape \(1, 0, 5\)", blank(1, 0, 5)),
    "two shapes": (ValueError, r"image 'b' has shape \(1, 5, 6\)", {"a": blank(), "b": blank(1, 5, 6)}),
    "below zero": (ValueError, r"has values in \[-1, 0\], expected \[0, 1\]", torch.cat([blank(), blank() - 1], 2)),
    "above one": (ValueError, r"has values in \[0, 1.5\]", torch.cat([blank(), blank() + 1.5], 2)),
    "NaN": (ValueError, "image '1': expected finite values, got 30 NaN", blank() * torch.nan),
    "no tensor": (ValueError, "expected at least one image, .* got none", torch.zeros(0, *SIZE)),
    "no name": (ValueError, "expected at least one image, .* got none", {}),
    "one name twice": (ValueError, "each of another name, got 1, 1", {1: blank(), "1": noise()}),
    "another size": (ValueError, r"layer 'fc1' \(Linear\): expected an input that it takes", blank(1, 6, 6)),
}


@pytest.mark.usefixtures("without_shape_checks")
@pytest.mark.parametrize("case", IMAGES)
def test_a_bad_start_is_refused(case: str) -> None:
    error, words, start = IMAGES[case]
    with pytest.raises(error, match=words):
        live(small(), start=start)


NETWORKS = {
    "another layer": (
        NotImplementedError,
        r"layer '1' \(PReLU\): expected a layer that the page can compute: .*Conv2d",
        lambda: nn.Sequential(nn.Flatten(), nn.PReLU(), nn.Linear(30, 3)).eval(),
    ),
    "no sequence": (NotImplementedError, "expected an nn.Sequential, got Linear", lambda: nn.Linear(5, 3).eval()),
    "training": (ValueError, "expected evaluation mode", lambda: small().train()),
    "NaN": (ValueError, "fc1.weight: expected finite values, got 1 NaN", lambda: spoiled(torch.nan)),
    "infinite": (ValueError, "fc1.weight: expected finite values", lambda: spoiled(torch.inf)),
    "beyond 16 bits": (ValueError, "fc1.weight: expected values of at most 65504", lambda: spoiled(1e5)),
    "no logits": (ValueError, "expected logits of shape", lambda: nn.Sequential(nn.ReLU()).eval()),
}


@pytest.mark.parametrize("case", NETWORKS)
def test_a_network_that_cannot_live_is_refused(case: str) -> None:
    error, words, model = NETWORKS[case]
    with pytest.raises(error, match=words):
        live(model(), start=blank())


VIEWINGS = {
    "unknown": (["foo"], r"expected a View or one of probabilities, .*, occlusion, got 'foo'"),
    "none": ([], "at least one, and no name twice, got nothing"),
    "twice": (["occlusion", "occlusion"], "no name twice, got occlusion, occlusion"),
    "one setting in two views": (
        ["occlusion", own(settings={"square": [1, 2]})],
        "no name twice, got .*square, square",
    ),
    "a setting that is a control": ([own(settings={"class": [1, 2]})], "no name twice, got .*class, class"),
    "no script": ([View("own", "own", picture_of)], "'own' has no script"),
    "a script that ends itself": ([own(script="function () { '</SCRIPT >'; }")], "one that closes its own tag"),
    "a start that is no value": (
        [own(settings={"k": [1, 2]}, starts={"k": 3})],
        "'own' starts k at 3, expected one of",
    ),
    "a start of nothing": ([own(settings={"k": [1, 2]}, starts={"q": 1})], "'own' starts q, .* settings are k"),
    "a phrase that cannot be filled": ([own(phrases={"a": "{k:.1f}"})], "phrase 'a' has {k:.1f}, expected {name}"),
    "values that are no data": ([own(settings={"k": [blank(), noise()]})], "k has a Tensor"),
    "values that JSON has not": ([own(settings={"k": [1.0, float("nan")]})], "k has nan"),
}


@pytest.mark.parametrize("case", VIEWINGS)
def test_views_that_cannot_be_shown_are_refused(case: str) -> None:
    views, words = VIEWINGS[case]
    with pytest.raises(ValueError, match=words):
        live(small(), start=blank(), views=views)


@pytest.mark.parametrize("labels", [["a", "b"], ["a", "b", "a"], ["a", "b", "as predicted"]])
def test_labels_are_one_for_each_logit(labels: list[str]) -> None:
    with pytest.raises(ValueError, match=r"expected 3 different texts, one for each logit .*, got a, b"):
        live(small(), start=blank(), labels=labels)


@pytest.mark.usefixtures("without_shape_checks")
@pytest.mark.parametrize("labels", [{"a", "b", "c"}, "abc", torch.tensor([1, 2, 3]), 3, [1, 2, 3]])
def test_labels_are_a_list_of_texts(labels: Any) -> None:
    with pytest.raises(TypeError, match="labels: expected a list of texts"):
        live(small(), start=blank(), labels=labels)


@pytest.mark.parametrize("heads", [["a"], ["a", "a"], ["a", "b"]])
def test_heads_are_two_or_more_and_share_the_logits(heads: list[str]) -> None:
    with pytest.raises(ValueError, match=r"heads: expected (two or more different names, got a|as many logits for)"):
        live(small(), start=blank(), views=[own()], heads=heads)


@pytest.mark.usefixtures("without_shape_checks")
@pytest.mark.parametrize("heads", ["ab", 3, ["a", 1], ["a", ""]])
def test_heads_are_a_list_of_names(heads: Any) -> None:
    with pytest.raises(TypeError, match="heads: expected a list of names"):
        live(small(), start=blank(), views=[own()], heads=heads)


def test_of_several_heads_the_first_is_explained_and_each_has_the_labels() -> None:
    figure = live(small(), start=noise(), views=[own()], heads=["a", "b", "c"], labels=["one"])
    assert [control.name for control in figure.controls] == ["example"]
    assert (figure.first.target, len(figure.first.logits), figure.first.labels) == (0, 3, ("one",))
    assert data_of(figure.html())["heads"] == ["a", "b", "c"]
    assert "heads" not in data_of(live(small(), start=noise(), views=[own()]).html())


def test_views_of_one_network_are_refused_for_several() -> None:
    with pytest.raises(ValueError, match="views: 'occlusion' shows one network; with heads, expected views of the"):
        live(small(), start=noise(), views=["occlusion"], heads=["a", "b", "c"])


def test_only_one_view_has_the_surface() -> None:
    views = [own(on_surface=True), replace(own(on_surface=True), name="other")]
    with pytest.raises(ValueError, match="views: expected at most one with on_surface=True, got several"):
        live(small(), start=noise(), views=views)


@pytest.mark.usefixtures("without_shape_checks")
@pytest.mark.parametrize("views", [None, 3, View])
def test_views_are_a_list(views: Any) -> None:
    with pytest.raises(TypeError, match="views: expected a list of views"):
        live(small(), start=blank(), views=views)


@pytest.mark.usefixtures("without_shape_checks")
def test_what_a_view_computes_is_checked() -> None:
    with pytest.raises(TypeError, match="'own' computed a str, expected a Shown"):
        live(small(), start=blank(), views=[View("own", "own", lambda now: "nothing", NOTHING)]).html()
    with pytest.raises(TypeError, match="'own' has a compute that is no function"):
        live(small(), start=blank(), views=[View("own", "own", None, NOTHING)])
    with pytest.raises(ValueError, match="settings of 'own' cannot be read: a is a int"):
        live(small(), start=blank(), views=[own(settings={"a": 3})])


def test_a_network_that_rounding_breaks_is_refused() -> None:
    norm = nn.BatchNorm2d(1, eps=0).eval()
    norm.running_var.fill_(1e-9)
    broken = nn.Sequential(norm, nn.Flatten(), nn.Linear(30, 3)).eval()
    with pytest.raises(ValueError, match=r"its logits at the first image are .*nan"):
        live(broken, start=blank())


def test_settings_may_come_from_numpy() -> None:
    view = own(settings={"k": np.arange(6), "share": np.linspace(0, 1, 5, dtype=np.float32)}, starts={"k": 4})
    controls = data_of(live(small(), start=blank(), views=[view]).html())["controls"]
    assert [control.get("values") for control in controls[2:]] == [[0, 1, 2, 3, 4, 5], [0, 0.25, 0.5, 0.75, 1]]
    assert controls[2]["start"] == 4


def test_a_network_over_the_page_s_budget_still_lives_in_a_kernel() -> None:
    large = models.MLP(hidden=(300,)).eval()
    with pytest.raises(ValueError, match=r"takes \d+ kB in the page, at most 400 kB .* fewer parameters"):
        live(large, start=torch.zeros(1, 28, 28), views="probabilities").html()
    assert "<img" in live(large, start=torch.zeros(1, 28, 28), views="probabilities").widgets().children[-1].value


def test_the_id_is_made_of_the_content() -> None:
    pages = [live(small(seed), start=blank(), views="probabilities").html() for seed in (0, 0, 1)]
    ids = [re.search('id="(ib-[0-9a-f]{12})"', text)[1] for text in pages]
    assert ids[0] == ids[1] != ids[2]


def test_the_output_asks_for_nothing_outside_itself() -> None:
    text = live(small(), start=blank()).html()
    text = text.replace('"http://www.w3.org/2000/svg"', "")  # a name of a kind of elements; nobody goes there
    assert not re.search(r"https?://|@import|\burl\(|fetch\(|XMLHttpRequest|\bimport\b", text)
    assert set(re.findall('src="([^:]+):', text)) == {"data"}


def test_text_cannot_leave_the_data() -> None:
    words = ["</script><b>", "<!--<script>", 'q"&']
    text = live(small(), start={"</noscript>": blank()}, labels=words).html()
    data = data_of(text)
    assert data["labels"] == words
    assert data["controls"][0]["labels"] == ["</noscript>"]
    assert text.count("</script>") == 2
    assert text.count("<script") == 2
    assert text.count("</noscript>") == 1


def test_without_scripts_a_picture_stands_with_its_sentences() -> None:
    views = ["probabilities", "input_gradient"]
    text = live(small(), start=noise(), views=views).html()
    src, alt = re.search(r'<noscript><img src="([^"]+)" alt="([^"]+)"', text).groups()
    assert src.startswith("data:image/png;base64,")
    said = said_in_kernel(live(small(), start=noise(), views=views).widgets())
    assert html.unescape(alt) == " ".join(f"{title}: {sentence}" for title, sentence in said)


def test_the_environment_chooses_between_page_and_kernel(shown, monkeypatch: pytest.MonkeyPatch) -> None:
    captions.restart()
    figure = page.explore.live(small(), start=blank(), views="occlusion")
    display(figure)
    assert shown.outputs[0].data["text/html"] == figure.html()
    assert shown.outputs[0].metadata == {}
    monkeypatch.delenv("INTERPBOOK_RENDER")
    display(figure)
    assert "application/vnd.jupyter.widget-view+json" in shown.outputs[1].data


def said_in_kernel(box: ipywidgets.VBox) -> list[tuple[str, str]]:
    """The title and the sentence of every view."""
    lines = re.findall("<li><b>(.*?)</b>: (.*?)</li>", box.children[-1].value)
    return [(html.unescape(title), html.unescape(said)) for title, said in lines]


class Kernel:
    """The figure's widgets, and the inputs that its view has seen."""

    def __init__(self, start: Any, **options: Any) -> None:
        self.seen: list[State] = []
        self.box = live(small(), start=start, views=[View("keep", "keep", self.keep, NOTHING, **options)]).widgets()
        *self.controls, cursor, buttons, self.view = self.box.children
        self.row, self.column = cursor.children
        self.draw, self.erase, self.clear, self.center, self.reset = buttons.children

    def keep(self, now: State) -> Shown:
        self.seen.append(now)
        return picture_of(now)

    @property
    def x(self) -> Tensor:
        return self.seen[-1].x[0]


def test_draw_erase_and_clear_in_a_kernel() -> None:
    kernel = Kernel(blank())
    kernel.row.value, kernel.column.value = 2, 1
    kernel.draw.click()
    drawn = kernel.x.clone()
    assert drawn[0, 2, 1] > 0.5
    assert drawn.argmax() == 2 * 5 + 1
    kernel.erase.click()
    assert kernel.x.max() < drawn.max()
    assert kernel.x[0, 2, 1] == 1 - drawn[0, 2, 1]
    kernel.draw.click()
    kernel.clear.click()
    assert not kernel.x.any()


def test_centre_and_reset_in_a_kernel() -> None:
    corner = blank()
    corner[..., 0, :2] = 1
    kernel = Kernel(corner)
    kernel.center.click()
    assert kernel.x[0].nonzero().tolist() == [[3, 2], [3, 3]]
    kernel.clear.click()
    kernel.row.value = 0
    kernel.controls[1].value = 2
    kernel.reset.click()
    assert torch.equal(kernel.x, corner.double())
    assert (kernel.row.value, kernel.controls[1].value) == (3, 0)


def test_the_page_and_a_kernel_centre_alike() -> None:
    for seed, shape in enumerate([(1, 6, 5), (3, 5, 8), (1, 1, 4)] * 5):
        generator = torch.Generator().manual_seed(seed)
        ink = torch.rand(shape, generator=generator, dtype=torch.float64)
        ink = ink * (torch.rand(shape[1:], generator=generator) < 0.2)
        there = run_node(f"{figure_source()} return centered(data.x, data.shape);", {"x": ink, "shape": list(shape)})
        moved = centered(ink[None])
        assert torch.equal(moved[0].flatten(), torch.tensor(there))
        assert torch.equal(moved.flatten().sort().values, ink.flatten().sort().values)
        assert torch.equal(centered(moved), moved)


def test_every_control_of_a_kernel_arrives_in_the_state() -> None:
    images = noise(2)
    kernel = Kernel(images, settings={"k": [1, 2, 3]}, starts={"k": 2})
    assert [control.description for control in kernel.controls] == ["example", "class", "k"]
    first = kernel.seen[-1]
    assert (first.settings["k"], first.cursor, first.target) == (2, (3, 2), int(first.logits.argmax()))
    example, target, k = kernel.controls
    example.value, target.value, k.value = 1, 3, 0
    kernel.row.value, kernel.column.value = 5, 4
    now = kernel.seen[-1]
    assert (now.settings["k"], now.cursor, now.target) == (1, (5, 4), 2)
    torch.testing.assert_close(now.x[0], (images[1].double() * 255).round() / 255)
    kernel.clear.click()
    example.value = 0
    torch.testing.assert_close(kernel.x, (images[0].double() * 255).round() / 255)


def test_a_drawing_of_the_reader_s_own_is_no_example_in_a_kernel() -> None:
    images = noise(2)
    second = (images[1].double() * 255).round() / 255
    kernel = Kernel(images)
    example, clear = kernel.controls[0], kernel.clear
    example.value = 1
    clear.click()
    assert example.value is None
    assert not kernel.x.any()
    example.value = 1
    torch.testing.assert_close(kernel.x, second)
    clear.click()
    kernel.reset.click()
    assert (example.value, kernel.seen[-1].settings["example"]) == (0, 0)
    torch.testing.assert_close(kernel.x, (images[0].double() * 255).round() / 255)


def test_an_error_in_a_view_is_shown_in_a_kernel() -> None:
    def fussy(now: State) -> Shown:
        if now.target == 0:
            raise ValueError("2 < 3")
        return picture_of(now)

    box = live(small(), start=blank(), views=[View("fussy", "fussy", fussy, NOTHING)], labels=["x", "y", "z"]).widgets()
    box.children[1].value = 1
    assert box.children[-1].value == "<pre>ValueError: 2 &lt; 3</pre>"
    box.children[1].value = 2
    assert box.children[-1].value.startswith("<img")


def test_what_a_view_says_is_text_in_a_kernel() -> None:
    box = live(small(), start=blank(), views="probabilities", labels=["<b>", "&lt;", "<i>"]).widgets()
    [(_, sentence)] = said_in_kernel(box)
    assert re.search("(<b>|&lt;|<i>) with", sentence)
    assert not re.search("<(b|i)> with", box.children[-1].value)


def test_the_brush_is_the_same_in_torch_and_in_the_page() -> None:
    generator = np.random.default_rng(4)
    dabs = [
        {
            "shape": shape,
            "x": torch.tensor(generator.random(shape)) * generator.integers(2),
            "row": generator.uniform(-3, 16),
            "column": generator.uniform(-3, 14),
            "radius": generator.uniform(0.2, 4),
            "erase": bool(generator.integers(2)),
        }
        for shape in [(1, 13, 9), (3, 12, 12)] * 20
    ]
    answers = run_node(
        figure_source()
        + """
        return data.map(function (d) {
          stamp(d.x, d.shape, d.row, d.column, d.radius, d.erase);
          return { x: d.x, radius: brushRadius(d.shape) };
        });""",
        dabs,
    )
    changed = 0
    for dab, answer in zip(dabs, answers, strict=True):
        expected = stamp(dab["x"], dab["row"], dab["column"], dab["radius"], erase=dab["erase"])
        np.testing.assert_allclose(answer["x"].reshape(dab["shape"]), expected, rtol=0, atol=1e-14)
        changed += not torch.equal(expected, dab["x"])
        assert answer["radius"] == brush_radius(dab["x"])
    assert changed > len(dabs) / 2


def test_the_brush_covers_its_circle_and_only_that() -> None:
    x = stamp(torch.zeros(1, 15, 15, dtype=torch.float64), 7.0, 6.0, 3.0)
    distance = torch.hypot(torch.arange(15.0)[:, None] - 7, torch.arange(15.0) - 6)
    assert (x[0][distance <= 2.5] == 1).all()
    assert (x[0][distance >= 3.5] == 0).all()
    edge = (distance > 2.5) & (distance < 3.5)
    assert ((x[0][edge] > 0) & (x[0][edge] < 1)).all()
    again = stamp(x, 7.0, 6.0, 3.0)
    torch.testing.assert_close(again, x, rtol=0, atol=0)
    assert stamp(x, 7.0, 6.0, 3.6, erase=True).max() < 0.5


def test_a_figure_outside_of_a_notebook_is_one_line_and_equal_to_itself_alone() -> None:
    figure, other = figure_of(), figure_of()
    assert repr(figure) == "<A network that answers while you draw; see the web page of this chapter.>"
    assert len({figure, figure, other}) == 2
