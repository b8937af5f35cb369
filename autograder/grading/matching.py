"""Finds out which submitted cell answers which question, and which cell is which released one.

In this order: by grade id; by cell id; by the same text; by the place between cells that are known; and last, for an
answer that is missing or still as released, a cell that defines the question's name, wherever it stands.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from nbformat import NotebookNode

from autograder.assignment.notebook import Kind, kind_of, nbgrader_metadata
from autograder.grading.cell_text import added, is_code, is_stub, names_defined, plain, unfenced, without
from autograder.grading.intake import SubmittedCell

# Shorter texts may stand anywhere by chance.
_TELLING = 40


@dataclass(frozen=True)
class Place:
    """A released cell, which a submitted one may be."""

    index: int
    kind: Kind
    cell_type: str
    grade_id: str
    id: str
    text: str

    @property
    def is_answer(self) -> bool:
        return self.kind in (Kind.SOLUTION, Kind.WRITTEN)

    @property
    def is_students(self) -> bool:
        """Whether the student's text of this cell counts: answers, and given scratch cells."""
        return self.is_answer or (self.kind is Kind.PLAIN and self.cell_type == "code")

    def is_blank(self, text: str) -> bool:
        """Whether a text says no more than what was handed out."""
        return plain(text) in ("", plain(self.text)) or (
            self.kind is Kind.SOLUTION and is_stub(text, self.text, self.grade_id)
        )

    def is_unanswered(self, text: str) -> bool:
        """Whether a text is no answer: blank, or code that does not define the question's name."""
        return self.is_blank(text) or (self.kind is Kind.SOLUTION and self.grade_id not in names_defined(text))


@dataclass
class Piece:
    """A submitted cell, or a part of one, on its way.

    ``place`` is the index of the released cell that it is, None for a cell of the student's own.
    """

    kind: str
    text: str
    attachments: dict[str, dict[str, str]] = field(default_factory=dict)
    place: int | None = None
    is_dropped: bool = False

    @property
    def is_own(self) -> bool:
        return self.place is None and not self.is_dropped

    @property
    def code(self) -> str:
        """What of it can run."""
        return self.text if self.kind == "code" else unfenced(self.text)


