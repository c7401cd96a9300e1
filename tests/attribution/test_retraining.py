"""Keep the top or the bottom of a ranking and train again: identities that any retraining has to satisfy.

The classifiers here are solved for, not trained: the mean of each class, and least squares.
"""

import warnings

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from interpbook.attribution import DiffROAR, diffroar

DOUBLE = torch.float64
CLASSES = 3


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def linear_classifier(weight: Tensor, bias: Tensor) -> nn.Module:
    layer = nn.utils.skip_init(nn.Linear, weight.shape[1], len(weight), dtype=weight.dtype)
    layer.load_state_dict({"weight": weight, "bias": bias})
    return nn.Sequential(nn.Flatten(), layer).eval()


def nearest_mean(images: Tensor, labels: Tensor) -> nn.Module:
    """<m, x> - |m|^2 / 2 of the mean m of each class."""
    means = torch.stack([images[labels == k].flatten(1).mean(0) for k in range(CLASSES)])
    return linear_classifier(means, -means.square().sum(1) / 2)


def least_squares(images: Tensor, labels: Tensor) -> nn.Module:
    """The classes as unit vectors, by ridge regression of the smallest norm but for rounding."""
    x = torch.cat([images.flatten(1), images.new_ones(len(images), 1)], 1)
    y = nn.functional.one_hot(labels, CLASSES).to(x)
    solved = torch.linalg.solve(x.T @ x + 1e-3 * torch.eye(x.shape[1], dtype=x.dtype), x.T @ y)
    return linear_classifier(solved[:-1].T.contiguous(), solved[-1])


def noisy_classes(count: int, seed: int, channels: int = 2) -> tuple[Tensor, Tensor]:
    """Images Float[count channels 3 4]: of class k the pixels of row k are brighter, among noise."""
    labels = torch.arange(count) % CLASSES
    images = torch.randn(count, channels, 3, 4, generator=seeded(seed), dtype=DOUBLE)
    images[torch.arange(count), :, labels] += 1
    return images, labels


TRAIN, TEST = noisy_classes(90, 0), noisy_classes(60, 1)


def random_maps(seed: int, values: int | None = None) -> tuple[Tensor, Tensor]:
    """For each of the images one map, with many ties if there are few `values`."""
    generator = seeded(seed)
    maps = [torch.randn(len(images), 3, 4, generator=generator, dtype=DOUBLE) for images, _ in (TRAIN, TEST)]
    one, two = maps if values is None else [(each * values / 4).round() for each in maps]
    return one, two


class Seen:
    """A retraining that writes down what it was given."""

    def __init__(self, retrain=nearest_mean) -> None:
        self.retrain, self.images, self.labels = retrain, [], []

    def __call__(self, images: Tensor, labels: Tensor) -> nn.Module:
        self.images.append(images.clone())
        self.labels.append(labels.clone())
        return self.retrain(images, labels)


def run(ranking, share=0.25, retrain=nearest_mean, **options) -> DiffROAR:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return diffroar(TRAIN, TEST, ranking, share, retrain=retrain, **options)


# What is kept.


@pytest.mark.parametrize("fill", [0.0, -7.5])
def test_each_classifier_sees_what_it_should(fill):
    """One pixel at a time, by sorting: the k largest, the k smallest, and the same as zeros and ones."""
    seen, ranking = Seen(), random_maps(0)
    run(ranking, 0.25, seen, fill=fill)
    top, bottom, mask_top, mask_bottom = seen.images
    for n, (image, saliency) in enumerate(zip(TRAIN[0], ranking[0], strict=True)):
        pixels = sorted(((float(saliency[i, j]), i, j) for i in range(3) for j in range(4)), reverse=True)
        for kept, mask, chosen in ((top, mask_top, pixels[:3]), (bottom, mask_bottom, pixels[-3:])):
            expected, where = torch.full_like(image, fill), torch.zeros_like(image)
            for _, i, j in chosen:
                expected[:, i, j], where[:, i, j] = image[:, i, j], 1
            assert torch.equal(kept[n], expected)
            assert torch.equal(mask[n], where)
    assert {images.dtype for images in seen.images} == {DOUBLE}
    assert all(torch.equal(labels, TRAIN[1]) for labels in seen.labels)


