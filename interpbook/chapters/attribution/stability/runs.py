"""Networks trained again, with another seed or on other data: one protocol and its stored results.

Each seed has its own initial weights, its own order of batches, and its own draw of the noise or of the rows that are
left out. `runs.csv` holds what came out, one seed a line;
`python -m interpbook.chapters.attribution.stability.make_runs` makes it again (half an hour of one core).
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor, nn

from interpbook.attribution import angle, input_gradient, select, top_k_agreement
from interpbook.chapters.attribution.stability.tables import Rows, rows_of
from interpbook.models import MLP
from interpbook.page.runs import Runs
from interpbook.training import accuracy, fit

__all__ = ["ACTIVATIONS", "RUNS", "Result", "Setting", "explain", "network", "protocol", "run", "values"]

SEEDS = tuple(range(10))
HIDDEN = (50, 50, 50)
STEPS = 1500
BATCH = 64
NOISE = 0.1  # standard deviations of a feature
WRONG = 0.25  # share of labels
TOP = 4
#: Activation and weight decay of the networks that are compared.
ACTIVATIONS: dict[str, str | Callable[[], nn.Module]] = {
    "relu": "relu",
    "softplus10": partial(nn.Softplus, beta=10),
    "softplus5": partial(nn.Softplus, beta=5),
    "softplus2": partial(nn.Softplus, beta=2),
}


@dataclass(frozen=True)
class Setting:
    """All that decides a run.

    Attributes:
        table: one of `TABLES`.
        activation: one of `ACTIVATIONS`.
        decay: the weight decay of SGD.
        labels: one of `"given"`, `"wrong"` for a quarter of the training rows, `"learned"` or `"rough"`, without noise.
        seed: of the network, its batches, and the draw of the other data.
    """

    table: str
    activation: str = "relu"
    decay: float = 0.0
    labels: str = "given"
    seed: int = 0


@dataclass(frozen=True)
class Result:
    """What came out of a run; angles in radians, all means over the test rows whose explanations are not zero.

    Attributes:
        accuracy, train_accuracy: of the network, on test and training rows.
        norm: the length of its explanations.
        noise, grown, other: angle to the explanations of the same seed trained on noisy rows, of the same seed trained
            on three quarters of the rows, and of the next seed trained on the same rows.
        noise_top, grown_top, other_top: agreement of the top four.
        noise_raw: the length of the difference to the network trained on noisy rows.
        logit_sum: as `other`, of the sum of all logits.
        zeros: the share of test rows with an explanation that is zero, here or in a network compared with.
    """

    accuracy: float
    train_accuracy: float
    norm: float
    noise: float
    grown: float
    other: float
    noise_top: float
    grown_top: float
    other_top: float
    noise_raw: float
    logit_sum: float
    zeros: float


def protocol() -> Iterator[Setting]:
    """All runs: plain and smooth networks on five tables, and some with labels that have more noise, or none."""
    decays = [("relu", 0.0), ("relu", 1e-3), ("relu", 1e-2), ("relu", 3e-2)]
    smooth = [(f"softplus{beta}", 1e-3) for beta in (10, 5, 2)]
    for table in ("adult", "diabetes", "breast_cancer", "digits", "adult_few"):
        for activation, decay in decays if table == "adult_few" else decays + smooth:
            for seed in SEEDS:
                yield Setting(table, activation, decay, seed=seed)
    others = {"digits": "wrong", "breast_cancer": "wrong", "diabetes": "learned", "adult_few": "learned"}
    for table, labels in others.items():
        for decay in (0.0, 3e-2):
            for seed in SEEDS:
                yield Setting(table, "relu", decay, labels, seed)
    for table in ("diabetes", "adult_few"):
        for seed in SEEDS:
            yield Setting(table, labels="rough", seed=seed)


def run(setting: Setting) -> Result:
    """Train the network, the two on other data and the next seed's, and compare their explanations."""
    rows = labelled(setting.table, setting.labels)
    here = network(setting)
    following = replace(setting, seed=(setting.seed + 1) % len(SEEDS))
    mine = explain(here, rows)
    rivals = {
        "noise": explain(network(setting, "noise"), rows),
        "grown": explain(network(setting, "grown"), rows),
        "other": explain(network(following), rows),
    }
    there = torch.stack([mine, *rivals.values()]).ne(0).any(2).all(0)
    mine = mine[there]
    rivals = {name: gradients[there] for name, gradients in rivals.items()}
    angles = {name: float(angle(mine, theirs).mean()) for name, theirs in rivals.items()}
    tops = {f"{name}_top": float(top_k_agreement(mine, theirs, TOP).mean()) for name, theirs in rivals.items()}
    sums = [explain_sum(model, rows.test_x) for model in (here, network(following))]
    seen = torch.stack(sums).ne(0).any(2).all(0)
    return Result(
        accuracy=accuracy(here, rows.test_x, rows.test_y),
        train_accuracy=accuracy(here, rows.x, rows.y),
        norm=float(mine.norm(dim=1).mean()),
        **angles,
        **tops,
        noise_raw=float((mine - rivals["noise"]).norm(dim=1).mean()),
        logit_sum=float(angle(sums[0][seen], sums[1][seen]).mean()),
        zeros=1 - float(there.double().mean()),
    )


