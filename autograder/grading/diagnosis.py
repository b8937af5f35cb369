"""Why an answer failed: which of the known mistakes gives what the student's answer gives.

The course's own box, in which no student code ever runs, holds the reference answers. What a question's tests ask is
recorded there once, and repeated with the student's answer after it failed, and with each known mistake. A mistake
explains the failure when every outcome is the student's. If one does, the student reads its sentence; if several do,
that it is one of them.

It takes time only for answers that failed, and what the mistakes give is kept for the next student.
"""

import hashlib
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import cache

from autograder.assignment import catalogue
from autograder.assignment.assignment import Assignment
from autograder.assignment.notebook import Notebook, Question
from autograder.grading.notebook_box import NotebookBox, zygote
from autograder.grading.policy import NotebookPolicy
from autograder.grading.questions import CourseModules, bounded
from autograder.grading.remote import ForkLost, Session
from autograder.grading.replay import REPLY, Exchange, Outcome, agree, record, repeat, replay
from autograder.grading.results import Verdict
from autograder.grading.staging import staged
from autograder.sandbox.box import BoxLost, Loss

_MOST_SENTENCES = 3
# What a diagnosis begins with when several mistakes explain the failure.
UNCERTAIN = "It may be one of these."
# A mistake that takes longer is passed over.
_MISTAKE_SECONDS = 30.0
# So much longer one is worked out that is not the student's, for the students to come.
_QUICK_SECONDS = 0.5


@dataclass
class KnownMistake:
    """A known mistake, and the outcomes of it so far: where they take long, only until they differ from a student's."""

    entry: catalogue.Entry
    outcomes: list[Outcome] = field(default_factory=list)
    is_complete: bool = False

    def agrees(self, observed: list[Outcome]) -> bool:
        return all(map(agree, self.outcomes, observed))


@dataclass
class Case:
    """What the tests of a question ask, what the reference answer gives, and who may be behind a wrong answer."""

    exchanges: list[Exchange] = field(default_factory=list)
    reference: list[Outcome] = field(default_factory=list)
    mistakes: list[KnownMistake] = field(default_factory=list)


# By what they depend on; a grader works for one course, which has some dozens of questions.
_cases: dict[str, Case] = {}


class Diagnostics:
    """Explains the failures of one submission of ``source``; the policy's ``diagnosis_seconds`` are for all questions
    together."""

    def __init__(self, assignment: Assignment, source: Notebook, policy: NotebookPolicy) -> None:
        self._assignment, self._source, self._policy = assignment, source, policy
        self._mistakes = assignment.mistakes_of(source)
        self._seconds = policy.limits.diagnosis_seconds

    def explain(self, question: Question, verdict: Verdict, box: NotebookBox, course: CourseModules) -> str:
        """The sentence on the mistake in the answer that ``box`` holds, empty when none is known.

        Nothing is raised because of what the student's code does, but ``BoxLost`` when its process is gone.
        """
        if verdict is not Verdict.FAILED or self._seconds <= 0 or not self._mistakes.is_file():
            return ""
        started = time.monotonic()
        try:
            with ExitStack() as stack:
                reference = cache(lambda: stack.enter_context(self._reference_box()))
                with _ours():
                    case = self._case(question, course, reference)
                started = time.monotonic()
                deadline = started + self._seconds
                with bounded(self._seconds):
                    observed = self._observed(case, box, deadline) if case.mistakes else []
                    if all(map(agree, case.reference, observed)):
                        return ""  # what failed is not what came back, or cannot be seen twice
                    with _ours():
                        matching = _matching(case, observed, reference, deadline)
                    return _sentence([mistake.entry.sentence for mistake in matching])
        except BoxLost:
            raise
        except (ForkLost, Exception):  # a reason that cannot be found is no reason to lose a submission
            return ""
        finally:
            self._seconds -= time.monotonic() - started

    def _case(self, question: Question, course: CourseModules, reference: Callable[[], NotebookBox]) -> Case:
        """What is known of a question; found out once for the class, in time of its own."""
        catalogued = self._mistakes.read_text(encoding="utf-8")
        texts = (self._source.name, asked(question), question.visible, question.hidden, *self._source.setup_cells)
        key = hashlib.sha256("\0".join((*texts, catalogued)).encode()).hexdigest()
        if key not in _cases:
            _cases[key] = Case()  # also when recording fails: it would fail again for the next student
            with bounded(self._policy.limits.diagnosis_seconds):
                deadline = time.monotonic() + self._policy.limits.diagnosis_seconds
                mistakes = [
                    KnownMistake(one) for one in catalogue.read(self._mistakes) if one.question == asked(question)
                ]
                if mistakes:
                    box = reference()
                    exchanges = record(question, box, list(self._source.setup_cells), course, deadline)
                    _cases[key] = Case(exchanges, repeat(exchanges, box, deadline), mistakes)
        return _cases[key]

    def _observed(self, case: Case, box: NotebookBox, deadline: float) -> list[Outcome]:
        return repeat(case.exchanges, box, min(deadline, time.monotonic() + self._policy.limits.test_seconds))

    @contextmanager
    def _reference_box(self) -> Iterator[NotebookBox]:
        deadline = time.monotonic() + self._policy.limits.diagnosis_seconds
        with (
            staged(self._assignment, {}, self._policy.limits.disk) as folder,
            NotebookBox(zygote(), folder, self._policy, self._assignment.secret_paths) as box,
        ):
            for cell in self._source.setup_cells:
                _, late = box.run_cell(cell, deadline)
                if late:
                    raise ForkLost(Loss.LATE)
            yield box


