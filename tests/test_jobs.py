"""Jobs give what a loop gives, wherever they run; one that fails is named and costs none of the others."""

import os
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
import torch

from interpbook import jobs
from interpbook.datasets import load_mnist
from interpbook.models import MLP, Denoiser, Recipe, retrain
from interpbook.models.denoiser import fit_denoiser

# Functions that travel to other processes are made by functions: those cannot import a test.
both = pytest.mark.parametrize("processes", [1, pytest.param(2, marks=pytest.mark.slow)])


def inverse() -> Callable[[float], float]:
    return lambda number: 1 / number


@both
def test_results_are_in_the_order_of_the_arguments_and_reported_when_done(processes: int) -> None:
    def wait(argument: tuple[str, float]) -> str:
        time.sleep(argument[1])
        return argument[0].upper()

    reported = []
    slow_first = [("a", 1.5), ("b", 0.0), ("c", 0.0)]
    report = lambda argument, result: reported.append((argument, result))  # noqa: E731
    assert jobs.run(wait, iter(slow_first), processes=processes, done=report) == ["A", "B", "C"]
    assert sorted(reported) == [(argument, argument[0].upper()) for argument in slow_first]
    assert processes == 1 or reported[-1][1] == "A"


@both
def test_an_error_names_its_job_and_the_others_are_done(processes: int) -> None:
    reported = []
    with pytest.raises(jobs.JobError, match=r"job 1, 0: ZeroDivisionError: .*\(1 more of 4 jobs failed\)$") as caught:
        jobs.run(inverse(), [4, 0, 2, 0], processes=processes, done=lambda *pair: reported.append(pair))
    assert isinstance(caught.value.__cause__, ZeroDivisionError)
    assert sorted(reported) == [(2, 0.5), (4, 0.25)]
    with pytest.raises(jobs.JobError, match=r"job 0, '0{199}: TypeError: unsupported"):  # long arguments are cut
        jobs.run(inverse(), ["0" * 300], processes=processes)


@pytest.mark.slow
def test_a_process_that_dies_is_an_error() -> None:
    with pytest.raises(jobs.JobError, match="job 0, 3: TerminatedWorkerError"):
        jobs.run(lambda status: os._exit(status), [3], processes=2)


@both
def test_a_job_has_one_thread_and_a_process_of_its_own(processes: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "2")

    def look(number: int) -> tuple[int, str | None, int]:
        return torch.get_num_threads(), os.environ.get("OMP_NUM_THREADS"), os.getpid()

    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        looks = jobs.run(look, range(3), processes=processes)
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)
    assert {threads for threads, _, _ in looks} == {1}
    if processes == 1:
        assert {process for *_, process in looks} == {os.getpid()}
    else:
        assert os.getpid() not in {process for *_, process in looks}
        assert {variable for _, variable, _ in looks} == {"1"}


def test_no_jobs_no_results() -> None:
    assert jobs.run(inverse(), []) == []


@pytest.mark.slow
def test_an_interrupted_run_begins_no_more_jobs(tmp_path: Path) -> None:
    def begin(file: Path) -> None:
        file.touch()
        time.sleep(0.3)

    def give_up(*_: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        jobs.run(begin, [tmp_path / str(number) for number in range(30)], processes=2, done=give_up)
    assert len(list(tmp_path.iterdir())) < 15


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"processes": 0}, "processes: expected an int of at least 1, got 0"),
        ({"processes": 2, "cluster": "tcp://127.0.0.1:1"}, "processes: expected None with a cluster, got 2"),
    ],
)
def test_wrong_arguments(options: dict, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        jobs.run(inverse(), [1], **options)


def test_a_cluster_without_dask_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "dask.distributed", None)
    monkeypatch.setenv(jobs.CLUSTER, "tcp://127.0.0.1:1")
    with pytest.raises(ImportError, match=r"expected dask to be installed: pip install 'interpbook\[cluster\]'"):
        jobs.run(inverse(), [1])
    assert jobs.run(inverse(), [1], processes=1) == [1]  # who asks for processes gets them


def test_no_scheduler_answers() -> None:
    dask = pytest.importorskip("dask")
    pytest.importorskip("dask.distributed")
    with (
        dask.config.set({"distributed.comm.timeouts.connect": "500ms"}),
        pytest.raises(ConnectionError, match=r"cluster: expected the address of a dask scheduler, got 'tcp://127.*:1'"),
    ):
        jobs.run(inverse(), [1], cluster="tcp://127.0.0.1:1")


@pytest.fixture(scope="module")
def cluster() -> Iterator[str]:
    """The address of two workers; each could take two jobs at once."""
    distributed = pytest.importorskip("dask.distributed", reason="needs interpbook[cluster]")
    with distributed.LocalCluster(n_workers=2, threads_per_worker=2, dashboard_address=None) as local:
        yield local.scheduler_address


@pytest.mark.slow
def test_a_cluster_gives_the_same_results_and_errors(cluster: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert jobs.run(inverse(), [4, 1, 4], cluster=cluster) == [0.25, 1, 0.25]
    with pytest.raises(jobs.JobError, match="job 1, 0: ZeroDivisionError: "):
        jobs.run(inverse(), [4, 0], cluster=cluster)
    one, other = jobs.run(lambda _: os.urandom(8), [0, 0], cluster=cluster)
    assert one != other  # a job like another is done, too
    monkeypatch.setenv(jobs.CLUSTER, cluster)

    def look(number: int) -> tuple[int, int]:
        return torch.get_num_threads(), os.getppid()

    looks = jobs.run(look, range(8))
    assert {threads for threads, _ in looks} == {1}
    assert jobs.run(look, [0], processes=1)[0][1] == os.getppid() != looks[0][1]


@pytest.mark.slow
def test_the_same_bytes_here_in_processes_and_on_a_cluster(cluster: str) -> None:
    """The noise of a denoiser comes from torch's own random state, which all threads of a process share."""
    digits = partial(load_mnist, size=300)
    denoiser = Recipe(digits, partial(Denoiser, 2), epochs=3, fit=fit_denoiser, classifies=False)
    recipes = {"denoiser": denoiser, "mlp": Recipe(digits, partial(MLP, (16,)), epochs=3)}
    networks = [retrain.Network(name, seed, recipe, Path()) for name, recipe in recipes.items() for seed in range(4)]
    places: list[dict] = [{"processes": 1}, {"processes": 2}, {"cluster": cluster}]
    made = [jobs.run(retrain.make, networks, **place) for place in places]
    here, side_by_side, remote = ([(each.content, each.accuracy) for each in run] for run in made)
    assert len(set(here)) == len(networks)
    assert here == side_by_side
    assert here == remote
