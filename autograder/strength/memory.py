"""What came of answers, remembered until something changes that it depends on."""

import ast
import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from autograder.authoring.catalogue import module_name
from autograder.authoring.model import Notebook, Question
from autograder.authoring.project import PACKAGE, SUPPORT_PACKAGE, Project
from autograder.strength.answers import Answer, Kind

# The code that decides what is different. How the rest of the engine runs an answer makes no difference to its outcome.
_DECIDING = {
    Kind.VARIANT: ("strength/trial.py",),
    Kind.MISTAKE: ("strength/trial.py", "grading/replay.py", "grading/diagnosis.py"),
    Kind.MUTANT: ("strength/trial.py", "grading/replay.py", "strength/equivalent.py", "strength/vary.py"),
}


@dataclass(frozen=True)
class Outcome:
    """The part of a finding that is remembered."""

    passed: bool
    verdict: str
    message: str = ""
    diagnosis: str = ""
    difference: str = ""


class Memory:
    """Outcomes of earlier runs, one file per notebook below ``build/``, by a hash of all that they depend on."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._folder = project.root / "build" / "strength"
        self._deciding = {
            kind: _hash(*((PACKAGE / name).read_bytes() for name in names)) for kind, names in _DECIDING.items()
        }
        self._common: dict[str, str] = {}
        self._known: dict[str, dict[str, dict]] = {}

    def recall(self, notebook: Notebook, question: Question, answer: Answer) -> Outcome | None:
        """What is known of an answer; None when it has not been tried since something changed."""
        known = self._of(notebook.name).get(self._key(notebook, question, answer))
        return Outcome(**known) if known else None

    def keep(self, notebook: Notebook, question: Question, outcomes: Iterable[tuple[Answer, Outcome]]) -> None:
        """Remember what came of answers to a question."""
        known = self._of(notebook.name)
        for answer, outcome in outcomes:
            known[self._key(notebook, question, answer)] = asdict(outcome)
        self._write(self._path(notebook.name), known)

    def recall_seeds(self, notebook: Notebook) -> tuple[int, int] | None:
        """With how many hidden seeds the reference answers were graded since something changed, and what failed."""
        path = self._path(f"{notebook.name}.seeds")
        known = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
        return (known["seeds"], known["failures"]) if known.get("key") == self._key_of_all(notebook) else None

    def keep_seeds(self, notebook: Notebook, seeds: int, failures: int) -> None:
        """Remember how often the reference answers failed."""
        known = {"key": self._key_of_all(notebook), "seeds": seeds, "failures": failures}
        self._write(self._path(f"{notebook.name}.seeds"), known)

    def _key_of_all(self, notebook: Notebook) -> str:
        texts = [text for question in notebook.questions for text in (question.visible, question.hidden)]
        return _hash(*(text.encode() for text in (self._course_of(notebook), *notebook.foundation, *texts)))

    def _key(self, notebook: Notebook, question: Question, answer: Answer) -> str:
        if notebook.name not in self._common:
            self._common[notebook.name] = self._course_of(notebook)
        texts = [answer.kind.value, self._common[notebook.name], self._deciding[answer.kind]]
        if answer.kind is Kind.MISTAKE:
            texts.append(_read(self._mistakes(notebook)))
        texts += [*notebook.foundation, question.visible, question.hidden, answer.source]
        return _hash(*(text.encode() for text in texts))

    def _course_of(self, notebook: Notebook) -> str:
        """A hash of the reference package and of the support package, as far as the notebook uses them."""
        module, mistakes = module_name(notebook.name), self._mistakes(notebook)
        own = [
            path
            for path in self._project.solution_files()
            if path.name.startswith((module, "__init__")) and path != mistakes
        ]
        sources = [*notebook.foundation, *map(_read, own)]
        sources += [text for question in notebook.questions for text in (question.visible, question.hidden)]
        used = imported(self._project.support_files(), sources)
        return _hash(*(path.read_bytes() for path in (*own, *used)))

    def _mistakes(self, notebook: Notebook) -> Path:
        return self._project.mistakes / f"{module_name(notebook.name)}.py"

    def _of(self, notebook: str) -> dict[str, dict]:
        if notebook not in self._known:
            path = self._path(notebook)
            self._known[notebook] = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
        return self._known[notebook]

    def _path(self, name: str) -> Path:
        return self._folder / f"{name}.json"

    def _write(self, path: Path, known: dict) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        path.with_suffix(".new").write_text(json.dumps(known), encoding="utf-8")
        path.with_suffix(".new").replace(path)


def imported(files: list[Path], sources: Iterable[str]) -> list[Path]:
    """The ``files`` of the support package that Python ``sources`` import, directly or through one another.

    Whatever is no module counts as used, and so does all where a source cannot be read as Python.
    """
    modules = {path.stem: path for path in files if path.suffix == ".py"}
    used = {path.stem for path in files if path.stem == "__init__"}
    waiting = [*sources, *(_read(modules[name]) for name in used)]
    while waiting:
        try:
            new = (_imports(ast.parse(waiting.pop())) & set(modules)) - used
        except SyntaxError:
            return files
        used |= new
        waiting += [_read(modules[name]) for name in new]
    return [path for path in files if path.suffix != ".py" or path.stem in used]


def _imports(tree: ast.Module) -> set[str]:
    """Modules of the support package that are imported, by their names in it."""
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names |= {f"{node.module}.{alias.name}" for alias in node.names} | {str(node.module)}
    parts = [name.split(".") for name in names]
    return {part[1] for part in parts if part[0] == SUPPORT_PACKAGE and len(part) > 1}


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.is_file() else ""


def _hash(*parts: bytes) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(len(part).to_bytes(8, "little") + part)
    return digest.hexdigest()
