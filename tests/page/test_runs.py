"""Stored runs: what is stored comes back as it was, is not run again, and survives a run that fails."""

from dataclasses import dataclass

import pytest

from interpbook.page.runs import Runs


@dataclass(frozen=True)
class Setting:
    name: str
    size: float
    repaired: bool
    seed: int = 0


@dataclass(frozen=True)
class Result:
    value: float
    count: int


SETTINGS = [Setting(name, size, size > 1) for name in ("a", "b × c") for size in (0.1, 2.0)]


@pytest.fixture
def stored(tmp_path):
    return Runs(tmp_path / "runs.csv", Setting, Result)


def run(setting):
    return Result(len(setting.name) / 3 * setting.size, 7)


def test_what_is_stored_comes_back_with_its_types(stored):
    stored.make(SETTINGS, run)
    assert [*stored.load()] == SETTINGS
    for setting, result in stored.load().items():
        assert result.value == pytest.approx(run(setting).value, rel=1e-5)
        assert type(result.count) is int
    assert stored.path.read_text(encoding="utf-8").splitlines()[:2] == [
        "name,size,repaired,seed,value,count",
        "a,0.1,False,0,0.0333333,7",
    ]


def test_what_is_stored_is_not_run_again_and_a_missing_row_is_added_in_its_place(stored):
    stored.make(SETTINGS, run)
    whole = stored.path.read_text(encoding="utf-8")
    header, first, _, *rest = whole.splitlines()
    stored.path.write_text("\n".join([header, *rest, first]) + "\n", encoding="utf-8")
    asked = []
    stored.make(SETTINGS, lambda setting: asked.append(setting) or run(setting))
    assert asked == [SETTINGS[1]]
    assert stored.path.read_text(encoding="utf-8") == whole


def test_rows_that_the_protocol_does_not_ask_for_stay_behind_it(stored):
    stored.make(SETTINGS[2:], run)
    stored.make(SETTINGS[:2], run)
    assert [*stored.load()] == SETTINGS


def test_a_run_that_fails_loses_none_of_those_before_it(stored):
    def fails_at_last(setting):
        if setting == SETTINGS[-1]:
            raise RuntimeError("no power")
        return run(setting)

    with pytest.raises(RuntimeError, match="no power"):
        stored.make(SETTINGS, fails_at_last)
    assert [*stored.load()] == SETTINGS[:-1]
    stored.make(SETTINGS, run)
    assert [*stored.load()] == SETTINGS
