"""What editors, tools and students do to a notebook on its way to the grader: edits of a file, drawn at random.

Every edit leaves all answers in the file: as long as nobody deletes one, a person who looks for it finds it.
"""

import ast
import json
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass, field
from random import Random
from typing import Any

Cell = dict[str, Any]
_OWN = (
    "print(torch.__version__)",
    "_tried = [2 * k for k in range(5)]\n_tried",
    "def my_helper(x):\n    return x",
    "# to do: ask in office hours",
    "%matplotlib inline\nplt.plot([1, 2, 3])",
    "",
)


@dataclass
class Draft:
    """A notebook on its way, and how it will be written.

    ``answers`` has each question's answer by grade id, ``released`` the cells that were handed out.
    """

    cells: list[Cell]
    released: list[Cell]
    answers: dict[str, str]
    top: dict[str, Any] = field(default_factory=lambda: {"metadata": {}, "nbformat": 4, "nbformat_minor": 5})
    indent: int | None = 1
    encoding: str = "utf-8"
    line_end: str = "\n"
    as_lists: bool = True
    is_format_3: bool = False

    def data(self) -> bytes:
        """The file."""
        cells = [{**cell, "source": self._source(cell["source"])} for cell in self.cells]
        content = {"cells": cells, **self.top}
        if self.is_format_3:
            old = [_as_format_3(cell) for cell in cells]
            content = {"worksheets": [{"cells": old}], "metadata": {}, "nbformat": 3, "nbformat_minor": 0}
        return json.dumps(content, indent=self.indent, ensure_ascii=False).encode(self.encoding)

    def _source(self, source: str) -> str | list[str]:
        source = source.replace("\n", self.line_end)
        return source.splitlines(keepends=True) if self.as_lists else source

    def of(self, kind: str) -> list[int]:
        """Cells of a kind that have a text, by number."""
        return [number for number, cell in enumerate(self.cells) if cell["cell_type"] == kind and cell["source"]]

    def holding(self, kind: str) -> list[int]:
        """Cells of a kind that hold a whole answer and nothing else."""
        texts = set(self.answers.values())
        return [number for number in self.of(kind) if self.cells[number]["source"] in texts]

    def given(self) -> list[int]:
        """Cells as they were handed out, that are no answers."""
        texts = {cell["source"] for cell in self.released if not _nbgrader(cell).get("solution")}
        return [number for number, cell in enumerate(self.cells) if cell["source"] in texts]

    def released_as(self, grade_id: str) -> Cell:
        return deepcopy(next(cell for cell in self.released if _nbgrader(cell).get("grade_id") == grade_id))

    def answered_by(self, number: int) -> str:
        """The question that a cell answers."""
        return next(name for name, text in self.answers.items() if text == self.cells[number]["source"])


Edit = Callable[[Draft, Random], None]


def _nbgrader(cell: Cell) -> dict[str, Any]:
    return cell["metadata"].get("nbgrader", {})


def _as_format_3(cell: Cell) -> Cell:
    old = {"cell_type": cell["cell_type"], "metadata": cell["metadata"]}
    if cell["cell_type"] == "code":
        return {**old, "input": cell["source"], "language": "python", "outputs": [], "collapsed": False}
    return {**old, "source": cell["source"]}


def new(kind: str, source: str, rng: Random) -> Cell:
    """A cell that an editor makes."""
    cell: Cell = {"cell_type": kind, "id": f"{rng.getrandbits(32):08x}", "metadata": {}, "source": source}
    return cell | ({"execution_count": None, "outputs": []} if kind == "code" else {})


def _some(numbers: list[int], rng: Random) -> list[int]:
    """One, a few, or all."""
    return rng.sample(numbers, rng.choice([1, min(3, len(numbers)), len(numbers)])) if numbers else []


def drop_ids(draft: Draft, rng: Random) -> None:
    for cell in draft.cells:
        cell.pop("id", None)


def new_ids(draft: Draft, rng: Random) -> None:
    for cell in draft.cells:
        cell["id"] = f"{rng.getrandbits(32):08x}"


