"""What came of answers, remembered until something changes that it depends on."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from autograder.assignment.assignment import Assignment
from autograder.assignment.imports import needed
from autograder.assignment.notebook import Notebook, Question
from autograder.authoring.package import PACKAGE
from autograder.schema import DecodeError, Schema
from autograder.strength.answers import Answer, AnswerKind, TrialOutcome

# The code that decides what is different. How the rest of the engine runs an answer makes no difference to its outcome.
_DECIDING = {
    AnswerKind.VARIANT: ("strength/trial.py",),
    AnswerKind.MISTAKE: ("strength/trial.py", "grading/replay.py", "grading/diagnosis.py"),
    AnswerKind.MUTANT: ("strength/trial.py", "grading/replay.py", "strength/equivalent.py", "strength/vary.py"),
}


@dataclass(frozen=True)
class SeedCounts:
    """With how many hidden seeds the reference answers of a notebook were graded, and how often one failed.

    ``key`` is a hash of all that this depends on.
    """

    key: str
    seeds: int
    failures: int


_OUTCOMES: Schema[dict[str, TrialOutcome]] = Schema(dict[str, TrialOutcome])
_SEEDS: Schema[SeedCounts] = Schema(SeedCounts)


class Memory:
    """Outcomes of earlier runs, one file per notebook below ``build/``, by a hash of all that they depend on."""

    def __init__(self, assignment: Assignment) -> None:
        self._assignment = assignment
        self._folder = assignment.strength_results
        self._deciding = {
            kind: _hash(*((PACKAGE / name).read_bytes() for name in names)) for kind, names in _DECIDING.items()
        }
        self._common: dict[str, str] = {}
        self._known: dict[str, dict[str, TrialOutcome]] = {}

    def recall(self, notebook: Notebook, question: Question, answer: Answer) -> TrialOutcome | None:
        """What is known of an answer; None when it has not been tried since something changed."""
        return self._of(notebook.name).get(self._key(notebook, question, answer))

    def keep(self, notebook: Notebook, question: Question, outcomes: Iterable[tuple[Answer, TrialOutcome]]) -> None:
        """Remember what came of answers to a question."""
        known = self._of(notebook.name)
        for answer, outcome in outcomes:
            known[self._key(notebook, question, answer)] = outcome
        self._write(self._path(notebook.name), _OUTCOMES.to_json(known))

    def recall_seeds(self, notebook: Notebook) -> SeedCounts | None:
        """With how many hidden seeds the reference answers were graded since something changed, and what failed."""
        try:
            known = _SEEDS.from_json(self._path(f"{notebook.name}.seeds").read_bytes())
        except (OSError, DecodeError):
            return None
        return known if known.key == self._key_of_all(notebook) else None

    def keep_seeds(self, notebook: Notebook, seeds: int, failures: int) -> None:
        """Remember how often the reference answers failed."""
        counts = SeedCounts(self._key_of_all(notebook), seeds, failures)
        self._write(self._path(f"{notebook.name}.seeds"), _SEEDS.to_json(counts))

    def _key_of_all(self, notebook: Notebook) -> str:
        texts = [text for question in notebook.questions for text in (question.visible, question.hidden)]
        return _hash(*(text.encode() for text in (self._course_of(notebook), *notebook.setup_cells, *texts)))

    def _key(self, notebook: Notebook, question: Question, answer: Answer) -> str:
        if notebook.name not in self._common:
            self._common[notebook.name] = self._course_of(notebook)
        texts = [answer.kind.value, self._common[notebook.name], self._deciding[answer.kind]]
        if answer.kind is AnswerKind.MISTAKE:
            texts.append(_read(self._assignment.mistakes_of(notebook)))
        texts += [*notebook.setup_cells, question.visible, question.hidden, answer.source]
        return _hash(*(text.encode() for text in texts))

    def _course_of(self, notebook: Notebook) -> str:
        """A hash of the reference answers and of the kits, as far as the notebook uses them."""
        assignment, mistakes = self._assignment, self._assignment.mistakes_of(notebook)
        own = [path for path in assignment.solution_files(notebook) if path != mistakes]
        sources = [*notebook.setup_cells, *(_read(path) for path in own if path.suffix == ".py")]
        sources += [text for question in notebook.questions for text in (question.visible, question.hidden)]
        files = assignment.package_files()
        known = assignment.package_modules()
        data = [path for path in files.values() if path.suffix != ".py"]
        return _hash(*(path.read_bytes() for path in (*own, *needed(known, sources), *data)))

    def _of(self, notebook: str) -> dict[str, TrialOutcome]:
        if notebook not in self._known:
            try:
                self._known[notebook] = _OUTCOMES.from_json(self._path(notebook).read_bytes())
            except (OSError, DecodeError):
                self._known[notebook] = {}
        return self._known[notebook]

    def _path(self, name: str) -> Path:
        return self._folder / f"{name}.json"

    def _write(self, path: Path, content: bytes) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        path.with_suffix(".new").write_bytes(content)
        path.with_suffix(".new").replace(path)


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.is_file() else ""


def _hash(*parts: bytes) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(len(part).to_bytes(8, "little") + part)
    return digest.hexdigest()
