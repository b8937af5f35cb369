"""Grades one notebook: runs its cells in a box, its tests here, and gives each question a verdict."""

import html
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import replace
from pathlib import Path

import torch
from nbformat import NotebookNode
from nbformat.v4 import new_markdown_cell

from autograder.assignment.assignment import Assignment
from autograder.assignment.notebook import Kind, Notebook, Question, kind_of, nbgrader_metadata
from autograder.grading.advice import advised, missing_module
from autograder.grading.assemble import LOOK, Assembled
from autograder.grading.diagnosis import Diagnostics
from autograder.grading.notebook_box import NotebookBox, zygote
from autograder.grading.outputs import CheckedOutputs, clean, error_output
from autograder.grading.policy import NotebookPolicy, policy_for
from autograder.grading.questions import CourseModules, is_memory_error, run_question
from autograder.grading.results import GradedNotebook, QuestionResult, Status, Usage, Verdict
from autograder.grading.staging import staged
from autograder.grading.submission import OpenedSubmission, open_submission
from autograder.sandbox.box import BoxLost, Loss, ZygoteLost

_SKIPPED = "skip-execution"
_MAX_RESTARTS = 3
_MAX_CELL = 1 << 20
# A cell may show so much; the whole notebook this many times as much.
_NOTEBOOK_OUTPUTS = 4
_OWN_ERRORS = {verdict.value for verdict in Verdict}
_LOST = {
    Loss.CRASHED: (Verdict.CRASHED, "the cell ended the notebook's process."),
    Loss.LATE: (Verdict.TIMEOUT, "the cell ran out of time and could not be interrupted."),
    Loss.REPLY: (Verdict.CRASHED, "the cell broke the connection to the grader."),
}


def grade_notebook(
    assignment: Assignment,
    notebook: Notebook,
    data: bytes,
    files: Mapping[str, bytes] | None = None,
    policy: NotebookPolicy | None = None,
) -> GradedNotebook:
    """Grade a submitted file, whose bytes are ``data``, as ``notebook`` of ``assignment``.

    ``files`` are the student's own that lie beside it (``staging.read_files``). Without a ``policy`` the assignment's
    settings decide. The result's cells are the released ones with the student's answers, own cells and
    outputs. Nothing is raised because of what a submission holds or does: a file that is no notebook, or another one,
    is a result. Raises ``NotebookError`` when the release cannot be read, ``IsolationError`` when this host cannot
    protect what must be protected, ``ZygoteLost`` when the process that runs notebooks ended twice.
    """
    submission = open_submission(assignment, notebook, data)
    if submission.status is not Status.GRADED:
        return _not_run(notebook, submission)
    graded = run_notebook(assignment, notebook, submission.assembled, files, policy)
    if graded.notes:  # for whoever opens the notebook, also where it was graded by `nbgrader autograde`
        notes = (f"- {html.escape(note)}" for note in graded.notes)
        text = "\n".join(["**Not everything was as handed out:**\n", *notes])
        graded.node.cells.insert(0, new_markdown_cell(text, id="notes"))
    return graded


def _not_run(notebook: Notebook, submission: OpenedSubmission) -> GradedNotebook:
    """A result without points; its node says so at the top and in place of the tests' outputs."""
    assembled, status, message = submission.assembled, submission.status, submission.message
    results = [
        QuestionResult(question.name, Verdict.MISSING, 0.0, question.points, message) for question in notebook.questions
    ]
    node = deepcopy(assembled.node)
    for cell in node.cells:
        if cell.cell_type == "code":
            cell.execution_count = None
            cell.outputs = [error_output(Verdict.MISSING.value, message)] if kind_of(cell) is Kind.TEST else []
        elif kind_of(cell) is Kind.WRITTEN:
            cell.source = LOOK
    node.cells.insert(0, new_markdown_cell(f"**This notebook was not graded:** {html.escape(message)}", id="problem"))
    return GradedNotebook(node, tuple(results), assembled.notes, status=status, message=message)


