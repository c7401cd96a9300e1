"""Many calls of one function that do not depend on each other: in processes of this machine, or on a cluster."""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor, as_completed
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from threading import RLock
from typing import Any

import loky
import torch

from interpbook.checks import check_count

INSTALL = "pip install 'interpbook[cluster]'"
CLUSTER = "INTERPBOOK_CLUSTER"

_turn = RLock()


class JobError(RuntimeError):
    """A job failed. The message names it by its argument; the error itself is the cause."""


def run(
    function: Callable[[Any], Any],
    arguments: Iterable[Any],
    *,
    processes: int | None = None,
    cluster: str | None = None,
    done: Callable[[Any, Any], object] | None = None,
) -> list[Any]:
    """[function(argument) for argument in arguments], side by side.

    Each call has one thread of its own, and in its process no other call runs beside it. So a network that is trained
    from a seed has the same bits wherever that happens, on processors of the same kind.

    Args:
        function: of one argument. Function, arguments and results travel between processes (by cloudpickle, so that a
            function may be one of a notebook); arguments are shown in errors.
        arguments: one for each call.
        processes: how many of this machine, by default one for each core; 1 is this very process.
        cluster: the address of a dask scheduler whose workers have this package, such as "tcp://10.0.0.1:8786", in
            place of processes here. By default the environment variable INTERPBOOK_CLUSTER, if it is set and
            `processes` is not given.
        done: called here as `done(argument, result)` whenever a call has ended, in whatever order that happens.

    Returns:
        The results in the order of the arguments.

    Raises:
        JobError: a call failed. The others are finished first, and `done` is called for them.
        ImportError: a cluster without dask; the message holds the command that installs it.
        ConnectionError: no scheduler answers at that address.
        TypeError, ValueError: `processes` is not a count, or there is a cluster, too.

    Start workers with `dask worker ADDRESS --nthreads 1 --no-nanny`: by default dask gives them settings for memory
    with which training takes about three times as long.

    A sweep over settings, which a page in the scale `full` sends to a cluster with the same line:

    >>> from interpbook.models import MLP
    >>> def size(width):
    ...     return sum(parameter.numel() for parameter in MLP((width,), inputs=4, classes=2).parameters())
    >>> run(size, [2, 8, 32], processes=1)
    [16, 58, 226]
    """
    arguments = list(arguments)
    if processes is not None:
        check_count(processes, "processes")
        if cluster is not None:
            raise ValueError(f"processes: expected None with a cluster, got {processes}")
    elif cluster is None:
        cluster = os.environ.get(CLUSTER) or None
    results: dict[int, Any] = {}
    failures: dict[int, Exception] = {}
    for position, result_of in _as_done(partial(_alone, function), arguments, processes, cluster):
        try:
            results[position] = result_of()
        except Exception as error:
            failures[position] = error
            continue
        if done is not None:
            done(arguments[position], results[position])
    if failures:
        raise _error(arguments, failures)
    return [results[position] for position in range(len(arguments))]


def _as_done(
    job: Callable[[Any], Any], arguments: Sequence[Any], processes: int | None, cluster: str | None
) -> Iterator[tuple[int, Callable[[], Any]]]:
    """The positions of jobs that have ended, each with what returns its result or raises its error."""
    if processes == 1:
        for position, argument in enumerate(arguments):
            yield position, partial(job, argument)
        return
    with _local(processes, len(arguments)) if cluster is None else _remote(cluster) as executor:
        futures = {executor.submit(job, argument): position for position, argument in enumerate(arguments)}
        try:
            for future in as_completed(futures):
                yield futures[future], future.result
        finally:  # what has not begun when the caller gives up is not begun
            for future in futures:
                future.cancel()


def _local(processes: int | None, jobs: int) -> AbstractContextManager[Executor]:
    """Fresh processes of this machine, no more than there are jobs."""
    wanted = processes or loky.cpu_count()
    executor: Executor = loky.ProcessPoolExecutor(max(1, min(wanted, jobs)), env={"OMP_NUM_THREADS": "1"})
    return executor


@contextmanager
def _remote(address: str) -> Iterator[Executor]:
    """The workers of a dask cluster."""
    try:
        from dask.distributed import Client
    except ModuleNotFoundError as error:
        raise ImportError(f"cluster: expected dask to be installed: {INSTALL}") from error
    try:
        client = Client(address, set_as_default=False)
    except (OSError, ValueError) as error:
        raise ConnectionError(f"cluster: expected the address of a dask scheduler, got {address!r}: {error}") from error
    with client, client.get_executor(pure=False) as executor:
        yield executor


def _alone(function: Callable[[Any], Any], argument: Any) -> Any:
    """One call, with one thread; a worker of a cluster may have several threads, which take turns."""
    with _turn:
        threads = torch.get_num_threads()
        torch.set_num_threads(1)
        try:
            return function(argument)
        finally:
            torch.set_num_threads(threads)


def _error(arguments: Sequence[Any], failures: dict[int, Exception]) -> JobError:
    """What to raise for the jobs that failed: it names some, and has the error of the first."""
    first = min(failures)
    others = len(failures) - 1
    more = f" ({others} more of {len(arguments)} jobs failed)" if others else ""
    error = failures[first]
    failure = JobError(f"job {first}, {arguments[first]!r:.200}: {type(error).__name__}: {error}{more}")
    failure.__cause__ = error
    return failure