def drop_metadata(draft: Draft, rng: Random) -> None:
    for cell in draft.cells:
        cell["metadata"] = {}


def drop_both(draft: Draft, rng: Random) -> None:
    drop_ids(draft, rng)
    drop_metadata(draft, rng)


def retype(draft: Draft, rng: Random) -> None:
    for number in _some(list(range(len(draft.cells))), rng):
        cell = draft.cells[number]
        draft.cells[number] = new(cell["cell_type"], cell["source"], rng)


def copy_cell(draft: Draft, rng: Random) -> None:
    number = rng.randrange(len(draft.cells))
    copy = deepcopy(draft.cells[number])
    if rng.random() < 0.5:
        copy = new(copy["cell_type"], copy["source"], rng)
    draft.cells.insert(rng.choice([number, number + 1]), copy)


def split(draft: Draft, rng: Random) -> None:
    number = rng.randrange(len(draft.cells))
    cell = draft.cells[number]
    lines = cell["source"].split("\n")
    is_code = cell["cell_type"] == "code" or any(word in cell["source"] for word in ("def ", "class "))
    at = rng.choice(list(_seams("code" if is_code else "markdown", cell["source"])) or [0])
    parts = [deepcopy(cell), new(cell["cell_type"], "", rng)]
    if rng.random() < 0.5:
        parts[1]["metadata"] = deepcopy(cell["metadata"])
    if rng.random() < 0.5:
        parts.reverse()
    parts[0]["source"], parts[1]["source"] = "\n".join(lines[:at]), "\n".join(lines[at:])
    draft.cells[number : number + 1] = parts


def _seams(kind: str, source: str) -> Iterator[int]:
    """Lines where a cell can be split, and both parts still run."""
    if kind != "code":
        yield from range(source.count("\n") + 1)
        return
    try:
        body = ast.parse(source).body
    except SyntaxError:
        return
    for step in body[1:]:
        decorators = getattr(step, "decorator_list", [])
        yield min([step.lineno, *(one.lineno for one in decorators)]) - 1


def merge(draft: Draft, rng: Random) -> None:
    pairs = list(zip(draft.cells, draft.cells[1:], strict=False))
    fits = [number for number, (one, other) in enumerate(pairs) if one["cell_type"] == other["cell_type"]]
    if not fits:
        return
    number = rng.choice(fits)
    one, other = draft.cells[number : number + 2]
    keeper = rng.choice([one, other, new(one["cell_type"], "", rng)])
    draft.cells[number : number + 2] = [{**keeper, "source": f"{one['source']}\n\n{other['source']}"}]


def move_own(draft: Draft, rng: Random) -> None:
    own = [number for number, cell in enumerate(draft.cells) if not _nbgrader(cell) and cell["source"] in _OWN]
    if own:
        cell = draft.cells.pop(rng.choice(own))
        draft.cells.insert(rng.randrange(len(draft.cells) + 1), cell)


def move_answer(draft: Draft, rng: Random) -> None:
    if answers := draft.holding("code") + draft.holding("markdown"):
        cell = draft.cells.pop(rng.choice(answers))
        draft.cells.insert(rng.randrange(len(draft.cells) + 1), cell)


def insert_own(draft: Draft, rng: Random) -> None:
    for _ in range(rng.randint(1, 4)):
        draft.cells.insert(rng.randrange(len(draft.cells) + 1), new("code", rng.choice(_OWN), rng))


def insert_notes(draft: Draft, rng: Random) -> None:
    for _ in range(rng.randint(1, 3)):
        kind = rng.choice(["markdown", "raw"])
        draft.cells.insert(rng.randrange(len(draft.cells) + 1), new(kind, "A note to myself.", rng))


def format_3(draft: Draft, rng: Random) -> None:
    draft.is_format_3 = True


def format_4_0(draft: Draft, rng: Random) -> None:
    drop_ids(draft, rng)
    draft.top["nbformat_minor"] = rng.choice([0, 4])


