"""The questions every function of this package asks its arguments before it works on them.

Each check raises one exception that names the argument, what came and what was expected: `TypeError` for a
wrong kind of thing, `ValueError` for a wrong shape or value. The arguments are annotated as `object` because
anything may come in.
"""

from interpbook.checks.classes import check_integers, check_labels, check_target
from interpbook.checks.models import check_function, check_model, check_output, check_values, run
from interpbook.checks.options import check_count, check_generator, check_number
from interpbook.checks.tensors import check_baseline, check_data, check_finite, check_input

__all__ = [
    "check_baseline",
    "check_count",
    "check_data",
    "check_finite",
    "check_function",
    "check_generator",
    "check_input",
    "check_integers",
    "check_labels",
    "check_model",
    "check_number",
    "check_output",
    "check_target",
    "check_values",
    "run",
]
