"""Grades on a Dask cluster: processes of this machine, or workers of a scheduler somewhere else, both over TLS.

Worker processes that die are replaced; a submission that takes worker after worker with it ends as failed. When this
process dies, its local workers notice and end, and their zygotes and students' processes with them.
"""

import concurrent.futures
import contextlib
import itertools
import logging
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import NoReturn

import dask
from distributed import Client, Future, KilledWorker, as_completed

from autograder.course.forkserver import warm_up
from autograder.course.local_cluster import SETTINGS as LOCAL_SETTINGS
from autograder.course.local_cluster import local_cluster, scratch_folder
from autograder.course.records import Record
from autograder.course.worker import CourseFiles, CoursePlugin, Job, grade_job
from autograder.errors import AutograderError, CourseError
from autograder.grading.results import Status
from autograder.sandbox.box import ZygoteLost

_SETTINGS = {
    **LOCAL_SETTINGS,
    "distributed.comm.timeouts.connect": "20s",
    # A worker gets one submission at a time, so that none is blamed for what another one did to their worker.
    "distributed.scheduler.worker-saturation": 1.0,
    "distributed.worker.multiprocessing-method": "forkserver",
    "distributed.worker.profile.enabled": False,
    # How late its own loop runs is measured so often; by default 50 times a second in each server.
    "distributed.admin.tick.interval": "1s",
}
_WAIT_FOR_SCHEDULER = 20
_WAIT_FOR_WORKERS = 120
_STARTS = 3


@dataclass(frozen=True)
class RemoteScheduler:
    """A Dask scheduler that somebody else started, at an address such as ``tls://host:8786``.

    Whoever connects to a scheduler can run code on its workers and read what is sent to them: sources, hidden tests and
    solutions. So it must be one that asks for certificates (which Dask's configuration names), unless ``is_insecure``
    says that nobody else can reach it. Raises ``CourseError`` otherwise.
    https://distributed.dask.org/en/stable/tls.html
    """

    address: str
    is_insecure: bool = False

    def __post_init__(self) -> None:
        if not self.is_insecure and not self.address.startswith("tls://"):
            raise CourseError(
                f"{self.address} is a scheduler without TLS. Anyone who can connect to it can run code on its workers "
                "and read the solutions. Start the scheduler and its workers with certificates (docs/grading.md, More "
                "than one machine), and use the tls:// address. If nobody else can reach this network or has an "
                "account on these machines, add --insecure."
            )


@contextlib.contextmanager
def connect(
    course: CourseFiles, scheduler: RemoteScheduler | None = None, workers: int = 1
) -> Iterator[Callable[[], Client]]:
    """A cluster: the one of ``scheduler``, else ``workers`` processes here.

    Gives a function that waits until the cluster knows the course; it gets ready in the meantime, which takes seconds.
    Raises ``CourseError`` when no scheduler answers, or refuses our certificates. So does the function when the cluster
    has no workers, or they have another version of this package.
    """
    with contextlib.ExitStack() as stack:
        stack.enter_context(dask.config.set({**_SETTINGS, "temporary-directory": str(scratch_folder())}))
        _silence()
        address = scheduler.address if scheduler else "this machine"
        client = stack.enter_context(_client(scheduler) if scheduler else _started(workers))
        yield _beside(lambda: _make_ready(client, course, address))


def _client(scheduler: RemoteScheduler) -> Client:
    try:
        return Client(scheduler.address, timeout=_WAIT_FOR_SCHEDULER)
    except TypeError:  # Dask's, when the address says TLS and its configuration names no certificates
        reason = "Dask's configuration on this machine names no certificates (docs/grading.md, More than one machine)"
    except (OSError, TimeoutError, ValueError) as error:
        reason = str(error).partition("\n")[0]
    raise CourseError(f"no Dask scheduler answers at {scheduler.address}: {reason}")


