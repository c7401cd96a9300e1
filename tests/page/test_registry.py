"""The registry: a well-formed file loads, and each way to break it is named."""

from pathlib import Path

import pytest
import yaml

from interpbook.page import registry

GOOD = {
    "id": "a.b",
    "sentence": "It holds.",
    "source": {"cite": "someone2019", "where": "Table 1"},
    "kind": "table",
    "criterion": "value < 1",
    "verdict": "reproduced",
}


def write(path: Path, *entries: object) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_text(yaml.safe_dump(list(entries)))
    return path


def test_the_book_s_own_registry_is_valid() -> None:
    for id, claim in registry.load().items():
        assert id == claim.id


def test_a_claim_is_read_as_written(tmp_path: Path) -> None:
    [claim] = registry.read(write(tmp_path / "a" / "c.yml", {**GOOD, "paper": 0.5, "over": "images"})).values()
    assert claim.source == ("someone2019", "Table 1")
    assert (claim.paper, claim.over, claim.why) == ("0.5", "images", None)
    assert claim.tolerance == {}


def test_what_the_badge_shows_is_read_as_written(tmp_path: Path) -> None:
    more = {"headline": "b - a", "evidence": "All seeds", "objection": "Chance?", "ordering_only": True}
    entry = {**GOOD, "criterion": "mean(a) < mean(b)", **more}
    [claim] = registry.read(write(tmp_path / "a" / "c.yml", entry)).values()
    assert (claim.headline, claim.evidence, claim.objection) == ("b - a", "All seeds", "Chance?")
    assert claim.ordering_only
    [without] = registry.read(write(tmp_path / "a" / "d.yml", GOOD)).values()
    assert (without.headline, without.evidence, without.objection, without.ordering_only) == (None, None, None, False)


@pytest.mark.parametrize(("stated", "read"), [(0.1, {"value": 0.1}), ({"a": 1, "b": 0.5}, {"a": 1.0, "b": 0.5})])
def test_a_tolerance_is_of_one_quantity_or_by_name(tmp_path: Path, stated: object, read: dict) -> None:
    [claim] = registry.read(write(tmp_path / "a" / "c.yml", {**GOOD, "tolerance": stated})).values()
    assert claim.tolerance == read


def test_a_registry_of_comments_is_empty(tmp_path: Path) -> None:
    path = tmp_path / "a" / "c.yml"
    path.parent.mkdir()
    path.write_text("# nothing yet\n")
    assert registry.read(path) == {}


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"kind": "law"}, "kind is 'law'"),
        ({"verdict": "maybe"}, "verdict is 'maybe'"),
        ({"verdict": "holds"}, "does not go with kind 'table'"),
        ({"kind": "theorem"}, "does not go with kind 'theorem'"),
        ({"criterion": "value"}, "compares nothing"),
        ({"source": "someone2019"}, "source is 'someone2019'"),
        ({"source": {"cite": "someone2019"}}, "expected ours, or cite"),
        ({"source": "ours"}, "a table needs the citation"),
        ({"kind": "ours", "verdict": "holds"}, "kind is ours, but source is someone2019"),
        ({"verdict": "not reproduced"}, "why is required"),
        ({"why": "because"}, "why is required"),
        ({"sentence": ""}, "sentence is ''"),
        ({"spread": 1}, "unknown: spread"),
        ({"headline": "import a"}, "is not a Python expression"),
        ({"headline": ""}, "headline is ''"),
        ({"objection": 3}, "objection is 3, expected text"),
        ({"ordering_only": "yes"}, "ordering_only is 'yes', expected true"),
        ({"ordering_only": True}, "ordering_only goes with a criterion that compares means"),
        ({"tolerance": 0}, "tolerance of value is 0, expected a positive number"),
        ({"tolerance": {"a": "some"}}, "tolerance of a is 'some', expected a positive number"),
    ],
)
def test_a_malformed_claim_is_named(tmp_path: Path, change: dict, complaint: str) -> None:
    with pytest.raises(ValueError, match=r"c\.yml, claim 'a\.b'") as error:
        registry.read(write(tmp_path / "a" / "c.yml", {**GOOD, **change}))
    assert complaint in str(error.value)


def test_missing_keys_duplicates_and_other_files(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"claim 'a\.b': missing keys: criterion; unknown: none"):
        registry.read(write(tmp_path / "a" / "1.yml", {k: v for k, v in GOOD.items() if k != "criterion"}))
    with pytest.raises(ValueError, match="this id is there twice"):
        registry.read(write(tmp_path / "a" / "2.yml", GOOD, GOOD))
    with pytest.raises(ValueError, match="claim 1: expected keys and values"):
        registry.read(write(tmp_path / "a" / "3.yml", "a.b"))
    (tmp_path / "a" / "4.yml").write_text("claims: []")
    with pytest.raises(ValueError, match="holds a dict, expected a list"):
        registry.read(tmp_path / "a" / "4.yml")
