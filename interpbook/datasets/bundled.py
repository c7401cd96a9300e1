"""The files that travel inside the package, each checked against `files/SHA256SUMS` when it is read."""

from pathlib import Path

from interpbook.datasets.fetch import DataError, read_verified

FILES = Path(__file__).parent / "files"
REMEDY = "Reinstall interpbook, or in a clone restore the file with git."


def checksums(folder: Path = FILES) -> dict[str, str]:
    """The recorded SHA-256 of every bundled file, by path below `folder` (the format of `sha256sum`).

    Raises:
        DataError: the list itself is missing or is not such a list.

    >>> checksums()["mnist-test.npz"][:7]
    'sha256:'
    """
    path = folder / "SHA256SUMS"
    try:
        entries = [line.split() for line in path.read_text(encoding="utf-8").splitlines()]
        return {name: f"sha256:{digits}" for digits, name in entries}
    except FileNotFoundError:
        raise DataError(f"{path}, the list of bundled files, is missing. {REMEDY}") from None
    except ValueError as error:
        raise DataError(f"{path}, the list of bundled files, is damaged. {REMEDY}") from error


def read_bundled(name: str, folder: Path = FILES) -> bytes:
    """The verified content of one bundled file, named by its path below `folder`.

    Raises:
        DataError: the file is missing, damaged or not one of the bundled files.

    >>> len(read_bundled("mnist-test.npz")) < 1_000_000
    True
    """
    known = checksums(folder)
    if name not in known:
        raise DataError(f"{folder / 'SHA256SUMS'} does not list {name!r}; it lists {sorted(known)}. {REMEDY}")
    return read_verified(folder / name, known[name], REMEDY)