def run_notebook(
    assignment: Assignment,
    source: Notebook,
    assembled: Assembled,
    files: Mapping[str, bytes] | None = None,
    policy: NotebookPolicy | None = None,
) -> GradedNotebook:
    """Run an assembled notebook in a box, and grade it by the tests of ``source``; the rest as ``grade_notebook``."""
    policy = policy or policy_for(assignment.settings)
    with _one_thread():
        try:
            return _grade(assignment, source, assembled, files or {}, policy)
        except ZygoteLost:  # ended by the kernel for want of memory, say; there will be another
            return _grade(assignment, source, assembled, files or {}, policy)


@contextmanager
def _one_thread() -> Iterator[None]:
    """Inside, torch computes in one thread.

    Threads wait for each other by spinning: two graders with two threads each on two cores took 40 times as long as
    with one each, and a container may see more cores than it may use.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _grade(
    assignment: Assignment,
    source: Notebook,
    assembled: Assembled,
    files: Mapping[str, bytes],
    policy: NotebookPolicy,
) -> GradedNotebook:
    started = time.monotonic()
    with staged(assignment, files, policy.limits.disk) as folder, CourseModules(assignment) as course:
        run = _Run(assignment, source, assembled, policy, course)
        run.grade(folder)
    usage = Usage(time.monotonic() - started, run.cpu, run.memory, run.restarts)
    return GradedNotebook(run.node, tuple(run.results.values()), run.notes, usage, run.isolation_in_force)


class _Run:
    """One submission on its way through the box: what has been graded so far survives a crash."""

    def __init__(
        self,
        assignment: Assignment,
        source: Notebook,
        assembled: Assembled,
        policy: NotebookPolicy,
        course: CourseModules,
    ) -> None:
        self._assignment, self._source, self._policy, self._course = assignment, source, policy, course
        self._limits = policy.limits
        self._diagnostics = Diagnostics(assignment, source, policy)
        self.node, self.notes = deepcopy(assembled.node), assembled.notes
        self._tests_after = assembled.tests_after
        self._questions = {question.test_id: question for question in source.questions}
        self.results: dict[str, QuestionResult] = {}
        self._broken: dict[str, tuple[Verdict, str]] = {}
        self._missing_modules: set[str] = set()
        self._skip: set[int] = set()
        self._lost: NotebookNode | None = None
        self.cpu = self.memory = 0.0
        self.restarts = 0
        self.isolation_in_force: dict[str, str] = {}
        self._deadline = time.monotonic() + self._limits.total_seconds
        for cell in self.node.cells:
            if cell.cell_type == "code":
                cell.outputs, cell.execution_count = [], None

    def grade(self, folder: Path) -> None:
        """Run the notebook until every question has a verdict; a cell that ended its process is left out after that."""
        for attempt in range(_MAX_RESTARTS + 1):
            with NotebookBox(zygote(), folder, self._policy, self._assignment.secret_paths) as box:
                self.isolation_in_force = box.in_force
                complete = self._run_cells(box)
                ended = box.end()
            self.cpu += ended.cpu
            self.memory = max(self.memory, ended.memory)
            self.restarts = attempt
            if complete:
                break
            if self._lost is not None and ended.out_of_memory:
                text = f"the cell's processes took over {self._limits.memory} MB of memory together."
                self._break(self._lost, Verdict.MEMORY, text)
            elif self._lost is not None and ended.out_of_time(self._limits.cpu_seconds):
                text = f"the cell was stopped: the notebook took over {self._limits.cpu_seconds} s of processor time."
                self._break(self._lost, Verdict.TIMEOUT, text)
        for question in self._source.questions:
            if question.name not in self.results:
                text = "the notebook's process ended again and again: this question was not reached."
                self._record(question, Verdict.CRASHED, text)
        clean(self.node)

    def _run_cells(self, box: NotebookBox) -> bool:
        """Run all cells in order; False when the box is lost and there is more to do."""
        self._lost = None
        ran: list[str] = []
        outputs = CheckedOutputs(_NOTEBOOK_OUTPUTS * self._limits.output << 20)
        for index, cell in enumerate(self.node.cells):
            if cell.cell_type != "code" or index in self._skip or _SKIPPED in cell.metadata.get("tags", []):
                continue
            if kind_of(cell) is Kind.TEST:
                if _grade_id(cell) not in self._tests_after and not self._run_test(box, cell, ran):
                    return False
            else:
                try:
                    self._run_cell(box, cell, outputs)
                except BoxLost as lost:
                    self._skip.add(index)
                    self._lost = cell
                    verdict, text = _LOST[lost.loss]
                    self._break(cell, verdict, text)
                    return False
                ran.append(cell.source)
                if not all(self._run_test(box, test, ran) for test in self._waiting_for(index)):
                    return False
        return True

    def _waiting_for(self, index: int) -> list[NotebookNode]:
        """Tests above a cell whose answer stands in it."""
        names = [name for name, after in self._tests_after.items() if after == index]
        return [cell for cell in self.node.cells if _grade_id(cell) in names]

    def _run_cell(self, box: NotebookBox, cell: NotebookNode, outputs: CheckedOutputs) -> None:
        seconds = min(self._limits.cell_seconds, self._deadline - time.monotonic())
        if seconds <= 0:
            self._break(cell, Verdict.TIMEOUT, f"not run: the notebook took over {self._limits.total_seconds:.0f} s.")
            return
        if len(cell.source) > _MAX_CELL:
            self._break(cell, Verdict.ERROR, f"not run: the cell is over {_MAX_CELL >> 20} MB long.")
            return
        answer, late = box.run_cell(cell.source, time.monotonic() + seconds)
        cell.outputs = outputs.take(answer.outputs)
        count = answer.count
        cell.execution_count = count if count is not None and 0 < count < 1 << 31 else None
        if late and seconds < self._limits.cell_seconds:
            text = f"the notebook took over {self._limits.total_seconds:.0f} s."
            self._break(cell, Verdict.TIMEOUT, f"the cell was stopped after {seconds:.0f} s: {text}")
        elif late:
            self._break(cell, Verdict.TIMEOUT, f"the cell was stopped after {seconds:.0f} s. Does a loop never stop?")
        elif answer.error:
            kind, text = answer.error
            text = f"{kind[:100]}: {text[:300]}" if text else kind[:100]
            verdict = Verdict.MEMORY if is_memory_error(text) else Verdict.ERROR
            self._broken[_grade_id(cell)] = (verdict, f"its cell raised {text.rstrip('.')}.")
            self._missing_modules.update(filter(None, [missing_module(text)]))

    def _break(self, cell: NotebookNode, verdict: Verdict, text: str) -> None:
        self._broken[_grade_id(cell)] = (verdict, text)
        shown = [output for output in cell.get("outputs", []) if output.get("ename") not in _OWN_ERRORS]
        cell.outputs = [*shown, error_output(verdict.value, text)]

    def _run_test(self, box: NotebookBox, cell: NotebookNode, ran: list[str]) -> bool:
        question = self._questions[_grade_id(cell)]
        if question.name in self.results:
            return True
        if self._deadline <= time.monotonic():
            text = f"not graded: the notebook took over {self._limits.total_seconds:.0f} s."
            self._record(question, Verdict.TIMEOUT, text)
            alive = True
        else:
            result, alive = run_question(question, box, ran, self._limits, self._deadline, self._course)
            if alive:
                result, alive = self._diagnosed(question, result, box)
            answer = next((one.source for one in self.node.cells if _grade_id(one) == question.name), "")
            modules = frozenset(self._missing_modules)
            self.results[question.name] = advised(result, answer, self._broken, modules)
        result = self.results[question.name]
        cell.outputs = [] if result.verdict is Verdict.PASSED else [_error_of(result)]
        return alive

    def _diagnosed(self, question: Question, result: QuestionResult, box: NotebookBox) -> tuple[QuestionResult, bool]:
        """The result with the mistake behind it, where one is known; on our own time, not the student's."""
        started = time.monotonic()
        try:
            diagnosis = self._diagnostics.explain(question, result.verdict, box, self._course)
            return replace(result, diagnosis=diagnosis), not box.is_lost()
        except BoxLost:
            return result, False
        finally:
            self._deadline += time.monotonic() - started

    def _record(self, question: Question, verdict: Verdict, message: str) -> None:
        self.results[question.name] = QuestionResult(question.name, verdict, 0.0, question.points, message)


def _error_of(result: QuestionResult) -> NotebookNode:
    error = error_output(result.verdict.value, result.feedback)
    if result.traceback:
        error.traceback = [*error.traceback, result.traceback]
    return error


def _grade_id(cell: NotebookNode) -> str:
    return str(nbgrader_metadata(cell).get("grade_id", ""))
