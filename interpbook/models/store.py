"""Checkpoints on disk: safetensors files, and `checkpoints.json` with checksum, accuracy and seconds of each."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from numbers import Integral
from pathlib import Path

import safetensors.torch
from torch import nn

from interpbook.datasets.fetch import DataError, atomic_file, checksum_of, read_verified
from interpbook.models.recipes import RECIPES, Recipe

FILES = Path(__file__).parent / "files"
INDEX = "checkpoints.json"
REMEDY = "Reinstall interpbook, restore the file with git, or run `python -m interpbook.checkpoints`."


@dataclass(frozen=True)
class Entry:
    """What `checkpoints.json` knows about one file.

    Attributes:
        checksum: of the file, as "sha256:<hex digits>".
        accuracy: on the bundled test images, 0 to 1; None where the network is no classifier.
        seconds: that the training took, on the machine that made the file.
    """

    checksum: str
    accuracy: float | None
    seconds: float


def file_name(name: str, seed: int) -> str:
    """The file of a checkpoint.

    >>> file_name("mnist-cnn", 0)
    'mnist-cnn-seed0.safetensors'
    """
    return f"{name}-seed{seed}.safetensors"


def load(name: str, seed: int = 0, recipes: Mapping[str, Recipe] = RECIPES) -> nn.Module:
    """A trained network of the book, in evaluation mode on the CPU.

    A classifier maps images Float[B 1 28 28] in [0, 1] to logits Float[B 10]; see `Denoiser` for the other kind.

    Args:
        name: a key of `recipes`, where its recipe stands.
        seed: one of the seeds of that recipe.
        recipes: `RECIPES`, or those of a part, such as `interpbook.density.VARIANTS`.

    Raises:
        TypeError: `seed` is no int.
        ValueError: there is no such checkpoint; the message lists the names or seeds that exist.
        DataError: its file is missing or damaged.

    >>> model = load("mnist-cnn")
    >>> model.training
    False
    >>> load("mnist-cnn", seed=7)
    Traceback (most recent call last):
    ...
    ValueError: seed: expected one of [0] for mnist-cnn, got 7
    """
    if name not in recipes:
        raise ValueError(f"name: expected one of {', '.join(sorted(recipes))}, got {name!r}")
    recipe = recipes[name]
    if not recipe.seeds:
        raise ValueError(f"name: no checkpoint of {name!r} is kept, only the recipe; see interpbook.models.train")
    wanted = f"seed: expected one of {list(recipe.seeds)} for {name}"
    if isinstance(seed, bool) or not isinstance(seed, Integral):  # True and 1.0 are equal to 1, but name no file
        raise TypeError(f"{wanted}, got {seed!r}")
    if seed not in recipe.seeds:
        raise ValueError(f"{wanted}, got {seed!r}")
    seed = int(seed)
    file = file_name(name, seed)
    entries = read_index(FILES)
    if file not in entries:
        raise DataError(f"{FILES / INDEX} does not list {file}. {REMEDY}")
    weights = safetensors.torch.load(read_verified(FILES / file, entries[file].checksum, REMEDY))
    model = recipe.network(seed=seed)
    model.load_state_dict(weights)
    return model.eval()


def save(model: nn.Module, folder: Path, file: str, accuracy: float | None, seconds: float) -> Entry:
    """Write the parameters and buffers of `model` to `folder / file`, atomically.

    >>> import tempfile
    >>> entry = save(nn.Linear(2, 2), Path(tempfile.mkdtemp()), "linear.safetensors", accuracy=0.5, seconds=1.0)
    >>> entry.accuracy, entry.checksum[:7]
    (0.5, 'sha256:')
    """
    tensors = {name: value.detach().cpu().contiguous() for name, value in model.state_dict().items()}
    content = safetensors.torch.save(tensors)
    with atomic_file(folder / file) as handle:
        handle.write(content)
    return Entry(checksum_of(content), accuracy, seconds)


def read_index(folder: Path) -> dict[str, Entry]:
    """`checkpoints.json`, by file name.

    Raises:
        DataError: the file is missing or damaged.

    >>> read_index(FILES)["mnist-cnn-seed0.safetensors"].accuracy > 0.97
    True
    """
    path = folder / INDEX
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return {file: Entry(**fields) for file, fields in content.items()}
    except FileNotFoundError:
        raise DataError(f"{path}, the list of checkpoints, is missing. {REMEDY}") from None
    except (ValueError, TypeError, AttributeError) as error:
        raise DataError(f"{path}, the list of checkpoints, is damaged ({error}). {REMEDY}") from error


def write_index(entries: Mapping[str, Entry], folder: Path) -> None:
    """Write `checkpoints.json`, atomically.

    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> write_index({"a.safetensors": Entry("sha256:00", 0.5, 1.0)}, folder)
    >>> read_index(folder)
    {'a.safetensors': Entry(checksum='sha256:00', accuracy=0.5, seconds=1.0)}
    """
    content = {file: asdict(entry) for file, entry in sorted(entries.items())}
    with atomic_file(folder / INDEX) as handle:
        handle.write((json.dumps(content, indent=2) + "\n").encode())