def test_accuracies_are_those_on_test_images_of_which_the_same_is_kept():
    """By hand: masks by sorting, the mean of each class, the nearest of the means."""
    ranking = random_maps(3)
    sets = []
    for largest in (True, False):
        masks = [torch.zeros(len(maps), 12, dtype=DOUBLE) for maps in ranking]
        for mask, maps in zip(masks, ranking, strict=True):
            mask.scatter_(1, maps.flatten(1).topk(3, largest=largest).indices, 1.0)
        masks = [mask.view(-1, 1, 3, 4).expand(-1, 2, -1, -1) for mask in masks]
        sets.append((TRAIN[0] * masks[0], TEST[0] * masks[1]))
        sets.append((masks[0], masks[1]))
    expected = []
    for x, z in (sets[0], sets[2], sets[1], sets[3]):
        means = torch.stack([x[TRAIN[1] == k].mean(0) for k in range(CLASSES)])
        distances = torch.cdist(z.flatten(1), means.flatten(1))
        expected.append(float((distances.argmin(1) == TEST[1]).double().mean()))
    assert run(ranking) == DiffROAR(*expected)
    assert len(set(expected)) > 2


def test_a_ranking_by_the_truth_is_better_than_its_reverse():
    truth = tuple(
        nn.functional.one_hot(labels, CLASSES)[:, :, None].expand(-1, -1, 4).to(DOUBLE) for _, labels in (TRAIN, TEST)
    )
    found = run(truth, 1 / 3)
    assert found.top == 1.0
    assert found.mask_top == 1.0
    assert found.difference == found.top - found.bottom
    assert found.mask_difference == found.mask_top - found.mask_bottom


# What must not matter.


@given(seed=st.integers(0, 1000), values=st.sampled_from([None, 1, 3]), share=st.floats(0.05, 1))
@settings(max_examples=30, deadline=None)
def test_a_reversed_ranking_swaps_top_and_bottom(seed, values, share):
    """Exactly, ties included, and so whatever the retraining."""
    ranking = random_maps(seed, values)
    for retrain in (nearest_mean, least_squares):
        found = run(ranking, share, retrain, generator=seeded(seed))
        turned = run(tuple(-maps for maps in ranking), share, retrain, generator=seeded(seed))
        assert (turned.top, turned.bottom) == (found.bottom, found.top)
        assert (turned.mask_top, turned.mask_bottom) == (found.mask_bottom, found.mask_top)
        assert turned.difference == -found.difference


@given(seed=st.integers(0, 1000), values=st.sampled_from([None, 3]))
@settings(max_examples=20, deadline=None)
def test_only_the_order_of_the_values_counts(seed, values):
    """An increasing function for each image, which rounding leaves increasing."""
    ranking = random_maps(seed, values)
    bent = tuple(maps**3 + torch.arange(1, len(maps) + 1).view(-1, 1, 1) * maps - 5 for maps in ranking)
    first, second = Seen(), Seen()
    assert run(ranking, retrain=first) == run(bent, retrain=second)
    assert all(torch.equal(one, two) for one, two in zip(first.images, second.images, strict=True))


@pytest.mark.parametrize("retrain", [nearest_mean, least_squares])
def test_with_all_pixels_kept_there_is_no_difference(retrain):
    seen = Seen(retrain)
    found = run(random_maps(0), 1.0, seen)
    assert found.difference == found.mask_difference == 0
    assert torch.equal(seen.images[0], TRAIN[0])
    assert torch.equal(seen.images[1], TRAIN[0])
    assert bool((seen.images[2] == 1).all())


def test_a_constant_map_makes_no_difference_and_keeps_random_pixels():
    """Each pixel is kept in a quarter of 90 images: within 4 standard errors, and not always the same three."""
    seen = Seen()
    found = run(tuple(torch.full_like(maps, 0.3) for maps in random_maps(0)), 0.25, seen)
    assert found.difference == found.mask_difference == 0
    often = seen.images[2][:, 0].mean(0)
    assert bool(((often - 0.25).abs() < 4 * (0.25 * 0.75 / 90) ** 0.5).all())
    assert float(often.std()) > 0
    assert not torch.equal(seen.images[2][0], seen.images[2][1])


def test_the_generator_alone_orders_ties():
    tied, clear = random_maps(0, 1), random_maps(0)
    for ranking, same in ((tied, False), (clear, True)):
        first, again, other, default = Seen(), Seen(), Seen(), Seen()
        for seen, seed in ((first, 1), (again, 1), (other, 2)):
            run(ranking, retrain=seen, generator=seeded(seed))
        run(ranking, retrain=default)
        assert torch.equal(first.images[2], again.images[2])
        assert torch.equal(first.images[2], other.images[2]) == same
        assert torch.equal(first.images[2], default.images[2]) == same


