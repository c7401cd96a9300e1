"""Colab's place with the package installed, and each page run there once for all tests of a module."""

import pytest

pytest.register_assert_rewrite("colab.run_all", "colab.rehearsal")
from colab.rehearsal import BELOW, Colab  # noqa: E402 - after the line above, without which assertions say nothing

NEEDS_COLAB = pytest.mark.skipif(not BELOW.exists(), reason="no .venv-colab: `make test` prepares it")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "colab" in item.path.parts:
            item.add_marker(NEEDS_COLAB)


@pytest.fixture(scope="module")
def colab(tmp_path_factory) -> Colab:
    """With the wheel installed."""
    place = Colab.prepare(tmp_path_factory.mktemp("colab"))
    place.install()
    return place
