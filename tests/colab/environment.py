"""Make the environment in which the notebooks are rehearsed for Google Colab: `python environment.py .venv-colab`.

A rehearsal, not Colab: the Jupyter packages, NumPy and Matplotlib have Colab's versions. Python itself is the one at
hand (Colab has 3.13), and PyTorch is borrowed from the environment that runs this script, because another copy would
take gigabytes (Colab has torch 2.11). The package is not installed here: the test installs the wheel that it builds.
"""

import re
import shutil
import subprocess
import sys
import tomllib
import venv
from importlib.metadata import distribution, distributions
from pathlib import Path

HERE = Path(__file__).parent
BORROWED = ("torch", "torchvision")


def is_borrowed(requirement: str) -> bool:
    """Whether a distribution is PyTorch, or one of the heavy packages that come with it."""
    name = re.split(r"[^\w-]", requirement)[0]
    return name in (*BORROWED, "triton") or name.startswith(("nvidia-", "cuda-"))


def borrowed_names() -> set[str]:
    """Their files and folders in site-packages; what lies outside, such as programs, starts with dots."""
    heavy = [dist for dist in distributions() if is_borrowed(dist.metadata["Name"])]
    names = {Path(str(file)).parts[0] for dist in heavy for file in dist.files or []}
    return {name for name in names if not name.startswith((".", "__pycache__"))}


def requirements() -> list[str]:
    """What the package and PyTorch need besides PyTorch."""
    project = tomllib.loads((HERE.parents[1] / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lines = list(project["dependencies"])
    lines += [line for name in BORROWED for line in distribution(name).requires or [] if "extra ==" not in line]
    return [line for line in lines if not is_borrowed(line)]


def main(target: Path) -> None:
    shutil.rmtree(target, ignore_errors=True)
    venv.create(target, with_pip=True)
    (packages,) = (target / "lib").glob("python3.*/site-packages")
    for name in borrowed_names():
        (packages / name).symlink_to(Path(distribution("torch").locate_file(name)))
    pip = [str(target / "bin" / "python"), "-m", "pip", "install", "-qq"]
    subprocess.run([*pip, *requirements(), "nbconvert", "-r", str(HERE / "requirements.txt")], check=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]).absolute())
