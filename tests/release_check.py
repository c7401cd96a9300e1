"""`make release-check`: what a release needs besides `make test`, of which it takes some parts along.

Between releases it says what is missing for one, and fails only on what is wrong at any time.
"""

import re
import shutil
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from html import unescape
from pathlib import Path

import release
from colab.rehearsal import layered

import interpbook

ROOT = release.ROOT
BOOK = ROOT / "_build" / "html"
SMOKE = """\
import interpbook
from interpbook import datasets, models, page
models.load("mnist-cnn-bn")
print(interpbook.__version__, interpbook.__file__)
"""
# Every link inside the book is followed, Colab's is the released page, and the citation names the version.
IN_BROWSER = "links_inside or offers_colab or how_to_cite"


def built_pages(version: str, book: Path = BOOK) -> list[str]:
    """The pages of the built book whose first cell does not name this version."""
    found = []
    for page in sorted(book.glob("notebooks/*/*.html")):
        text = unescape(re.sub(r"<[^>]+>", "", page.read_text(encoding="utf-8")))
        if f'version="{version}"' not in text:
            found.append(f"{page.relative_to(book)} in the built book is no page of {version}: make book")
    return found


def build(folder: Path) -> list[str]:
    """Build the sdist, and from it the wheel; install that beside what .venv has, and use it from an empty folder."""
    subprocess.run([sys.executable, "-m", "build", "-n", "-o", str(folder), str(ROOT)], check=True, capture_output=True)
    [wheel] = folder.glob("*.whl")
    python = layered(folder / "env", Path(sys.prefix))
    empty = folder / "empty"
    empty.mkdir()
    pip = [python, "-m", "pip", "--disable-pip-version-check", "install", "-q"]
    needs = subprocess.run([*pip, "--dry-run", "--no-index", wheel], cwd=empty, capture_output=True, text=True)
    subprocess.run([*pip, "--no-deps", "--ignore-installed", wheel], cwd=empty, check=True)
    used = subprocess.run([python, "-I", "-c", SMOKE], cwd=empty, capture_output=True, text=True)
    version, _, file = used.stdout.strip().partition(" ")
    found = [] if needs.returncode == 0 else [f"the wheel asks for what is not installed: {needs.stderr.strip()}"]
    if version != interpbook.__version__ or not file.startswith(str(folder)):
        found.append(f"the installed wheel is {version!r} at {file!r}: {used.stderr.strip()[-600:]}")
    return found


def is_online(address: str) -> bool:
    """Whether an address answers, with whatever."""
    try:
        urllib.request.urlopen(urllib.request.Request(address, method="HEAD"), timeout=10).close()
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False
    return True


def external_links() -> list[str]:
    """The links to other sites that do not answer, as Sphinx's linkcheck lists them."""
    command = [Path(sys.executable).with_name("jupyter-book"), "build", str(ROOT), "-q"]
    subprocess.run([*command, "--builder", "linkcheck"], capture_output=True)
    lines = (ROOT / "_build" / "linkcheck" / "output.txt").read_text(encoding="utf-8").splitlines()
    return [line for line in lines if "[broken]" in line]


def main() -> None:
    version = interpbook.__version__
    wrong = release.complaints(version) + built_pages(version)
    folder = Path(tempfile.mkdtemp())
    try:
        wrong += build(folder)
    finally:
        shutil.rmtree(folder)
    tests = ["tests/book/test_site_in_browser.py", "-k", IN_BROWSER]
    for chosen in (tests, ["tests/test_project.py"]):
        if subprocess.run([sys.executable, "-m", "pytest", "-q", *chosen], cwd=ROOT).returncode:
            wrong.append(f"{chosen[0]}: see above")
    if is_online(release.repository()):
        print("Links to other sites that do not answer:", *(external_links() or ["none"]), sep="\n  ")
    else:
        print("Links to other sites were not checked: there is no network.")
    if release.ref(version) == release.BRANCH:
        planned = version.removesuffix(".dev0")
        print(
            f"{version} is no release. For one: `make release VERSION={planned}`, which dates CHANGELOG and citation."
        )
    print(*wrong, sep="\n")
    print("Something is wrong: see above." if wrong else f"Nothing is wrong with interpbook {version}.")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
