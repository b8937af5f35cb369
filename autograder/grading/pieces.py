"""The two sides of matching: released cells, and submitted ones or their parts."""

from dataclasses import dataclass, field

from autograder.assignment.notebook import Kind
from autograder.grading.cell_text import is_stub, names_defined, plain, unfenced

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
    def is_telling(self) -> bool:
        """Whether it is given, and its text long enough to stand nowhere by chance."""
        return not self.is_answer and len(self.text) >= _TELLING

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
