"""What instructors download, read as one sort of thing: uploads, each what one student handed in at one time.

Known are nbgrader's ``submitted/`` folder, a Gradescope export (a folder or zip with ``submission_metadata.yml``), a
Canvas zip, and a plain folder or zip with a folder, zip or notebook per student.
"""

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any

import yaml
from nbgrader.utils import parse_utc

from autograder.adapters import TIMESTAMP
from autograder.course.archives import MAX_BYTES, MAX_DEPTH, ArchiveError, File, Report, folder_files, zip_files
from autograder.course.submissions import parse_moment
from autograder.errors import CourseError

_METADATA = "submission_metadata.yml"
_MAX_FILES = 1_000_000  # of a whole class
# Canvas: name, then LATE where it was, the student's number, the upload's number, the file's name.
_CANVAS = re.compile(r"(?P<name>[^_]+)_(?:LATE_)?(?P<user>\d+)_\d+_(?P<file>.+)")
_STUDENT = re.compile(r"[\w@+-](?:[\w .@+'-]{0,98}[\w@+'-])?")
_JUNK = ("__MACOSX", ".DS_Store", "Thumbs.db", ".ipynb_checkpoints")


@dataclass(frozen=True)
class Upload:
    """What one student handed in at one time; ``moment`` is in UTC, ``label`` says where it was found."""

    student: str
    moment: datetime
    label: str
    files: tuple[File, ...]


def read_source(
    source: Path, assignment: str, notebooks: Iterable[str], report: Report, elsewhere: Collection[str] = ()
) -> list[Upload]:
    """All uploads of a source, oldest first; ``report`` is told, a sentence each, what could not be placed.

    ``elsewhere`` are the course's other assignments: what lies in folders of these names is left alone. Nothing but a
    Gradescope export's list and time stamps is read yet. ``notebooks`` are the names that files may have
    behind a student's. Raises ``CourseError`` when there is nothing like submissions in the source.
    """
    files = list(_all_files(source, report))
    if not files:
        raise CourseError(f"{source} holds no files: name a folder or zip with submissions.")
    if metadata := next((file for file in files if file.path.name == _METADATA), None):
        uploads = _gradescope(files, metadata, report)
    elif 2 * sum(map(_is_canvas, files)) > len(files):
        uploads = _canvas(files, report)
    else:
        if source.is_file():
            files = _without_wrapper(files, assignment)
        uploads = _plain(files, assignment, [*notebooks, assignment, "submission"], elsewhere)
    valid = []
    for upload in uploads:
        if _STUDENT.fullmatch(upload.student):
            valid.append(upload)
        else:
            report(f"{upload.label}: {upload.student!r} cannot be a student's name here: refused.")
    return sorted(valid, key=lambda upload: (upload.moment, upload.student, upload.label))


def _all_files(source: Path, report: Report) -> Iterator[File]:
    files = folder_files(source, report) if source.is_dir() else zip_files(source, report, _MAX_FILES)
    try:
        yield from (file for file in files if not _is_junk(file))
    except ArchiveError as error:
        raise CourseError(f"{source} {error}.") from None


def _gradescope(files: list[File], metadata: File, report: Report) -> Iterator[Upload]:
    """One upload for each submitter of each submission; a group's work goes to all of its members."""
    root = metadata.path.parent
    beside = [file for file in files if file is not metadata and file.path.is_relative_to(root)]
    folders = _by_first_part(_below(beside, len(root.parts)))
    for name, details in _read_metadata(metadata).items():
        inside = folders.pop(name, [])
        submitters = details.get(":submitters") or []
        if not inside or not submitters:
            report(f"{name}: {_METADATA} names no student for it, or there are no files.")
        for submitter in submitters if inside else []:
            student = str(submitter.get(":sid") or submitter.get(":email") or "").strip()
            moment = _moment(details.get(":created_at"), inside)
            yield Upload(student, moment, name, tuple(_below(inside, 1)))
    for name in sorted(folders):
        report(f"{name}: {_METADATA} does not know it.")


def _read_metadata(file: File) -> dict[str, dict[str, Any]]:
    try:
        data = yaml.safe_load(file.read())
        return {str(name): details for name, details in data.items() if isinstance(details, dict)}
    except (yaml.YAMLError, AttributeError, ValueError, ArchiveError) as error:
        raise CourseError(f"{file.path} cannot be read: {error}".splitlines()[0]) from None


def _is_canvas(file: File) -> bool:
    return len(file.path.parts) == 1 and _CANVAS.fullmatch(file.path.name) is not None


def _canvas(files: list[File], report: Report) -> Iterator[Upload]:
    """One upload for each student's files, which came together; Canvas keeps the time of each in the zip."""
    students: dict[str, list[File]] = {}
    for file in files:
        found = _CANVAS.fullmatch(file.path.name)
        if found is None or not _is_canvas(file):
            report(f"{file.path} has no name that Canvas gives to a file that was uploaded: left out.")
        else:
            students.setdefault(f"{found['name']}_{found['user']}", []).append(file)
    for student, own in students.items():
        inner = [replace(file, path=_canvas_path(file)) for file in own]
        label = student if own[1:] else str(own[0].path)
        yield Upload(student, max(file.modified for file in own), label, tuple(inner))