@cache
def labelled(table: str, labels: str) -> Rows:
    """The rows of a table with other labels: a quarter of them `"wrong"`, all `"learned"` or `"rough"`.

    Wrong labels are drawn from the other classes. Learned ones are what a network with weight decay 0.03 predicts that
    was trained on the given ones, of all rows that the table has. Rough ones come from waves. In neither is any noise.
    """
    rows = rows_of(table)
    if labels == "wrong":
        generator = torch.Generator().manual_seed(0)
        chosen = torch.rand(len(rows.y), generator=generator) < WRONG
        moved = rows.y + torch.randint(1, rows.classes, rows.y.shape, generator=generator)
        return Rows(rows.x, torch.where(chosen, moved % rows.classes, rows.y), rows.test_x, rows.test_y)
    if labels == "rough":
        values = _rough(torch.cat([rows.x, rows.test_x]))
        classes = (values > values[: len(rows.x)].median()).long()
        return Rows(rows.x, classes[: len(rows.x)], rows.test_x, classes[len(rows.x) :])
    if labels == "learned":
        whole = table.removesuffix("_few")
        teacher = _fitted(Setting(whole, decay=3e-2, seed=99), rows_of(whole))
        with torch.no_grad():
            return Rows(rows.x, teacher(rows.x).argmax(1), rows.test_x, teacher(rows.test_x).argmax(1))
    return rows


def _rough(x: Float[Tensor, "n d"]) -> Float[Tensor, "n"]:
    """A sum of waves in ten random directions, each about two standard deviations long: no noise, and not smooth."""
    generator = torch.Generator().manual_seed(0)
    directions = torch.nn.functional.normalize(torch.randn(10, x.shape[1], generator=generator))
    phases = 2 * torch.pi * torch.rand(10, generator=generator)
    return (3 * x @ directions.T + phases).cos().sum(1)


@cache
def network(setting: Setting, data: str = "all") -> nn.Module:
    """The setting's network, trained on `"all"` rows, on rows with `"noise"`, or on those before it has `"grown"`.

    Do not change it.
    """
    rows = labelled(setting.table, setting.labels)
    generator = torch.Generator().manual_seed(setting.seed)
    x, y = rows.x, rows.y
    if data == "noise":
        x = x + NOISE * torch.randn(x.shape, generator=generator)
    elif data == "grown":
        kept = torch.randperm(len(x), generator=generator)[: 3 * len(x) // 4]
        x, y = x[kept], y[kept]
    return _fitted(setting, Rows(x, y, rows.test_x, rows.test_y))


def _fitted(setting: Setting, rows: Rows) -> nn.Module:
    model = MLP(
        HIDDEN,
        ACTIVATIONS[setting.activation],
        inputs=rows.x.shape[1],
        classes=rows_of(setting.table).classes,
        seed=setting.seed,
    )
    epochs = round(STEPS / -(-len(rows.x) // BATCH))
    fit(
        model,
        (rows.x, rows.y),
        epochs=epochs,
        optimizer="sgd",
        lr=0.1,
        weight_decay=setting.decay,
        batch_size=BATCH,
        seed=setting.seed,
        progress=False,
    )
    return model


def explain(model: nn.Module, rows: Rows) -> Float[Tensor, "N d"]:
    """The gradient of the log-odds of the true class, of each test row."""
    return input_gradient(select(model, rows.test_y, of="log_odds"), rows.test_x)


def explain_sum(model: nn.Module, x: Float[Tensor, "N d"]) -> Float[Tensor, "N d"]:
    """The gradient of the sum of all logits."""
    return input_gradient(lambda inputs: model(inputs).sum(1), x)


#: The stored results of all runs.
RUNS = Runs(Path(__file__).parent / "runs.csv", Setting, Result)


def values(
    what: str, table: str, activation: str = "relu", decay: float = 0.0, labels: str = "given"
) -> Float[Tensor, "seeds"]:
    """One of the numbers of `Result` for all seeds of a setting."""
    row = [getattr(RUNS.load()[Setting(table, activation, decay, labels, seed)], what) for seed in SEEDS]
    return torch.tensor(row, dtype=torch.float64)
