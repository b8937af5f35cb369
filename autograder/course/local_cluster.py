"""A Dask cluster of this machine's processes, which no other account of the machine can reach.

Whoever connects to a Dask scheduler or worker runs code as the account that started it, and every user of a machine can
connect to its ports, also to those of the loopback interface. So all of them take TLS connections only, and only from
those who hold the certificate that is made for each run, which no other account can read. Dask's HTTP servers, which
start even without a dashboard, cannot ask for a certificate, so they are not started. And Dask's processes import
modules from the folder that they work in, which by default anyone may have made before them: they get one of our own.
https://distributed.dask.org/en/stable/tls.html
"""

import contextlib
import logging
import os
import stat
import tempfile
from pathlib import Path
from typing import Any

from distributed import Nanny, Scheduler, SpecCluster, Worker
from distributed.security import Security

_HOST = "127.0.0.1"
# No handlers are imported for servers that do not start.
SETTINGS: dict[str, list[str]] = {"distributed.scheduler.http.routes": [], "distributed.worker.http.routes": []}


def scratch_folder() -> Path:
    """A folder that only this account can write to, in which Dask's processes work.

    It has the same name each time, so that Dask clears away what a killed run has left. Others may pass through, as
    students' processes do on their way to their own folders, and list nothing.
    """
    folder = Path(tempfile.gettempdir()) / f"autograder-{os.geteuid()}"
    with contextlib.suppress(FileExistsError):
        folder.mkdir()
    status = folder.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.geteuid():  # somebody else was there first
        folder = Path(tempfile.mkdtemp(prefix=f"{folder.name}-"))
    folder.chmod(0o711)
    return folder


class _WithoutHttp:
    def start_http_server(self, *_ignored: Any, **_too: Any) -> None:
        """Dask's `Scheduler` and `Worker` call this, whether or not there is a dashboard."""


class _Scheduler(_WithoutHttp, Scheduler):
    pass


class _Worker(_WithoutHttp, Worker):
    pass


def local_cluster(workers: int) -> SpecCluster:
    """Start ``workers`` processes of one thread, each with a nanny that replaces it, and a scheduler in this process.

    ``LocalCluster(security=True)``, whose scheduler's class cannot be chosen. Raises ``RuntimeError`` when workers end
    while they start.
    """
    security = Security.temporary()
    where = {"host": _HOST, "protocol": "tls://", "security": security}
    nanny = {
        **where,
        "nthreads": 1,
        "worker_class": _Worker,
        "memory_limit": None,  # the engine limits what a submission takes
        "dashboard": False,
        "silence_logs": logging.CRITICAL,
    }
    return SpecCluster(
        workers={number: {"cls": Nanny, "options": nanny} for number in range(workers)},
        scheduler={"cls": _Scheduler, "options": {**where, "port": 0, "dashboard": False}},
        security=security,
        silence_logs=logging.CRITICAL,
    )
