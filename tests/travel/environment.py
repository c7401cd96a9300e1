"""Make the environment with the oldest versions that the package allows: `python environment.py .venv-lowest`.

Everything that computes or draws has the lower bound that pyproject.toml states; the rest is as new as it comes. The
notebooks' kernel runs there, under the name "lowest", while the tests themselves stay where they are.
"""

import re
import subprocess
import sys
import tomllib
import venv
from pathlib import Path

ROOT = Path(__file__).parents[2]
OLDEST = ("torch", "torchvision", "numpy", "matplotlib", "scikit-learn")


def lowest(requirements: list[str]) -> list[str]:
    """The requirements, those of `OLDEST` at their lower bound.

    >>> lowest(["torch>=2.9", "numpy>=2", "tqdm>=4.66"])
    ['torch==2.9', 'numpy==2', 'tqdm>=4.66']
    """
    return [line.replace(">=", "==") if re.split(r"[<>=]", line)[0] in OLDEST else line for line in requirements]


def main(target: Path) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    venv.create(target, with_pip=True, clear=True)
    python = str(target / "bin" / "python")
    pip = [python, "-m", "pip", "install", "-qq"]
    subprocess.run([*pip, *lowest(project["dependencies"]), "ipykernel"], check=True)
    subprocess.run([*pip, "--no-deps", "-e", str(ROOT)], check=True)
    subprocess.run([python, "-m", "ipykernel", "install", "--prefix", str(target), "--name", "lowest"], check=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]).absolute())