def test_images_of_train_and_test_draw_their_own_order():
    """The same images in both: with one order for both, masks of the test set would be known by heart."""
    data = (TRAIN[0], torch.arange(90) % CLASSES)
    flat = torch.zeros(90, 3, 4, dtype=DOUBLE)
    kept: list[Tensor] = []

    def watching(images: Tensor, labels: Tensor) -> nn.Module:
        model = nearest_mean(images, labels)
        kept.append(images)
        model.register_forward_pre_hook(lambda _, inputs: kept.append(inputs[0].clone()))
        return model

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        diffroar(data, data, (flat, flat), 0.25, retrain=watching)
    assert len(kept) == 8
    assert not torch.equal(kept[4], kept[5])


def test_it_leaves_no_trace():
    before, ranking = torch.get_rng_state(), random_maps(0, 3)
    copies = [each.clone() for each in (*TRAIN, *TEST, *ranking)]

    def careless(images: Tensor, labels: Tensor) -> nn.Module:
        model = nearest_mean(images, labels)
        images.fill_(9)
        labels.fill_(0)
        return model

    assert run(ranking, retrain=careless) == run(ranking)
    assert torch.equal(torch.get_rng_state(), before)
    assert all(torch.equal(now, then) for now, then in zip((*TRAIN, *TEST, *ranking), copies, strict=True))


def test_narrow_types_are_taken_as_they_are():
    """Images of single precision stay so, labels of 32 bits become 64; rankings need not be of the images' type."""
    train, test = ((images.float(), labels.int()) for images, labels in (TRAIN, TEST))
    seen, ranking = Seen(), random_maps(0)
    found = diffroar(train, test, ranking, 0.5, retrain=seen)
    assert {images.dtype for images in seen.images} == {torch.float32}
    assert {labels.dtype for labels in seen.labels} == {torch.int64}
    assert found.top == pytest.approx(run(ranking, 0.5).top, abs=1 / 60 + 1e-9)


# The leak, and the floor.


def test_a_mask_that_knows_the_prediction_tells_the_label_as_often_as_the_prediction_is_right():
    """Pixels without any content: the accuracy of the masks alone is that of whoever ranked them."""
    generator = seeded(5)
    guesses, blank = [], []
    for images, labels in (TRAIN, TEST):
        wrong = torch.rand(len(labels), generator=generator) < 0.2
        guesses.append(torch.where(wrong, (labels + 1) % CLASSES, labels))
        blank.append((torch.zeros_like(images), labels))
    maps = tuple(nn.functional.one_hot(guess, CLASSES)[:, :, None].expand(-1, -1, 4).to(DOUBLE) for guess in guesses)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = diffroar(*blank, maps, 1 / 3, retrain=nearest_mean)
    right = float((guesses[1] == TEST[1]).double().mean())
    assert found.mask_top == right
    assert 0.7 < right < 0.9
    # The images themselves are empty, kept or not.
    assert found.top == found.bottom == pytest.approx(1 / 3)


def always(images: Tensor, labels: Tensor) -> nn.Module:
    """A classifier that answers 0 whatever it sees."""
    weight = torch.zeros(CLASSES, images[0].numel(), dtype=images.dtype)
    return linear_classifier(weight, weight.new_tensor([1, 0, 0]))


def test_accuracies_of_a_constant_answer_are_warned_of():
    """60 test images, 20 of each class: 1/3 with an error of sqrt(1/3 * 2/3 / 60) = 0.061."""
    says = r"^retrain: .* 0\.333 with a standard error of 0\.061, got 0\.333 at best"
    with pytest.warns(UserWarning, match=says) as caught:
        diffroar(TRAIN, TEST, random_maps(0), 0.25, retrain=always)
    assert len(caught) == 1