@contextmanager
def _ours() -> Iterator[None]:
    """A box that is lost inside is the course's own, and not to be taken for the student's."""
    try:
        yield
    except BoxLost:
        raise ForkLost(Loss.CRASHED) from None


def _matching(
    case: Case, observed: list[Outcome], reference: Callable[[], NotebookBox], deadline: float
) -> list[KnownMistake]:
    """The mistakes whose outcomes are the observed ones, and not the reference's."""
    alike = [mistake for mistake in case.mistakes if mistake.agrees(observed)]
    for mistake in alike:
        if not mistake.is_complete:
            _work_out(mistake, case.exchanges, observed, reference(), deadline)
    return [
        mistake
        for mistake in alike
        if mistake.is_complete and mistake.agrees(observed) and not mistake.agrees(case.reference)
    ]


def _work_out(
    mistake: KnownMistake, exchanges: list[Exchange], observed: list[Outcome], box: NotebookBox, deadline: float
) -> None:
    """Find the outcomes of a mistake up to the first that differs from what was observed, and what quickly follows.

    Raises ``ForkLost``.
    """
    answer, _ = box.run_cell(mistake.entry.source, deadline)
    if answer.error:
        return
    test = box.fork()
    outcomes: list[Outcome] = []
    is_different = False
    session = Session(test.channel, min(deadline, time.monotonic() + _MISTAKE_SECONDS), REPLY)
    try:
        for outcome in replay(exchanges, session):
            if not is_different and not agree(outcome, observed[len(outcomes)]):
                is_different = True
                session.deadline = min(session.deadline, time.monotonic() + _QUICK_SECONDS)
            outcomes.append(outcome)
    except ForkLost as ended:
        if not is_different:
            if time.monotonic() > deadline:
                raise
            outcomes.append(Outcome(error=ended.loss.value))  # no student's: theirs came to an end
    finally:
        test.close()
        mistake.outcomes, mistake.is_complete = outcomes, len(outcomes) == len(exchanges)


def asked(question: Question) -> str:
    """The question's name; where a notebook holds several answers to one, they are named ``<question>__<number>``."""
    return question.name.partition("__")[0]


def _sentence(sentences: list[str]) -> str:
    """What the student reads: one mistake as a fact, several as possibilities, many not at all."""
    distinct = [" ".join(sentence.split()) for sentence in dict.fromkeys(sentences)]
    if len(distinct) > _MOST_SENTENCES or not distinct:
        return ""
    return distinct[0] if len(distinct) == 1 else f"{UNCERTAIN} {' Or: '.join(distinct)}"
