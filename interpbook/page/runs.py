"""Experiments that take too long for a page: what they ran under and what came out, one run a line of a table."""

import csv
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, fields
from pathlib import Path
from types import MappingProxyType
from typing import Any, Generic, TypeVar, get_type_hints

from interpbook.progress import progress_bar

__all__ = ["Runs"]

Setting = TypeVar("Setting")
Result = TypeVar("Result")


class Runs(Generic[Setting, Result]):
    """Stored results of a chapter's experiments, in a file `.csv` beside its code.

    Settings and results are frozen dataclasses of numbers and words. A page reads them as a mapping; whoever has the
    time makes them again with `make`, which runs what is missing.

    Args:
        path: the table.
        setting, result: the two dataclasses, whose fields are its columns.

    >>> from dataclasses import dataclass
    >>> from tempfile import TemporaryDirectory
    >>> @dataclass(frozen=True)
    ... class Throw:
    ...     speed: float
    >>> @dataclass(frozen=True)
    ... class Flight:
    ...     meters: float
    >>> with TemporaryDirectory() as folder:
    ...     runs = Runs(Path(folder) / "throws.csv", Throw, Flight)
    ...     runs.make([Throw(1.0), Throw(2.0)], lambda throw: Flight(throw.speed**2))
    ...     runs.load()[Throw(2.0)]
    Flight(meters=4.0)
    """

    def __init__(self, path: Path, setting: type[Setting], result: type[Result]) -> None:
        self.path, self.setting, self.result = path, setting, result
        self._loaded: Mapping[Setting, Result] | None = None

    def load(self) -> Mapping[Setting, Result]:
        """All stored results, in the order of the table; it is read once."""
        if self._loaded is None:
            self._loaded = MappingProxyType(dict(self._rows()))
        return self._loaded

    def make(self, protocol: Iterable[Setting], run: Callable[[Setting], Result]) -> None:
        """Run what a protocol says and is not yet stored, and store each result when it is there.

        What is stored is not run again: remove its row to do so. At the end the rows of the protocol come first, in
        its order.
        """
        wanted = [*protocol]
        results = dict(self._rows()) if self.path.exists() else {}
        missing = [setting for setting in wanted if setting not in results]
        self._write(results)
        with (
            progress_bar(len(missing), self.path.stem, "run") as bar,
            self.path.open("a", newline="", encoding="utf-8") as file,
        ):
            writer = self._writer(file)
            for setting in missing:
                results[setting] = run(setting)
                writer.writerow(_row(setting, results[setting]))
                file.flush()
                bar.update()
        self._write({setting: results[setting] for setting in [*wanted, *results]})
        self._loaded = None

    def _rows(self) -> Iterator[tuple[Setting, Result]]:
        with self.path.open(newline="", encoding="utf-8") as file:
            for row in csv.DictReader(file):
                yield _typed(self.setting, row), _typed(self.result, row)

    def _write(self, results: Mapping[Setting, Result]) -> None:
        with self.path.open("w", newline="", encoding="utf-8") as file:
            writer = self._writer(file)
            writer.writeheader()
            writer.writerows(_row(setting, result) for setting, result in results.items())

    def _writer(self, file: Any) -> Any:
        names = [field.name for kind in (self.setting, self.result) for field in fields(kind)]  # type: ignore[arg-type]
        return csv.DictWriter(file, names, lineterminator="\n")


def _row(setting: Any, result: Any) -> dict[str, object]:
    row = asdict(setting) | asdict(result)
    return {name: f"{value:.6g}" if isinstance(value, float) else value for name, value in row.items()}


def _typed(kind: Callable[..., Any], row: Mapping[str, str]) -> Any:
    """One of the two, from the text of a row."""
    values = {}
    for name, convert in get_type_hints(kind).items():
        values[name] = row[name] == "True" if convert is bool else convert(row[name])
    return kind(**values)
