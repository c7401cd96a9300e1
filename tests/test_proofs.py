"""A proof is kept while nothing that it stands on changes, and a change of any of it asks for a new one."""

import json
import os
from pathlib import Path

import kernel_ingredients
import nbformat
import proofs
import pytest

from interpbook.output import blocks
from interpbook.page.refresh import refresh

CLAIMS = "interpbook/chapters/part/{}/claims.yml"
STOOD_ON = ["interpbook/__init__.py", "interpbook/module.py"]
SCRIPT = "interpbook/explore/figure.js"
DATA = '<script type="application/json">{"labels": ["0"]}</script>'


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with one notebook, which was executed, stood on one module, and shows a figure with a script."""
    monkeypatch.setattr(proofs, "ROOT", tmp_path)
    monkeypatch.setattr(blocks, "PACKAGE", tmp_path / "interpbook")
    for file in [*proofs.RULES, "interpbook/__init__.py", "interpbook/module.py", "interpbook/other.py", SCRIPT]:
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).write_text("before")
    for chapter in ("toy", "other"):
        (tmp_path / CLAIMS.format(chapter)).parent.mkdir(parents=True)
        (tmp_path / CLAIMS.format(chapter)).write_text("before")
    notebook = tmp_path / "notebooks" / "part" / "toy.ipynb"
    notebook.parent.mkdir(parents=True)
    html = f'<p alt="a line">{DATA}{blocks.script("ib-0", "explore/figure.js")}</p>'
    figure = nbformat.v4.new_output("display_data", {"text/html": html, "text/plain": "a figure"})
    nbformat.write(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("x = 1", outputs=[figure])]), notebook)
    records = tmp_path / "records"
    monkeypatch.setenv("INTERPBOOK_USAGE_LOG", str(records))
    proofs.begin(notebook, records)
    assert not proofs.is_proved(notebook, os.environ)
    (records / "part" / "toy" / "ingredients.json").write_text(json.dumps(STOOD_ON))
    proofs.prove(notebook, records)
    assert proofs.is_proved(notebook, os.environ)
    return tmp_path


NOTEBOOK = "notebooks/part/toy.ipynb"


@pytest.mark.parametrize("file", ["interpbook/module.py", *proofs.RULES])
def test_a_change_of_what_it_stands_on_asks_for_a_new_proof(house: Path, file: str) -> None:
    (house / file).write_text((house / file).read_text() + " ")
    assert not proofs.is_proved(house / NOTEBOOK, os.environ)


def test_an_edited_script_keeps_the_proof_before_and_after_it_is_written_into_the_notebook(house: Path) -> None:
    (house / SCRIPT).write_text("after")
    assert proofs.is_proved(house / NOTEBOOK, os.environ)
    assert refresh([house / NOTEBOOK]) == [house / NOTEBOOK]
    assert proofs.is_proved(house / NOTEBOOK, os.environ)


@pytest.mark.parametrize(
    "part", ["x = 1", "a figure", "a line", "labels", "display_data", "figure.js", "data-figure", "metadata"]
)
def test_every_other_edit_of_the_notebook_asks_for_a_new_proof(house: Path, part: str) -> None:
    stored = (house / NOTEBOOK).read_text()
    assert part in stored
    (house / NOTEBOOK).write_text(stored.replace(part, f"{part}2"))
    assert not proofs.is_proved(house / NOTEBOOK, os.environ)


def test_a_kernel_records_modules_and_data_and_no_scripts(
    house: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    package = f"{house / 'interpbook'}{os.sep}"
    monkeypatch.setattr(kernel_ingredients, "PACKAGE", package)
    monkeypatch.setattr(kernel_ingredients, "RECORD", str(tmp_path))
    monkeypatch.setattr(kernel_ingredients, "_opened", set())
    for name in ("explore/figure.css", "explore/figure.json"):
        (house / "interpbook" / name).write_text("")
    for name in ("module.py", "explore/figure.js", "explore/figure.css", "explore/figure.json"):
        kernel_ingredients.note("open", (package + name, "r", 0))
    kernel_ingredients.write()
    recorded = json.loads((tmp_path / "ingredients.json").read_text())
    assert recorded == ["interpbook/explore/figure.json", "interpbook/module.py"]


def test_a_module_that_is_gone_asks_for_a_new_proof(house: Path) -> None:
    (house / "interpbook" / "module.py").unlink()
    assert not proofs.is_proved(house / NOTEBOOK, os.environ)


def test_other_modules_and_other_chapters_claims_do_not(house: Path) -> None:
    (house / "interpbook" / "other.py").write_text("after")
    (house / CLAIMS.format("other")).write_text("after")
    assert proofs.is_proved(house / NOTEBOOK, os.environ)
    (house / CLAIMS.format("toy")).write_text("after")
    assert not proofs.is_proved(house / NOTEBOOK, os.environ)


def test_the_evidence_of_a_chapter_stands_on_the_chapter_s_claims(house: Path) -> None:
    assert proofs.claims_of(house / "notebooks/part/toy_evidence.ipynb") == house / CLAIMS.format("toy")


@pytest.mark.parametrize(
    ("name", "value"), [("versions", lambda environment: ["torch 99"]), ("processor", lambda: "another")]
)
def test_other_versions_and_another_processor_ask_for_a_new_proof(
    house: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: object
) -> None:
    monkeypatch.setattr(proofs, name, value)
    assert not proofs.is_proved(house / NOTEBOOK, os.environ)


@pytest.mark.parametrize("name", ["INTERPBOOK_SCALE", "ONEDNN_MAX_CPU_ISA", "CUDA_VISIBLE_DEVICES", "MKL_NUM_THREADS"])
def test_other_settings_ask_for_a_new_proof(house: Path, name: str) -> None:
    assert not proofs.is_proved(house / NOTEBOOK, {**os.environ, name: "other"})


def test_a_graphics_card_that_appears_asks_for_a_new_proof(house: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proofs, "GPU", house)
    assert not proofs.is_proved(house / NOTEBOOK, os.environ)


@pytest.mark.parametrize("file", [NOTEBOOK, "interpbook/module.py"])
def test_what_was_edited_during_the_run_is_not_proved(house: Path, file: str) -> None:
    records = house / "records"
    proofs.begin(house / NOTEBOOK, records)
    (records / "part" / "toy" / "ingredients.json").write_text(json.dumps(STOOD_ON))
    later = (records / "part" / "toy" / "begun").stat().st_mtime + 1
    os.utime(house / file, (later, later))
    proofs.prove(house / NOTEBOOK, records)
    assert not proofs.is_proved(house / NOTEBOOK, os.environ)


def test_versions_are_those_of_this_python_and_of_another_kernel_s(tmp_path: Path) -> None:
    here = proofs.versions({})
    assert any(version.startswith("torch ") for version in here)
    (tmp_path / "lib" / "python3" / "site-packages" / "old-1.0.dist-info").mkdir(parents=True)
    (tmp_path / "lib/python3/site-packages/old-1.0.dist-info/METADATA").write_text("Name: old\nVersion: 1.0\n")
    assert set(proofs.versions({"JUPYTER_PATH": f"{tmp_path}/share/jupyter"})) == {*here, "old 1.0"}
    assert proofs.versions({"JUPYTER_PATH": "/nowhere/share/jupyter"}) == here


def test_a_new_run_forgets_the_old_proof(house: Path) -> None:
    proofs.begin(house / NOTEBOOK, house / "records")
    assert not proofs.is_proved(house / NOTEBOOK, os.environ)
