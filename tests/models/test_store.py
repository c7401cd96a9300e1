"""Files of checkpoints: rounded to 16 bits and otherwise as they were, refused when damaged, shared by nobody."""

import math
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import nn

from interpbook.datasets import DataError
from interpbook.models import MLP, SmallCNN, store


def save(model: nn.Module, folder: Path, name: str = "one", accuracy: float | None = 0.5) -> store.Entry:
    return store.save(folder, name, 0, store.encode(model), accuracy=accuracy, seconds=2.5)


def test_numbers_are_rounded_to_float16_and_counters_are_kept() -> None:
    model = SmallCNN(batch_norm=True, seed=2)
    model(torch.rand(8, 1, 28, 28))
    model.bn1.num_batches_tracked.fill_(5629)  # about so many batches are six epochs; no number of float16
    content = store.encode(model)
    floats = sum(value.numel() for value in model.state_dict().values() if value.is_floating_point())
    assert 2 * floats < len(content) < 2 * floats + 3000
    again = store.decode(content, SmallCNN(batch_norm=True, seed=3)).state_dict()
    for name, value in model.state_dict().items():
        expected = value.half().float() if value.is_floating_point() else value
        torch.testing.assert_close(again[name], expected, rtol=0, atol=0)
        # Half a unit of the eleventh binary digit; below the smallest normal number, of the smallest subnormal one.
        torch.testing.assert_close(again[name], value, rtol=2**-11, atol=2**-25)
    assert store.encode(store.decode(content, SmallCNN(batch_norm=True))) == content


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf, 65520.0, -1e30])
def test_what_float16_cannot_hold_is_refused_by_name(number: float) -> None:
    model = MLP((3,), inputs=4)
    with torch.no_grad():
        model.fc1.weight[1, 2] = number
    with pytest.raises(ValueError, match=r"model: expected numbers that float16 can hold, got .* in fc1\.weight"):
        store.encode(model)
    with torch.no_grad():
        model.fc1.weight[1, 2] = 65504.0
    assert store.decode(store.encode(model), MLP((3,), inputs=4)).fc1.weight[1, 2] == 65504


@pytest.mark.parametrize("accuracy", [0.5, None])
def test_what_is_known_is_read_back_as_it_was_written(tmp_path: Path, accuracy: float | None) -> None:
    model = MLP((3,), inputs=4)
    entry = save(model, tmp_path, accuracy=accuracy)
    assert store.read_entry(tmp_path, "one", 0) == entry
    assert (entry.accuracy, entry.seconds) == (accuracy, 2.5)
    assert store.read(tmp_path, "one", 0) == store.encode(model)
    assert store.names_kept(tmp_path) == {"one"}


def test_damaged_and_missing_files(tmp_path: Path) -> None:
    save(MLP((3,), inputs=4), tmp_path)
    path, description = tmp_path / "one-seed0.safetensors", tmp_path / "one-seed0.json"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"one-seed0\.safetensors is damaged: expected sha256"):
        store.read(tmp_path, "one", 0)
    path.unlink()
    with pytest.raises(DataError, match=r"one-seed0\.safetensors is missing.*Reinstall interpbook"):
        store.read(tmp_path, "one", 0)
    for damage in ("{", "[1]", '{"sum": 1}', "3"):
        description.write_text(damage)
        with pytest.raises(DataError, match=r"one-seed0\.json, which describes a checkpoint, is damaged"):
            store.read(tmp_path, "one", 0)
    description.unlink()
    with pytest.raises(DataError, match=r"one-seed0\.json, which describes a checkpoint, is missing.*Reinstall"):
        store.read(tmp_path, "one", 0)


WRITE_MANY = """
import sys
from pathlib import Path
from interpbook.models import MLP, store

folder, who = Path(sys.argv[1]), sys.argv[2]
content = store.encode(MLP((2,), inputs=2))
print("ready", flush=True)
sys.stdin.readline()
for number in range(300):
    store.save(folder, f"{who}-{number}", 0, content, accuracy=number / 300, seconds=1.0)
    store.save(folder, "same", 0, content, accuracy=0.5, seconds=1.0)
"""


@pytest.mark.slow
def test_two_processes_write_to_one_folder_and_lose_nothing(tmp_path: Path) -> None:
    command = [sys.executable, "-c", WRITE_MANY, str(tmp_path)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    writers = [subprocess.Popen([*command, who], **pipes) for who in ("a", "b")]
    for writer in writers:
        assert writer.stdout.readline() == "ready\n"
    for writer in writers:  # both are there: now they write at the same time
        writer.stdin.write("\n")
        writer.stdin.flush()
    for writer in writers:
        writer.communicate(timeout=120)
        assert writer.returncode == 0
    names = {f"{who}-{number}" for who in "ab" for number in range(300)}
    assert store.names_kept(tmp_path) == {*names, "same"}
    for name in names:
        assert store.read_entry(tmp_path, name, 0).accuracy == int(name[2:]) / 300
        assert store.read(tmp_path, name, 0) == store.read(tmp_path, "same", 0)
