"""Every wrong argument gets one exception of the right type that says what came and what was expected."""

import numpy as np
import pytest
import torch
from torch import nn

from interpbook import checks

NAN, INF = float("nan"), float("inf")


@pytest.mark.parametrize(
    ("x", "error", "says"),
    [
        ([[1.0]], TypeError, "got list"),
        (np.zeros((2, 3)), TypeError, "got ndarray"),
        (torch.zeros(2, 3, dtype=torch.int64), TypeError, r"got torch.int64 of shape \(2, 3\)"),
        (torch.zeros(2, 3, dtype=torch.uint8), TypeError, "torch.uint8"),
        (torch.zeros(2, 3, dtype=torch.bool), TypeError, "torch.bool"),
        (torch.zeros(2, 3, dtype=torch.complex64), TypeError, "torch.complex64"),
        (torch.tensor(1.0), ValueError, r"\(B, \*dims\).*got \(\)"),
        (torch.zeros(3), ValueError, r"got \(3,\)"),
        (torch.zeros(0, 3), ValueError, r"at least one example.*\(0, 3\)"),
        (torch.zeros(2, 0), ValueError, r"at least one example.*\(2, 0\)"),
        (torch.tensor([[1.0, NAN, -INF]]), ValueError, "2 NaN or infinite of 3"),
    ],
)
def test_check_input_refuses(x, error, says):
    with pytest.raises(error, match=rf"^images: .*{says}"):
        checks.check_input(x, "images")


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_check_input_takes_every_floating_dtype(dtype):
    checks.check_input(torch.zeros(1, 1, dtype=dtype))


def test_finite_values_are_taken_though_their_sum_is_not():
    checks.check_input(torch.full((1, 4), 60_000, dtype=torch.float16))


def test_values_are_refused_though_their_infinities_cancel():
    with pytest.raises(ValueError, match="2 NaN or infinite of 3"):
        checks.check_input(torch.tensor([[INF, 1.0, -INF]]))


@pytest.mark.parametrize(
    ("data", "error", "says"),
    [
        (torch.zeros(3, 2), TypeError, r"^data: expected a tuple of two tensors \(inputs, targets\), got Tensor"),
        ((torch.zeros(3, 2),), TypeError, "^data: .*got tuple"),
        ((torch.zeros(3, 2), [0, 1, 0]), TypeError, "^data: .*got tuple of Tensor and list"),
        ((torch.zeros(3, 2), torch.tensor(0)), ValueError, r"^data: .*got 3 inputs and targets of shape \(\)"),
        ((torch.zeros(3, 2), torch.zeros(2)), ValueError, r"^data: .*got 3 inputs and targets of shape \(2,\)"),
        ((torch.zeros(3), torch.zeros(3)), ValueError, r"^inputs of data: expected shape"),
    ],
)
def test_check_data_refuses(data, error, says):
    with pytest.raises(error, match=says):
        checks.check_data(data)


def test_check_model_names_the_first_module_in_training_mode():
    model = nn.Sequential(nn.Linear(2, 2), nn.Sequential(nn.ReLU(), nn.BatchNorm1d(2)))
    with pytest.raises(ValueError, match=r"the Sequential itself: call `model.eval\(\)`"):
        checks.check_model(model)
    model.eval()
    checks.check_model(model)
    model[1][1].train()
    with pytest.raises(ValueError, match=r"sub-module '1.1' \(BatchNorm1d\)"):
        checks.check_model(model)


def test_check_model_refuses_other_things_and_other_dtypes():
    with pytest.raises(TypeError, match=r"^model: .*got function"):
        checks.check_model(lambda x: x)
    with pytest.raises(ValueError, match=r"^x: expected dtype torch.float32.*got torch.float64"):
        checks.check_model(nn.Linear(2, 2).eval(), torch.zeros(1, 2, dtype=torch.float64))
    with pytest.raises(ValueError, match=r"^x: expected device cpu.*got meta"):
        checks.check_model(nn.Linear(2, 2).eval(), torch.zeros(1, 2, device="meta"))
    checks.check_model(nn.ReLU().eval(), torch.zeros(1, 2, dtype=torch.float64))


def test_check_function_refuses_what_cannot_be_called_and_training_mode():
    checks.check_function(torch.sin)
    with pytest.raises(TypeError, match=r"^f: .*got NoneType"):
        checks.check_function(None)
    with pytest.raises(ValueError, match="training mode"):
        checks.check_function(nn.Flatten(0))


@pytest.mark.parametrize(
    ("output", "error", "says"),
    [
        ((torch.zeros(2, 3),), TypeError, "got tuple"),
        (torch.zeros(2, 3, dtype=torch.int64), TypeError, "torch.int64"),
        (torch.zeros(2), ValueError, r"\(B, K\) = \(2, K\), got \(2,\)"),
        (torch.zeros(3, 3), ValueError, r"got \(3, 3\)"),
        (torch.zeros(2, 0), ValueError, r"got \(2, 0\)"),
        (torch.zeros(2, 3, 1), ValueError, r"got \(2, 3, 1\)"),
        (torch.full((2, 3), NAN), ValueError, "6 NaN or infinite of 6"),
    ],
)
def test_check_output_refuses(output, error, says):
    with pytest.raises(error, match=rf"^model output: .*{says}"):
        checks.check_output(output, batch=2)