@pytest.mark.parametrize(("hits", "warned"), [(27, True), (28, False)])
def test_the_floor_is_two_standard_errors_above_a_constant_answer(hits, warned):
    """20 + 2 * 60 * 0.0609 = 27.3 hits of 60: 27 are too few, 28 are enough, from one end of the ranking alone."""
    answers = TEST[1].clone()
    answers[hits:] = (answers[hits:] + 1) % CLASSES
    calls = []

    class Fixed(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return nn.functional.one_hot(answers, CLASSES).to(x)

    def retrain(images: Tensor, labels: Tensor) -> nn.Module:
        calls.append(0)
        return Fixed().eval() if len(calls) == 2 else always(images, labels)

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        found = diffroar(TRAIN, TEST, random_maps(0), 0.25, retrain=retrain)
    assert found.bottom == hits / 60
    assert bool(caught) == warned


# Errors.

MAPS = random_maps(0)


def other(**replaced):
    """A call with some arguments replaced."""

    def call():
        arguments = {"train": TRAIN, "test": TEST, "ranking": MAPS, "share": 0.25, "retrain": nearest_mean, **replaced}
        return diffroar(**arguments)

    return call


ONE_CLASS = (TRAIN[0], torch.full((90,), 3))
WRONG = [
    (other(share=0), ValueError, r"^share: expected above 0 to 1, .*one of 12 pixels, got 0"),
    (other(share=0.04), ValueError, r"^share: .*one of 12 pixels, got 0.04"),
    (other(share=1.01), ValueError, r"^share: .*got 1.01"),
    (other(share=torch.nan), ValueError, r"^share: expected a finite number"),
    (other(share="half"), TypeError, r"^share: .*got 'half'"),
    (other(ranking=(MAPS[0] / 0, MAPS[1])), ValueError, r"^ranking of train: expected finite"),
    (other(ranking=(MAPS[0], MAPS[1] * torch.nan)), ValueError, r"^ranking of test: expected finite"),
    (other(ranking=(MAPS[1], MAPS[1])), ValueError, r"^ranking of train: .*\(90, 3, 4\), got \(60, 3, 4\)"),
    (other(ranking=(MAPS[0], MAPS[1][:, None])), ValueError, r"^ranking of test: .*\(60, 3, 4\), got \(60, 1, 3, 4\)"),
    (other(ranking=(MAPS[0].long(), MAPS[1])), TypeError, r"^ranking of train: .*int64"),
    (other(ranking=MAPS[0]), TypeError, r"^ranking: expected a tuple .*got Tensor"),
    (other(ranking=MAPS[:1]), TypeError, r"^ranking: expected a tuple"),
    (other(train=ONE_CLASS), ValueError, r"^train: expected labels of at least two classes, got only 3"),
    (other(train=TRAIN[0]), TypeError, r"^train: expected a tuple of images and labels, got Tensor"),
    (other(train=(TRAIN[0], TEST[1])), ValueError, r"^labels of train: .*\(90,\), got \(60,\)"),
    (other(test=(TEST[0], TEST[1].double())), TypeError, r"^labels of test: expected an integer tensor"),
    (other(test=(TEST[0][:, 0], TEST[1])), ValueError, r"^images of test: .*\(N, C, H, W\), got \(60, 3, 4\)"),
    (other(test=(TEST[0] / 0, TEST[1])), ValueError, r"^images of test: expected finite"),
    (other(test=(TEST[0][:, :1], TEST[1])), ValueError, r"^test: .*\(2, 3, 4\), got torch.float64 of shape \(1, 3"),
    (other(test=(TEST[0].float(), TEST[1])), ValueError, r"^test: .*torch.float64 .*got torch.float32"),
    (other(fill=torch.inf), ValueError, r"^fill: expected a finite number"),
    (other(generator=0), TypeError, r"^generator: .*got int"),
    (other(retrain=None), TypeError, r"^retrain: expected a function of images and labels, got NoneType"),
    (other(retrain=lambda x, y: None), TypeError, r"^retrain, its model: expected a torch.nn.Module, got NoneType"),
    (
        other(retrain=lambda x, y: nearest_mean(x, y).train()),
        ValueError,
        r"^retrain, its model: expected evaluation mode",
    ),
    (
        other(retrain=lambda x, y: nn.Flatten(0).eval()),
        ValueError,
        r"^retrain, its model output: expected shape \(B, K\) = \(60, K\)",
    ),
]


@pytest.mark.parametrize(("call", "error", "says"), WRONG)
def test_wrong_arguments_are_refused_by_name(without_shape_checks, call, error, says):
    with pytest.raises(error, match=says):
        call()


@pytest.mark.parametrize("wrong", [{"share": 2}, {"ranking": MAPS[0]}, {"fill": torch.nan}, {"generator": 0}])
def test_nothing_is_trained_before_all_is_checked(without_shape_checks, wrong):
    seen = Seen()
    with pytest.raises((TypeError, ValueError)):
        other(retrain=seen, **wrong)()
    assert not seen.images
