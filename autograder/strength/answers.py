"""The answers on which the tests are tried: right ones, known mistakes, and mutants of the reference answer."""

from dataclasses import dataclass
from enum import Enum

from autograder.authoring import catalogue
from autograder.authoring.model import Notebook, Question
from autograder.authoring.project import Project
from autograder.grading.diagnosis import UNCERTAIN
from autograder.strength.mutants import mutants


class Kind(Enum):
    """What an answer is."""

    VARIANT = "correct variant"
    MISTAKE = "known mistake"
    MUTANT = "mutant"


@dataclass(frozen=True)
class Answer:
    """An answer to a question. ``about`` is a mistake's sentence, a mutant's diff, what is special about a variant."""

    kind: Kind
    notebook: str
    question: str
    name: str
    source: str
    about: str


@dataclass(frozen=True)
class Finding:
    """What the tests made of an answer. ``difference`` is an input on which a mutant that passed is no equivalent."""

    answer: Answer
    passed: bool
    verdict: str
    message: str = ""
    diagnosis: str = ""
    difference: str = ""

    @property
    def is_equivalent(self) -> bool:
        return self.answer.kind is Kind.MUTANT and self.passed and not self.difference

    @property
    def survived(self) -> bool:
        return self.answer.kind is Kind.MUTANT and self.passed and bool(self.difference)

    @property
    def has_own_diagnosis(self) -> bool:
        return self.diagnosis == " ".join(self.answer.about.split())

    @property
    def is_undecided(self) -> bool:
        """Whether the student reads that it is one of several mistakes."""
        return self.diagnosis.startswith(UNCERTAIN)


def answers(project: Project, notebook: Notebook, question: Question) -> list[Answer]:
    """Everything to try on one question's tests."""
    module = f"{catalogue.module_name(notebook.name)}.py"
    written = {
        Kind.VARIANT: catalogue.read(project.variants / module),
        Kind.MISTAKE: catalogue.read(project.mistakes / module),
    }
    found = [
        Answer(kind, notebook.name, question.name, entry.name, entry.source, entry.sentence)
        for kind, entries in written.items()
        for entry in entries
        if entry.question == question.name
    ]
    changed = [
        Answer(Kind.MUTANT, notebook.name, question.name, mutant.name, mutant.source, mutant.diff)
        for mutant in mutants(question)
    ]
    return found + changed