@pytest.mark.parametrize(
    ("values", "error", "says"),
    [
        (0.0, TypeError, "got float"),
        (torch.zeros(2, dtype=torch.bool), TypeError, "torch.bool"),
        (torch.tensor(0.0), ValueError, r"got \(\)"),
        (torch.zeros(2, 10), ValueError, r"\(2,\), one number per example, got \(2, 10\)"),
        (torch.tensor([1.0, INF]), ValueError, "1 NaN or infinite of 2"),
    ],
)
def test_check_values_refuses(values, error, says):
    with pytest.raises(error, match=rf"^output of f: .*{says}"):
        checks.check_values(values, batch=2)


@pytest.mark.parametrize(
    ("target", "error", "says"),
    [
        (True, TypeError, "True"),
        (1.0, TypeError, "1.0"),
        ([0.0, 1.0], TypeError, r"list with 0\.0"),
        ([0, True], TypeError, "list with True"),
        ([[0], [1]], TypeError, r"list with \[0\]"),
        ([0, 2**70], TypeError, "list with 1180591620717411303424"),
        (np.array([0.0, 1.0]), TypeError, "array of float64"),
        ([0], ValueError, r"shape \(2,\), got \(1,\)"),
        ([0, 5], ValueError, "from 0 to 4, got 5"),
        (np.array([-1, 0]), ValueError, "from 0 to 4, got -1"),
        (None, TypeError, "None"),
        (-1, ValueError, "from 0 to 4, got -1"),
        (5, ValueError, "from 0 to 4, got 5"),
        (torch.tensor([0.0, 1.0]), TypeError, "torch.float32"),
        (torch.tensor([True, False]), TypeError, "torch.bool"),
        (torch.tensor(1), ValueError, r"shape \(2,\), got \(\)"),
        (torch.tensor([1]), ValueError, r"shape \(2,\), got \(1,\)"),
        (torch.tensor([0, 5]), ValueError, "from 0 to 4, got 5"),
        (torch.tensor([-1, 0]), ValueError, "from 0 to 4, got -1"),
    ],
)
def test_check_target_refuses(target, error, says):
    with pytest.raises(error, match=rf"^target: .*{says}"):
        checks.check_target(target, batch=2, classes=5)


@pytest.mark.parametrize(
    "target",
    [[4, 0], (4, np.int8(0)), *(np.array([4, 0], dtype=kind) for kind in ("u1", "<i2", ">i8", "u8"))],
)
def test_check_target_takes_lists_and_arrays(target):
    checked = checks.check_target(target, batch=2, classes=5)
    assert checked.dtype == torch.int64
    assert checked.tolist() == [4, 0]


@pytest.mark.parametrize("dtype", [torch.int8, torch.uint8, torch.int16, torch.int32, torch.int64])
def test_what_is_not_known_yet_is_not_checked(dtype):
    """Neither does a narrow dtype overflow beside a number of classes that it cannot hold."""
    target = torch.tensor([4, 0, 100], dtype=dtype)
    assert checks.check_target(target, batch=None, classes=None).tolist() == [4, 0, 100]
    assert checks.check_target(target, batch=3, classes=1000).tolist() == [4, 0, 100]
    with pytest.raises(ValueError, match=r"^target: expected a class of at least 0, got -1"):
        checks.check_target(-1, batch=None, classes=None)


def test_check_target_returns_an_int_or_int64():
    assert checks.check_target(np.int32(4), batch=2, classes=5) == 4
    for dtype in (torch.uint8, torch.int32, torch.int64):
        target = checks.check_target(torch.tensor([4, 0], dtype=dtype), batch=2, classes=5)
        assert target.dtype == torch.int64
        assert target.tolist() == [4, 0]


@pytest.mark.parametrize(
    ("value", "error"),
    [(0, ValueError), (-3, ValueError), (2.0, TypeError), (True, TypeError), ("2", TypeError)],
)
def test_check_count_refuses(value, error):
    with pytest.raises(error, match=r"^steps: expected an int of at least 1"):
        checks.check_count(value, "steps")


@pytest.mark.parametrize(
    ("value", "error"),
    [(-0.1, ValueError), (NAN, ValueError), (INF, ValueError), ("1", TypeError), (True, TypeError)],
)
def test_check_number_refuses(value, error):
    with pytest.raises(error, match=r"^sigma: expected a finite number of at least 0"):
        checks.check_number(value, "sigma", minimum=0)
    assert checks.check_number(np.float32(0.5), "sigma", minimum=0) == 0.5
    with pytest.raises(ValueError, match=r"^penalty: expected a finite number, got -inf"):
        checks.check_number(-INF, "penalty")


@pytest.mark.parametrize(
    ("baseline", "error", "says"),
    [
        (NAN, ValueError, "finite"),
        (None, TypeError, "None"),
        (torch.zeros(2, 3, dtype=torch.int64), TypeError, "torch.int64"),
        (torch.full((3,), INF), ValueError, "3 NaN or infinite of 3"),
        (torch.zeros(2), ValueError, r"\(2, 3\), got \(2,\)"),
        (torch.zeros(1, 2, 3), ValueError, r"\(2, 3\), got \(1, 2, 3\)"),
    ],
)
def test_check_baseline_refuses(baseline, error, says):
    with pytest.raises(error, match=rf"^baseline: .*{says}"):
        checks.check_baseline(baseline, torch.zeros(2, 3))


@pytest.mark.parametrize(
    "baseline",
    [2, 2.0, torch.tensor(2.0), torch.full((3,), 2.0), torch.full((2, 1), 2.0, dtype=torch.float64)],
)
def test_check_baseline_becomes_like_x(baseline):
    x = torch.zeros(2, 3, requires_grad=True)
    full = checks.check_baseline(baseline, x)
    torch.testing.assert_close(full, torch.full((2, 3), 2.0), rtol=0, atol=0)
    assert not full.requires_grad
