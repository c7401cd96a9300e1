"""A proof is kept while nothing that it stands on changes, and a change of any of it asks for a new one."""

import json
import os
from pathlib import Path

import nbformat
import proofs
import pytest


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with one notebook, which was executed and stood on one module."""
    monkeypatch.setattr(proofs, "ROOT", tmp_path)
    for file in [*(f"tests/{rule}" for rule in proofs.RULES), "interpbook/module.py", "interpbook/other.py"]:
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).write_text("before")
    (tmp_path / "book").mkdir()
    (tmp_path / "book" / "claims.yml").write_text("[{id: toy.sum, sentence: yes}, {id: other.sum, sentence: yes}]")
    notebook = tmp_path / "notebooks" / "part" / "toy.ipynb"
    notebook.parent.mkdir(parents=True)
    nbformat.write(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("x = 1")]), notebook)
    records = tmp_path / "records"
    monkeypatch.setenv("INTERPBOOK_USAGE_LOG", str(records))
    proofs.begin(notebook, records)
    assert not proofs.is_proved(notebook, os.environ)
    (records / "part" / "toy" / "ingredients.json").write_text(json.dumps(["interpbook/module.py"]))
    proofs.prove(notebook, records)
    assert proofs.is_proved(notebook, os.environ)
    return tmp_path


NOTEBOOK = "notebooks/part/toy.ipynb"


@pytest.mark.parametrize("file", [NOTEBOOK, "interpbook/module.py", *(f"tests/{rule}" for rule in proofs.RULES)])
def test_a_change_of_what_it_stands_on_asks_for_a_new_proof(house: Path, file: str) -> None:
    (house / file).write_text((house / file).read_text() + " ")
    assert not proofs.is_proved(house / NOTEBOOK, os.environ)


def test_a_module_that_is_gone_asks_for_a_new_proof(house: Path) -> None:
    (house / "interpbook" / "module.py").unlink()
    assert not proofs.is_proved(house / NOTEBOOK, os.environ)


def test_other_modules_and_other_chapters_claims_do_not(house: Path) -> None:
    (house / "interpbook" / "other.py").write_text("after")
    (house / "book" / "claims.yml").write_text("[{id: toy.sum, sentence: yes}, {id: other.sum, sentence: no}]")
    assert proofs.is_proved(house / NOTEBOOK, os.environ)
    (house / "book" / "claims.yml").write_text("[{id: toy.sum, sentence: no}, {id: other.sum, sentence: no}]")
    assert not proofs.is_proved(house / NOTEBOOK, os.environ)


@pytest.mark.parametrize(
    ("name", "value"), [("versions", lambda environment: ["torch 99"]), ("processor", lambda: "another")]
)
def test_other_versions_and_another_processor_ask_for_a_new_proof(
    house: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: object
) -> None:
    monkeypatch.setattr(proofs, name, value)
    assert not proofs.is_proved(house / NOTEBOOK, os.environ)


def test_another_scale_asks_for_a_new_proof(house: Path) -> None:
    assert not proofs.is_proved(house / NOTEBOOK, {**os.environ, "INTERPBOOK_SCALE": "full"})


def test_a_new_run_forgets_the_old_proof(house: Path) -> None:
    proofs.begin(house / NOTEBOOK, house / "records")
    assert not proofs.is_proved(house / NOTEBOOK, os.environ)
