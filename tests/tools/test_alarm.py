"""An end to trusted code that takes too long, but not between a request and its answer."""

import ctypes
import subprocess
import sys
import threading
import time

import pytest

from autograder.grading.alarm import UNINTERRUPTED, Alarm, TooLate
from autograder.grading.remote import ForkLost
from autograder.sandbox.box import Loss


def _forever() -> None:
    while True:
        time.sleep(0.001)


def test_it_rings_in_any_thread():
    ended = []

    def work() -> None:
        try:
            with Alarm(0.05):
                _forever()
        except ForkLost as error:
            ended.append(error.loss)

    for run in (work, lambda: (thread := threading.Thread(target=work), thread.start(), thread.join())):
        run()
    assert ended == [Loss.LATE, Loss.LATE]


def _answers(answers: list[int]) -> None:
    with Alarm(0.01):
        with UNINTERRUPTED:
            for number in range(5):
                time.sleep(0.02)
                answers.append(number)
        _forever()


def test_it_waits_for_an_answer():
    answers: list[int] = []
    with pytest.raises(ForkLost):
        _answers(answers)
    assert answers == [0, 1, 2, 3, 4]


def test_it_does_not_ring_afterwards():
    with Alarm(0.05):
        pass
    time.sleep(0.1)


_PROFILED = """
import cProfile
from autograder.grading.alarm import Alarm
with Alarm(60):
    pass
cProfile.run("sum(number for number in range(10))")
"""


def test_the_interpreter_goes_on_as_before():
    done = subprocess.run([sys.executable, "-c", _PROFILED], capture_output=True, text=True, timeout=60, check=True)
    assert "function calls" in done.stdout


def test_one_that_rang_at_the_end_is_not_raised_later():
    alarm, thread = Alarm(60), ctypes.c_ulong(threading.get_ident())
    cancel = alarm._timer.cancel

    def ring_late() -> None:
        cancel()
        ctypes.pythonapi.PyThreadState_SetAsyncExc(thread, ctypes.py_object(TooLate))

    alarm._timer.cancel = ring_late
    with alarm:
        pass
