"""What was found out about the tests: figures per question, what is not as it must be, and the page about it."""

import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from autograder.assignment.notebook import Notebook
from autograder.errors import AutograderError
from autograder.strength.answers import AnswerKind, Finding
from autograder.strength.memory import SeedCounts
from autograder.strength.mutants import OPERATORS, mutants

LEAST_DIAGNOSED = 0.95
LEAST_KILLED = 0.98
_COLUMNS = ("variants accepted", "mistakes rejected", "with their diagnosis", "mutants rejected", "equivalent")
_PREFACE = """\
Written by `autograder strength`, which grades right and wrong answers through the engine: correct variants in other
styles (`variants`), known mistakes (`mistakes`), and mutants, all single changes of the reference
answers by the operators below. A mutant that passes is *equivalent* when it gives what the reference gives: on the
inputs of the tests, drawn with other seeds, and on variations of those.""".splitlines()


@dataclass(frozen=True)
class Figures:
    """Counts over some findings, each with what it is a part of."""

    variants: tuple[int, int]
    mistakes: tuple[int, int]
    diagnosed: tuple[int, int]
    killed: tuple[int, int]
    equivalent: int

    @property
    def cells(self) -> list[str]:
        parts = (self.variants, self.mistakes, self.diagnosed, self.killed)
        return [*(f"{part} / {whole}" if whole else "" for part, whole in parts), str(self.equivalent)]


def figures(findings: Iterable[Finding]) -> Figures:
    """Count."""
    by_kind: dict[AnswerKind, list[Finding]] = {kind: [] for kind in AnswerKind}
    for finding in findings:
        by_kind[finding.answer.kind].append(finding)
    variants, mistakes, changed = (
        by_kind[kind] for kind in (AnswerKind.VARIANT, AnswerKind.MISTAKE, AnswerKind.MUTANT)
    )
    different = [finding for finding in changed if not finding.is_equivalent]
    return Figures(
        (sum(finding.outcome.passed for finding in variants), len(variants)),
        (sum(not finding.outcome.passed for finding in mistakes), len(mistakes)),
        (sum(finding.has_own_diagnosis for finding in mistakes), len(mistakes)),
        (sum(not finding.outcome.passed for finding in different), len(different)),
        len(changed) - len(different),
    )


def read_explanations(path: Path, notebooks: Iterable[Notebook]) -> dict[str, str]:
    """Why mutants survive, by their names. Raises ``AutograderError`` when a name is of no mutant (any more)."""
    explanations = tomllib.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    names = {mutant.name for notebook in notebooks for question in notebook.questions for mutant in mutants(question)}
    if stale := sorted(set(explanations) - names):
        raise AutograderError(
            f"{path} explains mutants that there are none of: {', '.join(stale)}. Delete those lines."
        )
    return explanations


def problems(findings: list[Finding], explanations: dict[str, str], least_variants: int) -> list[str]:
    """A line for everything that is not as it must be; each question needs ``least_variants`` correct variants."""
    lines = [line for finding in findings for line in _complaints(finding, explanations)]
    for (notebook, question), some in _by_question(findings).items():
        if (count := figures(some).variants[1]) < least_variants:
            lines.append(f"{notebook}, {question}: there are only {count} correct variants.")
    counted = figures(findings)
    for (part, whole), least, what in (
        (counted.diagnosed, LEAST_DIAGNOSED, "mistakes have their own diagnosis"),
        (counted.killed, LEAST_KILLED, "mutants are rejected"),
    ):
        if part < least * whole:
            lines.append(f"only {part} of {whole} {what}; it should be {100 * least:.0f} %.")
    return lines


def _complaints(finding: Finding, explanations: dict[str, str]) -> Iterator[str]:
    place, is_explained = _place(finding), finding.answer.name in explanations
    match finding.answer.kind:
        case AnswerKind.VARIANT if not finding.outcome.passed:
            yield f"{place}: a correct answer is rejected: {finding.outcome.verdict.value}, {finding.outcome.message}"
        case AnswerKind.MISTAKE if finding.outcome.passed:
            yield f"{place}: a known mistake is accepted."
        case AnswerKind.MISTAKE if (
            finding.outcome.diagnosis and not finding.has_own_diagnosis and not finding.is_undecided
        ):
            yield f"{place}: has the diagnosis of another mistake: {finding.outcome.diagnosis}"
        case AnswerKind.MUTANT if finding.survived and not is_explained:
            yield f"{place}: survives, and nothing explains it: {finding.outcome.difference}"
        case AnswerKind.MUTANT if is_explained and not finding.survived:
            yield f"{place}: is explained as a survivor, but is none."