def odd_top(draft: Draft, rng: Random) -> None:
    draft.top = rng.choice([{}, {"nbformat": "4"}, {"nbformat": 4, "nbformat_minor": 99, "metadata": None}])


def strip_outputs(draft: Draft, rng: Random) -> None:
    for cell in draft.cells:
        cell.pop("outputs", None)
        cell.pop("execution_count", None)


def huge_outputs(draft: Draft, rng: Random) -> None:
    for number in _some(draft.of("code"), rng)[:3]:
        text = "x" * 200_000
        draft.cells[number]["outputs"] = [{"output_type": "stream", "name": "stdout", "text": text}]


def other_indent(draft: Draft, rng: Random) -> None:
    draft.indent = rng.choice([None, 0, 4])


def crlf(draft: Draft, rng: Random) -> None:
    draft.line_end = "\r\n"


def other_encoding(draft: Draft, rng: Random) -> None:
    draft.encoding = rng.choice(["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])


def other_sources(draft: Draft, rng: Random) -> None:
    draft.as_lists = not draft.as_lists


def trailing_space(draft: Draft, rng: Random) -> None:
    for cell in draft.cells:
        cell["source"] = cell["source"] + rng.choice(["", "\n", "\n\n", "  "])


def delete_tests(draft: Draft, rng: Random) -> None:
    _delete(draft, [number for number in draft.given() if draft.cells[number]["cell_type"] == "code"], rng)


def delete_prose(draft: Draft, rng: Random) -> None:
    _delete(draft, [number for number in draft.given() if draft.cells[number]["cell_type"] != "code"], rng)


def _delete(draft: Draft, numbers: list[int], rng: Random) -> None:
    for number in sorted(_some(numbers, rng), reverse=True):
        del draft.cells[number]


def fence(draft: Draft, rng: Random) -> None:
    for number in _some(draft.holding("code"), rng):
        old = draft.cells[number]
        opening = rng.choice(["```python", "```", "~~~ py"])
        text = f"{opening}\n{old['source']}\n{opening[:3]}"
        fenced = new("markdown", text, rng)
        if rng.random() < 0.5:
            fenced |= {"id": old.get("id"), "metadata": old["metadata"]}
        draft.cells[number] = fenced


def turn(draft: Draft, rng: Random) -> None:
    """Another kind of cell, by a key that was pressed by chance."""
    for number in _some(draft.holding("code") + draft.holding("markdown"), rng)[:3]:
        cell = draft.cells[number]
        kinds = {"code", "markdown", "raw"} - {cell["cell_type"]}
        if cell["cell_type"] != "code":
            kinds.discard("code")
        draft.cells[number] = {**cell, "cell_type": rng.choice(sorted(kinds))}


def answer_beside(draft: Draft, rng: Random) -> None:
    """The answer in a cell of one's own, the given one left as it was, above or below."""
    for number in sorted(_some(draft.holding("code") + draft.holding("markdown"), rng), reverse=True):
        old = draft.cells[number]
        stub = {**old, "source": draft.released_as(draft.answered_by(number))["source"]}
        pair = [stub, new(old["cell_type"], old["source"], rng)]
        draft.cells[number : number + 1] = rng.sample(pair, 2)


def text_in_given(draft: Draft, rng: Random) -> None:
    """A written answer below its prompt, in the prompt's cell."""
    given = draft.given()
    for number in _some(draft.holding("markdown"), rng)[:2]:
        if number - 1 in given and draft.answered_by(number).startswith("written"):
            cell = draft.cells[number]
            before = draft.cells[number - 1]
            draft.cells[number - 1] = {**before, "source": f"{before['source']}\n\n{cell['source']}"}
            draft.cells[number] = {**cell, "source": draft.released_as(draft.answered_by(number))["source"]}


def helper_in_given(draft: Draft, rng: Random) -> None:
    """A function of one's own in a test or figure cell."""
    if numbers := [number for number in draft.given() if draft.cells[number]["cell_type"] == "code"]:
        cell = draft.cells[rng.choice(numbers)]
        cell["source"] = rng.choice(["{1}\n{0}", "{0}\n{1}"]).format(cell["source"], _OWN[2])


def answer_in_test(draft: Draft, rng: Random) -> None:
    """An answer typed at the top of the test cell below it."""
    given = draft.given()
    for number in _some(draft.holding("code"), rng)[:2]:
        cell = draft.cells[number]
        if number + 1 in given and draft.cells[number + 1]["cell_type"] == "code":
            behind = draft.cells[number + 1]
            draft.cells[number + 1] = {**behind, "source": f"{cell['source']}\n\n{behind['source']}"}
            draft.cells[number] = {**cell, "source": draft.released_as(draft.answered_by(number))["source"]}


def edit_given(draft: Draft, rng: Random) -> None:
    """A word of a given text changed."""
    if numbers := draft.given():
        cell = draft.cells[rng.choice(numbers)]
        words = cell["source"].split(" ")
        words[rng.randrange(len(words))] = "another"
        if cell["cell_type"] == "markdown":
            cell["source"] = " ".join(words)


def paste(draft: Draft, rng: Random) -> None:
    """All cells pasted into a new notebook."""
    draft.cells = [new(cell["cell_type"], cell["source"], rng) for cell in draft.cells]
    draft.top = {"metadata": {}, "nbformat": 4, "nbformat_minor": 5}


def paste_as_one(draft: Draft, rng: Random) -> None:
    """All code in one cell, and all prose in another."""
    for kind in ("code", "markdown"):
        draft.cells.sort(key=lambda cell: cell["cell_type"] == kind)
        same = [cell for cell in draft.cells if cell["cell_type"] == kind]
        if same:
            text = "\n\n".join(cell["source"] for cell in same)
            draft.cells[-len(same) :] = [new(kind, text, rng)]


def code_as_one(draft: Draft, rng: Random) -> None:
    """All code in one cell, the prose as it was."""
    texts = [draft.cells[number]["source"] for number in draft.of("code")]
    draft.cells = [cell for cell in draft.cells if cell["cell_type"] != "code"]
    draft.cells.append(new("code", "\n\n".join(texts), rng))


def answers_at_end(draft: Draft, rng: Random) -> None:
    moved = [draft.cells[number] for number in draft.holding("code")]
    draft.cells = [cell for cell in draft.cells if not any(cell is one for one in moved)]
    if rng.random() < 0.5:
        moved = [new("code", cell["source"], rng) for cell in moved]
    elif rng.random() < 0.5 and moved:
        moved = [new("code", "\n\n".join(cell["source"] for cell in moved), rng)]
    draft.cells += moved


def duplicate_all(draft: Draft, rng: Random) -> None:
    copies = deepcopy(draft.cells)
    if rng.random() < 0.5:
        copies = [new(cell["cell_type"], cell["source"], rng) for cell in copies]
    draft.cells += copies


def reverse(draft: Draft, rng: Random) -> None:
    draft.cells.reverse()


def answers_only(draft: Draft, rng: Random) -> None:
    """Only the answers are left, and what is the student's own."""
    given = set(draft.given())
    draft.cells = [cell for number, cell in enumerate(draft.cells) if number not in given] or draft.cells


EDITS: tuple[Edit, ...] = (
    drop_ids,
    new_ids,
    drop_metadata,
    drop_both,
    retype,
    copy_cell,
    split,
    merge,
    move_own,
    move_answer,
    insert_own,
    insert_notes,
    format_3,
    format_4_0,
    odd_top,
    strip_outputs,
    huge_outputs,
    other_indent,
    crlf,
    other_encoding,
    other_sources,
    trailing_space,
    delete_tests,
    delete_prose,
    fence,
    turn,
    answer_beside,
    text_in_given,
    helper_in_given,
    answer_in_test,
    edit_given,
    paste,
    paste_as_one,
    code_as_one,
    answers_at_end,
    duplicate_all,
    reverse,
    answers_only,
)