class Matching:
    """What became of each submitted cell.

    ``pieces`` are in the submission's order. Of released cells, by index: ``found`` are those known by their ids,
    ``changed`` those into or around which something was written, ``elsewhere`` gives the piece that answers a question
    whose own cell does not.
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
        self._by_ids(cells)
        self.found.update(self._placed())
        self._by_text()
        self._take_apart()
        self._by_order()
        self._by_name()

    def answers(self) -> list[Place]:
        return [place for place in self.places if place.is_answer]

    def recognized(self) -> int:
        """How many questions have an answer cell, tests or an answer in the submission."""
        placed = self._placed()
        tests = {self.places[index].grade_id for index in placed}
        return sum(
            place.index in placed or place.index in self.elsewhere or f"test_{place.grade_id}" in tests
            for place in self.answers()
        )

    def piece_at(self, index: int) -> Piece | None:
        return next((piece for piece in self.pieces if piece.place == index), None)

    def name(self, index: int) -> str:
        place = self.places[index]
        return f"`{place.grade_id}`" if place.grade_id else f"number {index + 1}"

    def missing(self) -> list[Place]:
        """Released cells with a name that the submission has not."""
        return [place for place in self._open() if place.grade_id]

    def _placed(self) -> set[int]:
        return {piece.place for piece in self.pieces if piece.place is not None}

    def _open(self) -> list[Place]:
        placed = self._placed()
        return [place for place in self.places if place.index not in placed]

    def _by_ids(self, cells: Sequence[SubmittedCell]) -> None:
        by_grade_id = {place.grade_id: place.index for place in self.places if place.grade_id}
        by_id = {place.id: place.index for place in self.places if place.id}
        claims: dict[int, list[Piece]] = {}
        bare = 0
        for piece, cell in zip(self.pieces, cells, strict=True):
            place = by_grade_id.get(cell.grade_id) if cell.grade_id else by_id.get(cell.id)
            if place is None and cell.grade_id:
                place = by_id.get(cell.id)
                if place is None:
                    self.notes.append(f"The cell {cell.grade_id[:60]} is none of this notebook: it ran as your own.")
            if place is not None:
                claims.setdefault(place, []).append(piece)
                bare += bool(self.places[place].grade_id and not cell.grade_id)
        if bare:
            self.notes.append(f"{bare} cells lost the course's metadata: they were known by their ids.")
        for index, pieces in claims.items():
            self._choose(self.places[index], pieces)

    def _choose(self, place: Place, pieces: list[Piece]) -> None:
        """Of several copies of a cell the first that is answered counts; the others run as the student's own."""
        if place.is_answer:
            chosen = next((piece for piece in pieces if not place.is_unanswered(piece.text)), pieces[0])
        else:
            chosen = next((piece for piece in pieces if plain(piece.text) == plain(place.text)), pieces[0])
        chosen.place = place.index
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
        places: dict[str, list[Place]] = {}
        for place in self._open():
            places.setdefault(plain(place.text), []).append(place)
        pieces: dict[str, list[Piece]] = {}
        for piece in self.pieces:
            if piece.is_own:
                pieces.setdefault(plain(piece.code), []).append(piece)
        known = len(self._placed())
        for text, same in places.items():
            # As often in both: in the same order. Else none is told from the others (by their order, perhaps).
            if text and len(pieces.get(text, [])) == len(same):
                for piece, place in zip(pieces[text], same, strict=True):
                    piece.place = place.index
        for place in self._open():
            if not place.is_answer and len(place.text) >= _TELLING:
                # A cell that holds several given ones becomes the first of them; the rest of it is looked at below.
                holds = (own for text, same in pieces.items() if plain(place.text) in text for own in same)
                if holder := next((own for own in holds if own.is_own), None):
                    holder.place = place.index
        if count := len(self._placed()) - known:
            self.notes.append(f"{count} cells lost their ids: they were known by their text.")

    def _take_apart(self) -> None:
        """Take out of a cell what belongs to others: text typed into given cells, given cells merged into answers."""
        given = [plain(place.text) for place in self._open() if not place.is_answer and len(place.text) >= _TELLING]
        self.pieces = [part for piece in self.pieces for part in self._parts(piece, given)]

    def _parts(self, piece: Piece, given: list[str]) -> list[Piece]:
        place = self.places[piece.place] if piece.place is not None else None
        text = plain(piece.text)
        if place is None or text == plain(place.text):
            return [piece]
        if not place.is_students:
            text = added(place.text, text)
        for other in given:
            text = without(text, other)
        if place.is_students:
            piece.text = piece.text if text == plain(piece.text) else text
            return [piece]
        if not text.strip() and not piece.attachments:
            return [piece]
        kind = "code" if piece.kind == "code" and is_code(text) else "markdown"
        own = Piece(kind, text if kind == piece.kind else f"```\n{text}\n```", piece.attachments)
        piece.attachments = {}
        self.changed.add(place.index)
        self.notes.append(f"The given cell {self.name(place.index)} was changed: what you typed into it was kept.")
        # Tests and figures use what was defined before them; prose goes on below.
        return [own, piece] if kind == "code" else [piece, own]

    def _by_order(self) -> None:
        """Give an answer that is missing, or as released, what stands between the known cells around it."""
        for place in self.answers():
            piece = self.piece_at(place.index)
            if piece is not None and not place.is_unanswered(piece.text):
                continue
            between = self._between(place.index)
            if place.kind is Kind.SOLUTION:
                fits = [own for own in between if place.grade_id in names_defined(own.code)]
                if fits:
                    self._answer(place, piece, fits[-1:])
            else:
                texts = [own for own in between if own.kind != "code" and self._is_prose(own)]
                rivals = [other for other in self._open() if other.kind is Kind.WRITTEN and other is not place]
                if texts and not any(self._between(other.index) == between for other in rivals):
                    self._answer(place, piece, texts)

    def _answer(self, place: Place, stub: Piece | None, pieces: list[Piece]) -> None:
        if stub is not None:
            stub.place, stub.is_dropped = None, place.is_blank(stub.text)
        first = pieces[0]
        first.place = place.index
        if place.kind is Kind.SOLUTION:
            first.text = first.code
        for other in pieces[1:]:
            first.text = f"{first.text}\n\n{other.text}"
            first.attachments |= other.attachments
            other.is_dropped = True
        self.changed.add(place.index)
        self.notes.append(f"We found your answer to {self.name(place.index)} in a cell of your own.")

    def _is_prose(self, piece: Piece) -> bool:
        wanted = {place.grade_id for place in self.answers() if place.kind is Kind.SOLUTION}
        return not wanted & names_defined(piece.code)

    def _between(self, index: int) -> list[Piece]:
        """The student's own pieces between the known cells that are next to a released cell."""
        known = {piece.place: number for number, piece in enumerate(self.pieces) if piece.place not in (None, index)}
        before = [known[place] for place in range(index) if place in known]
        behind = [known[place] for place in range(index + 1, len(self.places)) if place in known]
        start = before[-1] + 1 if before else 0
        end = behind[0] if behind else len(self.pieces)
        if not before and not behind:
            return []
        return [piece for piece in self.pieces[start:end] if piece.is_own and piece.text.strip()]

    def _by_name(self) -> None:
        """Where an answer is missing or as released, a cell that defines the name takes its part, where it stands."""
        for place in self.answers():
            piece = self.piece_at(place.index)
            if place.kind is not Kind.SOLUTION or (piece is not None and not place.is_unanswered(piece.text)):
                continue
            fits = [
                other
                for other in self.pieces
                if not other.is_dropped and other is not piece and place.grade_id in names_defined(other.code)
                if other.place is None or self.places[other.place].is_students
            ]
            if fits:
                self.elsewhere[place.index] = fits[-1]
                self.changed.add(place.index)
                for own in fits:
                    if own.place is None:
                        own.kind, own.text = "code", own.code
                self.notes.append(f"We found your answer to {self.name(place.index)} in a cell of your own.")


def _grade_id(cell: NotebookNode) -> str:
    return str(nbgrader_metadata(cell).get("grade_id", ""))
