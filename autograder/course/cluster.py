"""Grades on a Dask cluster: processes of this machine, or workers of a scheduler somewhere else.

Worker processes that die are replaced; a submission that takes worker after worker with it ends as failed. When this
process dies, its local workers notice and end, and their zygotes and students' processes with them.
"""

import concurrent.futures
import contextlib
import itertools
import logging
import threading
from collections.abc import Callable, Iterable, Iterator

import dask
from distributed import Client, Future, KilledWorker, LocalCluster, as_completed

from autograder.course.forkserver import warm_up
from autograder.course.grades import Record, Status
from autograder.course.worker import CourseFiles, CoursePlugin, Job, grade_job
from autograder.errors import AutograderError, CourseError

_SETTINGS = {
    "distributed.comm.timeouts.connect": "20s",
    # A worker gets one submission at a time, so that none is blamed for what another one did to their worker.
    "distributed.scheduler.worker-saturation": 1.0,
    "distributed.worker.multiprocessing-method": "forkserver",
    "distributed.worker.profile.enabled": False,
    # How late its own loop runs is measured so often; by default 50 times a second in each server.
    "distributed.admin.tick.interval": "1s",
}
_WAIT_FOR_WORKERS = 120
_STARTS = 3


@contextlib.contextmanager
def connect(course: CourseFiles, scheduler: str = "", workers: int = 1) -> Iterator[Callable[[], Client]]:
    """A cluster: the one at the address ``scheduler``, else ``workers`` processes here.

    Gives a function that waits until the cluster knows the course; it gets ready in the meantime, which takes seconds.
    Raises ``CourseError`` when no scheduler answers. So does the function when the cluster has no workers, or they have
    another version of this package.
    """
    with contextlib.ExitStack() as stack:
        stack.enter_context(dask.config.set(_SETTINGS))
        _silence()
        try:
            address = scheduler or stack.enter_context(_started(workers))
            client = stack.enter_context(Client(address, timeout=20))
        except (OSError, TimeoutError, ValueError) as error:
            raise CourseError(f"no Dask scheduler answers at {scheduler}: {error}") from None
        yield _beside(lambda: _make_ready(client, course, scheduler))


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


def _make_ready(client: Client, course: CourseFiles, scheduler: str) -> Client:
    try:
        client.wait_for_workers(1, timeout=_WAIT_FOR_WORKERS)
    except TimeoutError:
        raise CourseError(f"the scheduler at {scheduler} has no workers: start some (`dask worker`).") from None
    _give(client, course)
    return client


def _silence() -> None:
    """What goes wrong is said by us, in one line. The loggers below Dask's have levels of their own."""
    for name in list(logging.root.manager.loggerDict):
        if name.partition(".")[0] in ("asyncio", "bokeh", "distributed", "tornado"):
            logging.getLogger(name).setLevel(logging.CRITICAL)


def _started(workers: int) -> LocalCluster:
    """A local cluster whose workers are there. Raises ``CourseError`` when they end before that, again and again."""
    for _ in range(_STARTS):
        try:
            return _local_cluster(workers)
        except RuntimeError as error:
            reason = error
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


def _local_cluster(workers: int) -> LocalCluster:
    warm_up()
    return LocalCluster(
        n_workers=workers,
        threads_per_worker=1,
        processes=True,
        memory_limit=None,  # the engine limits what a submission takes
        dashboard_address=None,
        silence_logs=logging.CRITICAL,
    )


def run_jobs(client: Client, jobs: Iterable[Job]) -> Iterator[tuple[Job, Record, str]]:
    """Grade jobs; yields each with its record and executed notebook when it is there, in no fixed order.

    Jobs are taken from the iterable as workers become free, so a class need not fit into memory. Raises
    ``CourseError`` when the cluster is lost, and what stops every submission alike (``IsolationError``).
    """
    remaining = iter(jobs)
    running: dict[Future, Job] = {}
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


def _result(future: Future, job: Job) -> tuple[Record, str]:
    if future.status in ("cancelled", "lost"):
        raise CourseError("the Dask scheduler went away. What was graded is kept: run the same command again to go on.")
    error = future.exception()
    if error is None:
        return future.result()
    if isinstance(error, AutograderError):
        raise error
    if isinstance(error, KilledWorker):
        message = "grading it ended the worker process again and again (is the machine out of memory?)."
    else:
        message = f"the grader failed, which is a mistake in it or in the tests: {type(error).__name__}: {error}"
    return Record(job.notebook, Status.FAILED, message[:1000]), ""
