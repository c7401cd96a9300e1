"""The kinds of machine on which notebooks are proved behave as their names say."""

import os
import subprocess
import sys

import notebook_rules as rules
import psutil
import pytest
from travel.environment import lowest
from travel.machines import AVX2, DEFAULT, HERE, OTHERS, Machine, one_other

ASK = "import torch; print(torch.backends.cpu.get_cpu_capability(), torch.get_num_threads())"


@pytest.mark.parametrize(("machine", "capability"), [(AVX2, "AVX2"), (DEFAULT, "DEFAULT")], ids=lambda m: str(m)[:4])
def test_torch_computes_with_that_instruction_set(machine: Machine, capability: str) -> None:
    done = subprocess.run([sys.executable, "-c", ASK], env=machine.environment(), capture_output=True, text=True)
    assert done.stdout.split()[0] == capability


def test_two_threads_are_two() -> None:
    [machine] = [machine for machine in OTHERS if machine.name == "two threads"]
    done = subprocess.run([sys.executable, "-c", ASK], env=machine.environment(), capture_output=True, text=True)
    cores = psutil.cpu_count(logical=False) or 1
    # Where there is one core, libraries may keep to one thread whatever they are told.
    assert done.stdout.split()[1] in ({"2"} if cores > 1 else {"1", "2"})


def test_every_machine_keeps_its_own_records() -> None:
    folders = [machine.records for machine in (HERE, *OTHERS)]
    assert len(set(folders)) == len(folders)
    assert HERE.environment().items() >= {name: os.environ[name] for name in ("PATH", "OMP_NUM_THREADS")}.items()


def test_the_lowest_versions_are_exact_and_the_others_free() -> None:
    asked = ["torch>=2.9", "torchvision>=0.24", "tqdm>=4.66", "scikit-learn>=1.5", "lite>=0.1,<0.2"]
    assert lowest(asked) == ["torch==2.9", "torchvision==0.24", "tqdm>=4.66", "scikit-learn==1.5", "lite>=0.1,<0.2"]


def test_each_notebook_has_one_other_machine() -> None:
    assert all(one_other(path) in (AVX2, DEFAULT) for path in rules.NOTEBOOKS)
