"""Every page of evidence, run as in Colab. Lessons and evidence are two modules, so that they run side by side."""

import notebook_rules as rules
import pytest
from colab.run_all import check


@pytest.mark.slow
@pytest.mark.parametrize("path", rules.EVIDENCE, ids=lambda path: path.stem)
def test_run_all_in_colab_shows_what_the_book_shows(path, colab, visit):
    check(path, colab, visit)