def _canvas_path(file: File) -> PurePosixPath:
    """The file's own name. Canvas adds a number when a file is uploaded again, with which no module can be imported."""
    found = _CANVAS.fullmatch(file.path.name)
    name = found["file"] if found else file.path.name
    return PurePosixPath(re.sub(r"-\d+\.py$", ".py", name))


def _plain(files: list[File], assignment: str, endings: list[str], elsewhere: Collection[str]) -> Iterator[Upload]:
    """A folder per student, nbgrader's with one per assignment in it; or a zip or notebook per student."""
    for name, inside in _by_first_part(files).items():
        if inside[0].path.parts[1:]:
            mine = [file for file in _below(inside, 1) if file.path.parts[0] == assignment]
            others = [file for file in _below(inside, 1) if file.path.parts[0] not in elsewhere]
            kept = _below(mine, 1) if mine else others
            if not kept:
                continue  # the student submitted other assignments only
            stamp = next((file for file in kept if file.path.name == TIMESTAMP), None)
            yield Upload(name, _moment(stamp and _text(stamp), kept), name, tuple(kept))
        else:
            file = inside[0]
            student = _without_endings(file.path.stem, endings)
            own_name = file.path.name[len(student) :].lstrip("_- ")
            path = PurePosixPath(own_name if own_name != file.path.suffix else file.path.name)
            yield Upload(student, file.modified, name, (replace(file, path=path),))


def _text(file: File) -> str:
    """A small file's text; empty when it cannot be read."""
    try:
        return file.read().decode(errors="replace")
    except (ArchiveError, OSError):
        return ""


def _without_endings(stem: str, endings: list[str]) -> str:
    """The student in ``ann_HandDesignFilters_submission``; all of it when no known name follows."""
    pattern = "|".join(re.escape(ending) for ending in endings)
    return re.sub(rf"(?:(?:^|[_ -])(?:{pattern}))+$", "", stem, flags=re.IGNORECASE)


def _without_wrapper(files: list[File], assignment: str) -> list[File]:
    """Leave out a folder that holds all students', as the zip of a whole folder has it."""
    tops, seconds = {file.path.parts[0] for file in files}, {file.path.parts[1:2] for file in files}
    is_wrapper = len(tops) == 1 and seconds != {(assignment,)} and all(len(file.path.parts) > 2 for file in files)
    return _below(files, 1) if is_wrapper else files


def _by_first_part(files: Iterable[File]) -> dict[str, list[File]]:
    found: dict[str, list[File]] = {}
    for file in files:
        found.setdefault(file.path.parts[0], []).append(file)
    return found


def _below(files: Iterable[File], parts: int) -> list[File]:
    """The files with so many leading folders of their paths left out; those that have fewer stay away."""
    return [
        replace(file, path=PurePosixPath(*file.path.parts[parts:])) for file in files if len(file.path.parts) > parts
    ]


def _moment(stamp: Any, files: list[File]) -> datetime:
    """A time stamp in UTC, or when the newest file was changed."""
    moment = parse_moment(stamp.strip()) if isinstance(stamp, str) else None
    if isinstance(stamp, datetime):
        moment = parse_utc(stamp)
    if moment:
        return moment.replace(tzinfo=UTC)
    return max(file.modified for file in files)


def unzipped(upload: Upload, report: Report) -> Iterator[File]:
    """An upload's files with its zips opened, up to the limits for one submission; the others are reported."""
    yield from (file for file in _Opener(upload.label, report).opened(upload.files) if not _is_junk(file))


class _Opener:
    """Opens the zips of one upload; what they become together is limited."""

    def __init__(self, label: str, report: Report) -> None:
        self._label, self._report, self._left = label, report, MAX_BYTES

    def opened(self, files: Iterable[File], depth: int = 0) -> Iterator[File]:
        for file in files:
            if not file.is_zip:
                yield file
                continue
            try:
                yield from self.opened(list(self._members(file, depth)), depth + 1)
            except ArchiveError as error:
                self._report(f"{self._label}: {file.path} {error}: refused.")

    def _members(self, file: File, depth: int) -> Iterator[File]:
        if depth == MAX_DEPTH:
            raise ArchiveError(f"lies more than {MAX_DEPTH} zips deep")
        for member in zip_files(file.read(), lambda text: self._report(f"{self._label}, {file.path}: {text}")):
            data = member.read()
            self._left -= len(data)
            if self._left < 0:
                raise ArchiveError(f"becomes larger than {MAX_BYTES >> 20} MB")
            yield replace(member, path=file.path.parent / member.path, read=partial(bytes, data), archive=file.path)


def _is_junk(file: File) -> bool:
    """What operating systems and editors leave in folders and zips."""
    return any(part in _JUNK for part in file.path.parts)
