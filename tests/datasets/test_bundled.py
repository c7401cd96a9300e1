"""The bundled files are the recorded ones, and a damaged copy of the package says so."""

import hashlib
import shutil
from pathlib import Path

import pytest

from interpbook.datasets import DataError
from interpbook.datasets.bundled import FILES, checksums, read_bundled


def test_every_file_has_its_recorded_sha256() -> None:
    found = {
        path.relative_to(FILES).as_posix(): f"sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}"
        for path in FILES.rglob("*")
        if path.suffix in (".npz", ".jpg")
    }
    assert found == checksums()
    assert len(found) == 9


def test_bundle_is_small_and_credited() -> None:
    assert sum(path.stat().st_size for path in FILES.rglob("*") if path.is_file()) < 8_000_000
    credits = (FILES / "CREDITS.md").read_text(encoding="utf-8")
    for name in checksums():
        assert name in credits or name.startswith("cats/")
    for licence in ("MIT License", "CC BY-SA 3.0", "CC BY 4.0", "public domain"):
        assert licence in credits


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    for name in ("mnist-test.npz", "SHA256SUMS"):
        shutil.copy(FILES / name, tmp_path / name)
    return tmp_path


def test_one_changed_byte_is_noticed(copy: Path) -> None:
    path = copy / "mnist-test.npz"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"mnist-test\.npz is damaged: expected sha256:.*Reinstall interpbook"):
        read_bundled("mnist-test.npz", copy)


def test_missing_files_are_named(copy: Path) -> None:
    with pytest.raises(DataError, match=r"mnist-train\.npz is missing .*Reinstall interpbook"):
        read_bundled("mnist-train.npz", copy)
    with pytest.raises(DataError, match=r"does not list 'cifar\.npz'.*mnist-train\.npz"):
        read_bundled("cifar.npz", copy)
    (copy / "SHA256SUMS").write_text("not a list of checksums\n")
    with pytest.raises(DataError, match=r"SHA256SUMS, the list of bundled files, is damaged"):
        read_bundled("mnist-test.npz", copy)
    (copy / "SHA256SUMS").unlink()
    with pytest.raises(DataError, match=r"SHA256SUMS, the list of bundled files, is missing"):
        read_bundled("mnist-test.npz", copy)
