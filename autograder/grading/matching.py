"""Finds out which submitted cell answers which question, and which cell is which released one.

In this order: by grade id; by cell id; by the same text; by a given text inside a cell, which is cut there; by the
place between cells that are known; and last, for an answer that is missing or still as released, a cell that defines
the question's name, wherever it stands.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence

from nbformat import NotebookNode

from autograder.assignment.notebook import Kind, kind_of, nbgrader_metadata
from autograder.grading.cell_text import Cutter, added, is_code, names_defined, parsed, plain
from autograder.grading.intake import SubmittedCell
from autograder.grading.pieces import Piece, Place

# Of a list of cells so many are named; so many cells around an answer are looked into.
_NAMED = 8
_NEAR = 50
# So much code is searched for definitions.
_MAX_SEARCHED = 2_000_000


class Matching:
    """What became of each submitted cell.

    ``pieces`` are in the submission's order. Of released cells, by index: ``found`` are those known by their ids or
    whole text, ``changed`` those into or around which something was written, ``elsewhere`` gives the piece that answers
    a question whose own cell does not.
    """

    def __init__(self, released: NotebookNode, cells: Sequence[SubmittedCell]) -> None:
        self.places = [
            Place(index, kind_of(cell), cell.cell_type, _grade_id(cell), cell.get("id", ""), cell.source)
            for index, cell in enumerate(released.cells)
        ]
        self.notes: list[str] = []
        self.pieces = [Piece(cell.kind, cell.source, dict(cell.attachments)) for cell in cells]
        self.found: set[int] = set()
        self.changed: set[int] = set()
        self.elsewhere: dict[int, Piece] = {}
        self._placed: dict[int, Piece] = {}
        self._by_ids(cells)
        self._by_text()
        self.found.update(self._placed)
        self._take_apart()
        self._note_order()
        self._by_order()
        self._by_name()

    def answers(self) -> list[Place]:
        return [place for place in self.places if place.is_answer]

    def recognized(self) -> int:
        """How many questions have an answer cell, tests, a prompt or an answer in the submission."""
        known = {self.places[index].grade_id for index in self._placed}
        return sum(
            place.index in self._placed
            or place.index in self.elsewhere
            or f"test_{place.grade_id}" in known
            or (place.kind is Kind.WRITTEN and place.index - 1 in self._placed)
            for place in self.answers()
        )

    def piece_at(self, index: int) -> Piece | None:
        return self._placed.get(index)

    def name(self, index: int) -> str:
        place = self.places[index]
        return f"`{place.grade_id}`" if place.grade_id else f"number {index + 1}"

    def names(self, places: Iterable[Place]) -> str:
        """The names of released cells; of many, the first."""
        names = [self.name(place.index) for place in places]
        more = [f"and {len(names) - _NAMED} more"] if len(names) > _NAMED else []
        return ", ".join([*names[:_NAMED], *more])

    def missing(self) -> list[Place]:
        """Released cells that the submission has not."""
        return [place for place in self.places if place.index not in self._placed]

    def _put(self, piece: Piece, place: Place) -> None:
        """Say which released cell a piece is; an answer in code is code, whatever the cell was turned into."""
        piece.place = place.index
        self._placed[place.index] = piece
        if place.kind is Kind.SOLUTION:
            piece.kind, piece.text = "code", piece.code

    def _by_ids(self, cells: Sequence[SubmittedCell]) -> None:
        by_grade_id = {place.grade_id: place for place in self.places if place.grade_id}
        by_id = {place.id: place for place in self.places if place.id}
        claims: dict[int, list[Piece]] = defaultdict(list)
        bare = 0
        for piece, cell in zip(self.pieces, cells, strict=True):
            place = by_grade_id.get(cell.grade_id) or by_id.get(cell.id)
            if place is not None:
                claims[place.index].append(piece)
                bare += bool(place.grade_id and not cell.grade_id)
            elif cell.grade_id:
                self.notes.append(f"The cell {cell.grade_id[:60]} is none of this notebook: it ran as your own.")
        if bare:
            self.notes.append(f"{bare} cells lost the course's metadata: they were known by their ids.")
        for index, pieces in claims.items():
            self._choose(self.places[index], pieces)

    def _choose(self, place: Place, pieces: list[Piece]) -> None:
        """Of several copies of a cell the first that is answered counts; the others run as the student's own."""
        if place.is_answer:
            fits = (piece for piece in pieces if not place.is_unanswered(_answer_in(piece, place)))
        else:
            fits = (piece for piece in pieces if plain(piece.text) == plain(place.text))
        chosen = next(fits, pieces[0])
        if chosen.kind != place.cell_type:
            self.notes.append(f"The cell {self.name(place.index)} was turned into {chosen.kind}, and counts as before.")
        self._put(chosen, place)
        if len(pieces) > 1:
            counts = (
                "the first answer counts, and the others ran as cells of your own" if place.is_answer else "one counts"
            )
            self.notes.append(f"The cell {self.name(place.index)} is there {len(pieces)} times: {counts}.")
        for piece in pieces:
            if piece is not chosen:
                is_same = plain(piece.text) == plain(place.text)
                piece.is_dropped = is_same and (place.is_answer or place.kind is Kind.TEST)

    def _by_text(self) -> None:
        places: dict[str, list[Place]] = defaultdict(list)
        for place in self.missing():
            places[plain(place.text)].append(place)
        pieces: dict[str, list[Piece]] = defaultdict(list)
        for piece in self.pieces:
            if piece.is_own:
                pieces[plain(piece.code)].append(piece)
        count = 0
        for text, same in places.items():
            # As often in both: in the same order. Of more, the first. Else none is told from the others by its text.
            fits = pieces.get(text, [])
            if text and (len(fits) == len(same) or (len(fits) > len(same) and same[0].is_telling)):
                count += len(same)
                for piece, place in zip(fits, same, strict=False):
                    self._put(piece, place)
        if count:
            self.notes.append(f"{count} cells lost their ids: they were known by their text.")

    def _take_apart(self) -> None:
        """Cut cells at the given texts in them; take out of a given cell what was typed into it."""
        self._given: dict[str, list[Place]] = defaultdict(list)
        for known in self.places:
            if known.kind is Kind.SOLUTION or known.is_telling:
                self._given[plain(known.text)].append(known)
        cutter = Cutter(self._given)
        without_stubs = Cutter(text for text, same in self._given.items() if same[0].kind is not Kind.SOLUTION)
        edited: list[Place] = []
        pieces: list[Piece] = []
        for piece in self.pieces:
            own_place = self._place_of(piece)
            if piece.is_dropped or (own_place and plain(piece.text) == plain(own_place.text)):
                pieces.append(piece)
                continue
            cuts = _cuts(piece, cutter, without_stubs)
            parts = self._parts(piece, cuts) if len(cuts) > 1 else [piece]
            for part in parts:
                place = self._place_of(part)
                if place and not place.is_students and plain(part.text) != plain(place.text):
                    edited.append(place)
                    pieces += self._typed_into(place, part)
                else:
                    pieces.append(part)
        self.pieces = pieces
        if edited:
            self.notes.append(f"Given cells were edited, and count as released: {self.names(edited)}.")

    def _place_of(self, piece: Piece) -> Place | None:
        return None if piece.place is None else self.places[piece.place]

    def _parts(self, piece: Piece, cuts: list[tuple[bool, str]]) -> list[Piece]:
        """A cell that holds given texts as several: each is its released cell, or a copy of it and dropped."""
        place = self._place_of(piece)
        parts = [Piece(piece.kind, text) for _, text in cuts]
        own = [part for part, (is_given, _) in zip(parts, cuts, strict=True) if not is_given]
        if place:
            # Who keeps the cell's place: in a given cell its own text, in an answer's one an answer.
            same = [part for part in parts if not place.is_answer and part.text == plain(place.text)]
            answers = [part for part in own if not place.is_unanswered(part.text)] if place.is_answer else []
            self._put([*same, *answers, *own, *parts][0], place)
        for part, (is_given, text) in zip(parts, cuts, strict=True):
            if is_given and part.place is None:
                open_places = [other for other in self._given[text] if other.index not in self._placed]
                part.is_dropped = not open_places
                if open_places:
                    self._put(part, open_places[0])
        (own or parts)[0].attachments = piece.attachments
        if place and not place.is_students:
            self.changed.add(place.index)
            # Tests and figures use what was defined before them; prose goes on below.
            parts.sort(key=lambda part: piece.kind == "code" and part.place is not None)
        what = f"The cell {self.name(place.index)}" if place else "One of your cells"
        self.notes.append(f"{what} held several cells of this notebook: it was taken apart.")
        return parts

    def _typed_into(self, place: Place, piece: Piece) -> list[Piece]:
        """An edited given cell, and beside it what was typed into it."""
        text = added(place.text, plain(piece.text))
        if not text.strip() and not piece.attachments:
            return [piece]
        kind = "code" if piece.kind == "code" and is_code(text) else "markdown"
        own = Piece(kind, text if kind == piece.kind else f"```\n{text}\n```", piece.attachments)
        piece.attachments = {}
        self.changed.add(place.index)
        self.notes.append(f"The given cell {self.name(place.index)} was changed: what you typed into it was kept.")
        return [own, piece] if kind == "code" else [piece, own]

    def _note_order(self) -> None:
        order = [piece.place for piece in self.pieces if piece.place is not None]
        if order != sorted(order):
            self.notes.append("Cells were moved: they count in the order in which they were released.")

    def _is_open(self, place: Place) -> bool:
        """Whether a question's own cell gives no answer."""
        piece = self._placed.get(place.index)
        return piece is None or place.is_unanswered(piece.text)

    def _by_order(self) -> None:
        """Give an answer that is missing, or as released, what stands between the known cells around it."""
        self._has_own_text = any(piece.is_own and piece.kind != "code" and piece.text.strip() for piece in self.pieces)
        for place in self.answers():
            if not self._is_open(place):
                continue
            begin, end = self._gap(place)
            between = [own for own in self.pieces[begin:end] if own.is_own and own.text.strip()]
            if place.kind is Kind.SOLUTION:
                fits = [own for own in between if self._may_define(place, own)]
                if fits:
                    self._answer(place, fits[-1:])
                continue
            texts = [own for own in between if own.kind != "code" and self._is_prose(own)]
            rivals = [other for other in self.answers() if other.kind is Kind.WRITTEN and other is not place]
            if texts and not any(self._is_open(rival) and _overlap(self._gap(rival), (begin, end)) for rival in rivals):
                self._answer(place, texts)

    def _answer(self, place: Place, pieces: list[Piece]) -> None:
        stub = self._placed.get(place.index)
        if stub is not None:
            stub.place, stub.is_dropped = None, place.is_blank(stub.text)
        first = pieces[0]
        self._put(first, place)
        for other in pieces[1:]:
            first.text = f"{first.text}\n\n{other.text}"
            first.attachments |= other.attachments
            other.is_dropped = True
        self.changed.add(place.index)
        self.notes.append(f"We found your answer to {self.name(place.index)} in a cell of your own.")

    def _may_define(self, place: Place, piece: Piece) -> bool:
        """Whether a piece defines a question's name, and not as its stub does."""
        code = piece.code
        return place.grade_id in code and not place.is_unanswered(code)

    def _is_prose(self, piece: Piece) -> bool:
        return not any(self._may_define(place, piece) for place in self.answers() if place.kind is Kind.SOLUTION)

    def _gap(self, place: Place) -> tuple[int, int]:
        """Where an answer may stand: the pieces around its own cell, or between the known cells next to it."""
        known = {piece.place: number for number, piece in enumerate(self.pieces) if piece.place is not None}
        at = known.pop(place.index, None)
        if at is not None:
            before = [number for number in known.values() if number < at]
            behind = [number for number in known.values() if number > at]
            return max(before, default=-1) + 1, min(behind, default=len(self.pieces))
        if not known:
            return 0, 0
        last = max((index for index in known if index < place.index), default=None)
        following = min((index for index in known if index > place.index), default=None)
        return 0 if last is None else known[last] + 1, len(self.pieces) if following is None else known[following]

    def _by_name(self) -> None:
        """Where an answer is missing or as released, a cell that defines the name takes its part, where it stands."""
        questions = {place.grade_id: place for place in self.answers() if place.kind is Kind.SOLUTION}
        defining = self._defining(questions)
        for name, place in questions.items():
            piece = self._placed.get(place.index)
            others = [other for other in defining[name] if other is not piece]
            fits = [other for other in others if not place.is_blank(other.code)]
            if self._is_open(place) and fits:
                self.elsewhere[place.index] = fits[-1]
                self.changed.add(place.index)
                for own in fits:
                    if own.place is None:
                        own.kind, own.text = "code", own.code
                self.notes.append(f"We found your answer to {self.name(place.index)} in a cell of your own.")
            for copy in others:
                # A copy of the stub would undo the answer.
                copy.is_dropped |= copy.place is None and copy not in fits and len(names_defined(copy.code)) == 1

    def _defining(self, questions: Iterable[str]) -> dict[str, list[Piece]]:
        """The pieces that define each question's name, as far as much code is searched."""
        mentioned = re.compile(r"\b(?:" + "|".join(map(re.escape, questions)) + r")\b")
        defining: dict[str, list[Piece]] = defaultdict(list)
        left = _MAX_SEARCHED
        for piece in self.pieces:
            place = self._place_of(piece)
            is_given = place is not None and not place.is_students
            if piece.is_dropped or is_given or not mentioned.search(piece.text):
                continue
            left -= len(piece.text)
            if left < 0:
                break
            for name in names_defined(piece.code):
                defining[name].append(piece)
        return defining

    def may_answer(self, place: Place) -> bool:
        """Whether a written answer that is blank may stand elsewhere.

        Its cell or its prompt is not the one handed out, there is a text of the student's own, or something that is no
        code was typed into a cell near it.
        """
        prompt = next((one for one in reversed(self.places[: place.index]) if not one.is_students), None)
        around = {place.index} | ({prompt.index} if prompt else set())
        if around - self.found or around & self.changed or self._has_own_text:
            return True
        begin, end = self._gap(place)
        near = self.pieces[begin : min(end, begin + _NEAR)]
        return any(piece.is_own and piece.text.strip() and not is_code(piece.text) for piece in near)


def _cuts(piece: Piece, cutter: Cutter, without_stubs: Cutter) -> list[tuple[bool, str]]:
    """The parts of a piece; code is cut between statements only, unless it is none anyway."""
    if piece.kind != "code":
        return without_stubs.cut(piece.text)
    is_python = parsed(piece.text) is not None
    for one in [cutter, without_stubs] if is_python else [without_stubs]:
        cuts = one.cut(piece.text)
        if len(cuts) <= 1 or not is_python or all(is_given or parsed(text) is not None for is_given, text in cuts):
            return cuts
    return []


def _answer_in(piece: Piece, place: Place) -> str:
    return piece.code if place.kind is Kind.SOLUTION else piece.text


def _overlap(one: tuple[int, int], other: tuple[int, int]) -> bool:
    return one[0] < other[1] and other[0] < one[1]


def _grade_id(cell: NotebookNode) -> str:
    return str(nbgrader_metadata(cell).get("grade_id", ""))
