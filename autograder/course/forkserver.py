"""The process from which local workers are forked: it has imported what grading takes, once for all of them.

Importing torch takes seconds. They pass beside what the command itself has to do first, and a second worker, or one
that replaces another, needs none of them.
https://docs.python.org/3/library/multiprocessing.html#contexts-and-start-methods
"""

import multiprocessing
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import forkserver, util

# The first spares the others what it leaves out.
_MODULES = ["autograder.assignment", "autograder.grading.engine", "autograder.course.worker"]
# Read when the libraries are loaded: a grader computes in one thread, and there is one for each core.
_ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")

# A socket's path has 107 bytes at most, and multiprocessing adds "/pymp-12345678/listener-12345678" to the folder's.
_LONGEST = 70


def warm_up() -> None:
    """Start the process, unless it runs, and do not wait for it. It ends with this one."""
    multiprocessing.set_forkserver_preload(_MODULES)
    before = {name: os.environ.get(name) for name in _ONE_THREAD}
    os.environ.update(_ONE_THREAD)  # for the new process only
    try:
        with _short_temporary_folder():
            forkserver.ensure_running()
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


@contextmanager
def _short_temporary_folder() -> Iterator[None]:
    """Within, multiprocessing gets a folder under /tmp where TMPDIR is too long for the path of a socket (unix(7))."""
    before = tempfile.tempdir
    if len(tempfile.gettempdir()) > _LONGEST:
        tempfile.tempdir = "/tmp"
    try:
        util.get_temp_dir()  # which it keeps
        yield
    finally:
        tempfile.tempdir = before
