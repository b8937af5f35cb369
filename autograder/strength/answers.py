"""The answers on which the tests are tried: right ones, known mistakes, and mutants of the reference answer."""

from dataclasses import dataclass
from enum import Enum

from autograder.assignment import catalogue
from autograder.assignment.assignment import Assignment
from autograder.assignment.notebook import Notebook, Question
from autograder.grading.diagnosis import UNCERTAIN
from autograder.grading.results import Verdict
from autograder.strength.mutants import mutants


class AnswerKind(Enum):
    """What an answer is."""

    VARIANT = "correct variant"
    MISTAKE = "known mistake"
    MUTANT = "mutant"


@dataclass(frozen=True)
class Answer:
    """An answer to a question. ``about`` is a mistake's sentence, a mutant's diff, what is special about a variant."""

    kind: AnswerKind
    notebook: str
    question: str
    name: str
    source: str
    about: str


@dataclass(frozen=True)
class TrialOutcome:
    """What the tests made of an answer. ``difference`` is an input on which a mutant that passed is no equivalent."""

    verdict: Verdict
    message: str = ""
    diagnosis: str = ""
    difference: str = ""

    @property
    def passed(self) -> bool:
        return self.verdict is Verdict.PASSED


@dataclass(frozen=True)
class Finding:
    """An answer and what came of it."""

    answer: Answer
    outcome: TrialOutcome

    @property
    def is_equivalent(self) -> bool:
        return self.answer.kind is AnswerKind.MUTANT and self.outcome.passed and not self.outcome.difference

    @property
    def survived(self) -> bool:
        return self.answer.kind is AnswerKind.MUTANT and self.outcome.passed and bool(self.outcome.difference)

    @property
    def has_own_diagnosis(self) -> bool:
        return self.outcome.diagnosis == " ".join(self.answer.about.split())

    @property
    def is_undecided(self) -> bool:
        """Whether the student reads that it is one of several mistakes."""
        return self.outcome.diagnosis.startswith(UNCERTAIN)


def answers(assignment: Assignment, notebook: Notebook, question: Question) -> list[Answer]:
    """Everything to try on one question's tests."""
    written = {
        AnswerKind.VARIANT: catalogue.read(assignment.variants_of(notebook)),
        AnswerKind.MISTAKE: catalogue.read(assignment.mistakes_of(notebook)),
    }
    found = [
        Answer(kind, notebook.name, question.name, entry.name, entry.source, entry.sentence)
        for kind, entries in written.items()
        for entry in entries
        if entry.question == question.name
    ]
    changed = [
        Answer(AnswerKind.MUTANT, notebook.name, question.name, mutant.name, mutant.source, mutant.diff)
        for mutant in mutants(question)
    ]
    return found + changed
