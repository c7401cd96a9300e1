"""Checkpoints on disk: a safetensors file with 16-bit weights each, and a small one with what is known of it.

No file is shared between networks, so that any number of processes can write to one folder.
"""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

import safetensors.torch
from torch import nn

from interpbook.datasets.fetch import DataError, atomic_file, checksum_of, read_verified

REMEDY = "Reinstall interpbook, restore the file with git, or run `python -m interpbook.models.retrain`."


@dataclass(frozen=True)
class Entry:
    """What is known of one checkpoint.

    Attributes:
        checksum: of the file of weights, as "sha256:<hex digits>".
        accuracy: on the bundled test images, with the weights of the file, 0 to 1; None for what is no classifier.
        seconds: that the training took, on the machine that made the file.
    """

    checksum: str
    accuracy: float | None
    seconds: float


def file_name(name: str, seed: int) -> str:
    """The file of a checkpoint's weights; beside it lies one with the suffix `.json`.

    >>> file_name("mnist-cnn", 0)
    'mnist-cnn-seed0.safetensors'
    """
    return f"{name}-seed{seed}.safetensors"


def names_kept(folder: Path) -> set[str]:
    """The names of the networks with a checkpoint in a folder, told from its files; nothing is opened.

    >>> import tempfile
    >>> names_kept(Path(tempfile.mkdtemp()))
    set()
    """
    # One listing, and no pattern for each of hundreds of files: whoever loads a network asks this of every chapter.
    files = os.listdir(folder) if folder.is_dir() else []
    return {file.rpartition("-seed")[0] for file in files if file.endswith(".safetensors") and "-seed" in file}


def encode(model: nn.Module) -> bytes:
    """The parameters and buffers of a network as a safetensors file, floating numbers rounded to float16.

    Raises:
        ValueError: a number that float16 cannot hold: NaN, infinite, or beyond 65504. Smaller ones than 6e-8 become 0.

    >>> model = nn.Linear(2, 2)
    >>> nn.init.constant_(model.bias, 1e5).shape
    torch.Size([2])
    >>> encode(model)
    Traceback (most recent call last):
    ...
    ValueError: model: expected numbers that float16 can hold, got up to 100000 in bias
    """
    tensors = {}
    for name, value in model.state_dict().items():
        if value.is_floating_point():
            half = value.half()
            if not half.isfinite().all():
                largest = f"{float(value.abs().max()):g}"
                raise ValueError(f"model: expected numbers that float16 can hold, got up to {largest} in {name}")
            value = half
        tensors[name] = value.detach().cpu().contiguous()
    return safetensors.torch.save(tensors)


def decode(content: bytes, model: nn.Module) -> nn.Module:
    """Fill a network with the numbers of a file that `encode` made; it keeps its own precision, float32 in this book.

    Returns:
        `model`, in evaluation mode.

    >>> model, again = nn.Linear(2, 2), nn.Linear(2, 2)
    >>> filled = decode(encode(model), again)
    >>> bool((filled.weight == model.weight.half()).all()), filled.weight.dtype, filled.training
    (True, torch.float32, False)
    """
    model.load_state_dict(safetensors.torch.load(content))
    return model.eval()


def save(folder: Path, name: str, seed: int, content: bytes, *, accuracy: float | None, seconds: float) -> Entry:
    """Write the two files of a checkpoint, each atomically.

    Args:
        folder: where they belong; made if it is missing.
        name, seed: of the network.
        content: from `encode`.
        accuracy, seconds: as in `Entry`.

    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> entry = save(folder, "line", 0, encode(nn.Linear(2, 2)), accuracy=None, seconds=1.0)
    >>> sorted(path.name for path in folder.iterdir()), names_kept(folder)
    (['line-seed0.json', 'line-seed0.safetensors'], {'line'})
    """
    path, entry = folder / file_name(name, seed), Entry(checksum_of(content), accuracy, seconds)
    with atomic_file(path) as file:
        file.write(content)
    with atomic_file(path.with_suffix(".json")) as file:
        file.write((json.dumps(asdict(entry), indent=2) + "\n").encode())
    return entry


def read(folder: Path, name: str, seed: int) -> bytes:
    """The content of a checkpoint's file of weights, after its checksum was compared.

    Raises:
        DataError: one of the two files is missing or damaged.
    """
    return read_verified(folder / file_name(name, seed), read_entry(folder, name, seed).checksum, REMEDY)


def read_entry(folder: Path, name: str, seed: int) -> Entry:
    """What is known of a checkpoint.

    Raises:
        DataError: the file that says it is missing or damaged.
    """
    path = (folder / file_name(name, seed)).with_suffix(".json")
    try:
        return Entry(**json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        raise DataError(f"{path}, which describes a checkpoint, is missing. {REMEDY}") from None
    except (ValueError, TypeError) as error:
        raise DataError(f"{path}, which describes a checkpoint, is damaged ({error}). {REMEDY}") from error