def print_figures(findings: list[Finding], console: Console) -> None:
    """A table with a row per question."""
    table = Table("question")
    for column in _COLUMNS:
        table.add_column(column, justify="right")
    notebook = ""
    for (where, question), some in _by_question(findings).items():
        if where != notebook:
            notebook = where
            table.add_section()
            table.add_row(f"[bold]{notebook}")
        table.add_row(question, *figures(some).cells)
    table.add_section()
    table.add_row("all", *figures(findings).cells)
    console.print(table)


def write_report(
    path: Path,
    findings: list[Finding],
    explanations: dict[str, str],
    untried: list[str],
    seeds: dict[str, SeedCounts | None],
) -> None:
    """Write the page about the tests; ``untried`` says what is not known.

    ``seeds`` has for each notebook the number of hidden seeds that the reference answers were graded with, and of
    failures; None where that is not known.
    """
    counted = figures(findings)
    undecided = [f for f in _of(findings, AnswerKind.MISTAKE) if not f.has_own_diagnosis]
    order = {name: place for place, name in enumerate(explanations)}  # explanations refer to the one before
    survivors = [
        finding
        for some in _by_question(findings).values()
        for finding in sorted(some, key=lambda finding: order.get(finding.answer.name, len(order)))
        if finding.survived
    ]
    lines = [
        "# How strong the tests are",
        "",
        *_PREFACE,
        "",
        *_table(findings, counted),
        "",
        *(["## Not tried since the last change", "", *(f"- {line}" for line in untried), ""] if untried else []),
        "## Chance",
        "",
        "Hidden tests draw their numbers. The reference answers were graded with many hidden seeds",
        "(`autograder strength --flaky 200`), one after the other:",
        "",
        *_seeds_table(seeds),
        "",
        "## Mistakes without a diagnosis of their own",
        "",
        *([_bullet(finding) for finding in undecided] or ["None."]),
        "",
        "## Mutants that survive",
        "",
        *[line for finding in survivors for line in _survivor(finding, explanations)],
        *([] if survivors else ["None.", ""]),
        "## Operators",
        "",
        *(f"- *{operator.__name__}*: {' '.join((operator.__doc__ or '').split())}" for operator in OPERATORS),
    ]  # fmt: skip
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines).rstrip() + "\n", encoding="utf-8")


def _table(findings: list[Finding], counted: Figures) -> list[str]:
    rows = [["question", *_COLUMNS], ["---", *["---:"] * len(_COLUMNS)]]
    for (notebook, question), some in _by_question(findings).items():
        rows.append([f"{notebook}, {question}", *figures(some).cells])
    rows.append(["all", *counted.cells])
    return [f"| {' | '.join(row)} |" for row in rows]


def _seeds_table(seeds: dict[str, SeedCounts | None]) -> list[str]:
    rows = [["notebook", "seeds", "failures"], ["---", "---:", "---:"]]
    for notebook, known in seeds.items():
        shown = (str(known.seeds), str(known.failures)) if known else ("not tried since the last change", "")
        rows.append([notebook, *shown])
    return [f"| {' | '.join(row)} |" for row in rows]


def _bullet(finding: Finding) -> str:
    shown = f"reads: {finding.outcome.diagnosis}" if finding.outcome.diagnosis else "has none."
    return f"- {_place(finding)}: {shown}"


def _survivor(finding: Finding, explanations: dict[str, str]) -> list[str]:
    explanation = explanations.get(finding.answer.name, "Not explained.")
    return [f"### {_place(finding)}", "", "```diff", finding.answer.about, "```", "", explanation.strip(), ""]


def _by_question(findings: list[Finding]) -> dict[tuple[str, str], list[Finding]]:
    groups: dict[tuple[str, str], list[Finding]] = {}
    for finding in findings:
        groups.setdefault((finding.answer.notebook, finding.answer.question), []).append(finding)
    return groups


def _of(findings: list[Finding], kind: AnswerKind) -> list[Finding]:
    return [finding for finding in findings if finding.answer.kind is kind]


def _place(finding: Finding) -> str:
    return f"{finding.answer.notebook}, {finding.answer.question}, {finding.answer.name}"
