"""An end to code of ours that takes too long, in whichever thread it runs.

A signal would do in a process's main thread, but workers of a cluster grade in another. An exception that is set for a
thread from outside is raised there between two instructions of Python's, as a signal's would be.
https://docs.python.org/3.11/c-api/init.html#c.PyThreadState_SetAsyncExc
"""

import ctypes
import threading

from autograder.grading.remote import ForkLost
from autograder.sandbox.box import UNINTERRUPTED, Loss

# More than enough for an exception that is set to be raised.
_INSTRUCTIONS = 100


class TooLate(ForkLost):
    """Raised where the alarm was set; a class that needs no arguments, since the interpreter makes the exception."""

    def __init__(self) -> None:
        super().__init__(Loss.LATE)


class Alarm:
    """Raises ``TooLate`` in this thread when the ``with`` block takes over ``seconds``."""

    def __init__(self, seconds: float) -> None:
        self._timer = threading.Timer(seconds, self._ring)
        self._timer.daemon = True
        self._lock = threading.Lock()
        self._is_set, self._rang = True, False

    def __enter__(self) -> "Alarm":
        self._thread = threading.get_ident()
        self._timer.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_ignored: object) -> None:
        # One that rang just now is raised here, and not later in other code. (Taking it back, by setting None, leaves
        # the interpreter looking for an exception at every call from then on, and hangs it under a profiler.)
        try:
            with self._lock:
                self._is_set = False
            self._timer.cancel()
            if self._rang and kind is not TooLate:
                for _ in range(_INSTRUCTIONS):
                    pass
        except TooLate:
            pass

    def _ring(self) -> None:
        with UNINTERRUPTED, self._lock:
            if self._is_set:
                self._rang = True
                error, thread = ctypes.py_object(TooLate), ctypes.c_ulong(self._thread)
                ctypes.pythonapi.PyThreadState_SetAsyncExc(thread, error)