def _beside(task: Callable[[], Client]) -> Callable[[], Client]:
    """Run a task in a thread; what it returns or raises is had from the function that this gives.

    Nobody waits for the thread when the command ends before: its connections are closed then.
    """
    done: concurrent.futures.Future[Client] = concurrent.futures.Future()

    def run() -> None:
        try:
            done.set_result(task())
        except BaseException as error:
            done.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    return done.result


def _make_ready(client: Client, course: CourseFiles, address: str) -> Client:
    try:
        client.wait_for_workers(1, timeout=_WAIT_FOR_WORKERS)
    except TimeoutError:
        raise CourseError(f"the scheduler at {address} has no workers: start some (`dask worker`).") from None
    _give(client, course)
    return client


def _silence() -> None:
    """What goes wrong is said by us, in one line. The loggers below Dask's have levels of their own."""
    for name in list(logging.root.manager.loggerDict):
        if name.partition(".")[0] in ("asyncio", "bokeh", "distributed", "tornado"):
            logging.getLogger(name).setLevel(logging.CRITICAL)


@contextlib.contextmanager
def _started(workers: int) -> Iterator[Client]:
    """A local cluster whose workers are there. Raises ``CourseError`` when they end before that, again and again."""
    with contextlib.ExitStack() as stack:
        for _ in range(_STARTS):
            try:
                warm_up()
                client = stack.enter_context(
                    Client(stack.enter_context(local_cluster(workers)), timeout=_WAIT_FOR_SCHEDULER)
                )
                break
            except (OSError, RuntimeError, TimeoutError) as error:
                reason = error
        else:
            _give_up(workers, reason)
        yield client


def _give_up(workers: int, reason: Exception) -> NoReturn:
    raise CourseError(
        f"the worker processes ended again and again while they started ({reason}): is there memory for {workers} of "
        "them? What was graded is kept: run the same command again."
    )


def _give(client: Client, course: CourseFiles) -> None:
    """Let all workers know the course, those too that come later. Raises ``CourseError``."""
    for _ in range(_STARTS):
        try:
            client.register_plugin(CoursePlugin(course))
            return
        except OSError as error:  # a worker ended meanwhile, or the scheduler did
            reason = error
    raise CourseError(
        f"the scheduler or its workers went away again and again when grading began ({reason}). What was graded is "
        "kept: run the same command again."
    )


def run_jobs(client: Client, jobs: Iterable[Job]) -> Iterator[tuple[Job, Record, str]]:
    """Grade jobs; yields each with its record and executed notebook when it is there, in no fixed order.

    Jobs are taken from the iterable as workers become free, so a class need not fit into memory. Raises
    ``CourseError`` when the cluster is lost, and what stops every submission alike (``IsolationError``).
    """
    remaining = iter(jobs)
    running: dict[Future[tuple[Record, str]], Job] = {}
    done = as_completed()

    def start(number: int) -> None:
        for job in itertools.islice(remaining, number):
            future = client.submit(grade_job, job, pure=False)
            running[future] = job
            done.add(future)

    start(2 * len(client.scheduler_info(n_workers=-1)["workers"]))
    for future in done:
        job = running.pop(future)
        record, notebook = _result(future, job)
        del future
        start(1)
        yield job, record, notebook


def _result(future: Future[tuple[Record, str]], job: Job) -> tuple[Record, str]:
    if future.status in ("cancelled", "lost"):
        raise CourseError("the Dask scheduler went away. What was graded is kept: run the same command again to go on.")
    error = future.exception()
    if error is None:
        return future.result()
    if isinstance(error, AutograderError) and not isinstance(error, ZygoteLost):  # that is one submission's doing
        raise error
    if isinstance(error, (KilledWorker, ZygoteLost)):
        message = "grading it ended the process that grades again and again (is the machine out of memory?)."
    else:
        message = f"the grader failed, which is a mistake in it or in the tests: {type(error).__name__}: {error}"
    return Record(job.notebook, Status.FAILED, message[:1000]), ""
