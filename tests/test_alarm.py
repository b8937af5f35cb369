"""An end to trusted code that takes too long, but not between a request and its answer."""

import threading
import time

import pytest

from autograder.grading.alarm import UNINTERRUPTED, Alarm
from autograder.grading.remote import TestEnded


def _forever() -> None:
    while True:
        time.sleep(0.001)


def test_it_rings_in_any_thread():
    ended = []

    def work() -> None:
        try:
            with Alarm(0.05):
                _forever()
        except TestEnded as error:
            ended.append(error.reason)

    for run in (work, lambda: (thread := threading.Thread(target=work), thread.start(), thread.join())):
        run()
    assert ended == ["late", "late"]


def _answers(answers: list[int]) -> None:
    with Alarm(0.01):
        with UNINTERRUPTED:
            for number in range(5):
                time.sleep(0.02)
                answers.append(number)
        _forever()


def test_it_waits_for_an_answer():
    answers: list[int] = []
    with pytest.raises(TestEnded):
        _answers(answers)
    assert answers == [0, 1, 2, 3, 4]


def test_it_does_not_ring_afterwards():
    with Alarm(0.05):
        pass
    time.sleep(0.1)
