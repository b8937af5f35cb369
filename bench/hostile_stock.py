"""The hostile corpus against nbgrader and otter-grader as they come: how many attacks succeed there.

Each case runs in namespaces of its own (Linux, as root), with 12 GiB of addresses, and on a copy of the host's files
that is thrown away: writing lands in an overlay in memory. So nothing of the host is at risk; nothing else keeps the
student's code from the grader, as in the frameworks' own settings.
A case succeeds when it gains points for a wrong answer (if it is for that), shows the secret, leaves files or processes
behind, or (one that breaks or exhausts) costs right answers their points.

    python bench/hostile_stock.py [--framework nbgrader] [--group forge ...] [--case NAME ...] [--write]
"""

import json
import os
import re
import secrets
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from nbgrader.api import Gradebook
from results import HELPERS, HW4, ROOT, arguments, publish, table

sys.path[:0] = HELPERS

import hostile  # noqa: E402

from autograder.assignment.notebook import TEST_PREFIX  # noqa: E402
from autograder.authoring.otter_zip import build_zip  # noqa: E402
from autograder.authoring.release import build_release  # noqa: E402

FRAMEWORKS = ("nbgrader", "otter")
_SECONDS = 120.0
_STUDENT = "student"
# $1 is the case's folder, which alone is the host's own, $2 where in it the command runs.
_CONFINED = """
ip link set lo up 2> /dev/null
mount -t tmpfs -o size=4G none /tmp
mkdir /tmp/written /tmp/overlay /tmp/root
mount -t overlay -o lowerdir=/,upperdir=/tmp/written,workdir=/tmp/overlay none /tmp/root
mount -t proc proc /tmp/root/proc
mount --rbind /dev /tmp/root/dev
mount -t tmpfs -o size=2G none /tmp/root/tmp
mount --bind "$1" "/tmp/root$1"
ulimit -v 12582912
chroot /tmp/root sh -c '
    cd "$2"; shift 2
    "$@" < /dev/null > output.txt 2>&1
    echo $? > code.txt
    ls -d /proc/[0-9]* | wc -l > processes.txt' sh "$@"
cd /tmp/written
find . -type f > "$2/written.txt"
"""
# Counted when the command has ended: whoever is there besides both shells, `ls` and `wc` was left behind.
_OWN_PROCESSES = 4
# As they are written in JSON.
_COLOURS = re.compile(r"\\u001b\[[0-9;]*m")
# What the frameworks, Jupyter and Python write themselves.
_USUAL = re.compile(r"/(__pycache__|\.ipython|\.jupyter|\.local/share/jupyter|\.cache|\.config)/")


@dataclass(frozen=True)
class Attacked:
    """What came of a case: its scores (empty: none), what it shows, and the processes and files that it left."""

    points: dict[str, float]
    shown: str
    processes: int
    files: list[str]


def main() -> None:
    """Run, and print or write the table."""
    parser = arguments(__doc__)
    parser.add_argument("--framework", choices=FRAMEWORKS, action="append")
    parser.add_argument("--group", action="append")
    parser.add_argument("--case", action="append")
    options = parser.parse_args()
    cases = [case for case in hostile.read_cases() if "unreadable" not in case.plan and not case.plan.get("slow")]
    chosen = [
        case
        for case in cases
        if (not options.case or case.name in options.case) and (not options.group or case.group in options.group)
    ]
    frameworks = options.framework or FRAMEWORKS
    with tempfile.TemporaryDirectory(prefix="hostile-", dir="/var/tmp") as folder:  # the cases have a /tmp of their own
        world = World(Path(folder))

        def attack(framework: str) -> dict[str, list[str]]:
            return {case.name: world.attack(case, framework) for case in chosen}

        with ThreadPoolExecutor(len(frameworks)) as pool:  # the work is done in processes
            found = dict(zip(frameworks, pool.map(attack, frameworks), strict=True))
    publish("The hostile corpus", _report(chosen, found), options.write)


class World:
    """The course under attack, with its secret, as the stock frameworks see it."""

    def __init__(self, folder: Path) -> None:
        self._canary = f"canary{secrets.token_hex(12)}"
        self._folder, root = folder, folder / "course"
        self._assignment, self._notebook = hostile.make_course(root, self._canary)
        for path in (HW4.nbgrader_config, HW4.environment):
            shutil.copy(path, root)
        shutil.copy(HW4.source / "requirements.txt", self._assignment.source)
        self._course = folder / "nbgrader"
        self._course.mkdir()
        build_release(self._assignment, self._assignment.notebooks(), self._course)
        (self._course / "nbgrader_config.py").write_text('c = get_config()\nc.CourseDirectory.course_id = "eecs182"\n')
        built = build_zip(self._assignment, self._notebook, folder / "zip")
        self._zip = _without_plugins(built, folder / "stock.zip")

    def attack(self, case: hostile.Case, framework: str) -> list[str]:
        """In what the case succeeds: a list of sentences, empty when in nothing."""
        with tempfile.TemporaryDirectory(dir=self._folder) as work:
            drop = Path(work) / "drop"
            drop.mkdir()
            places = {
                "COURSE": str(self._assignment.root),
                "DROP": str(drop),
                "GRADER": "1",
                "VICTIM": "1",
                "PORT": "9",
            }
            places |= {"SOCKET": "/nowhere", "ABSTRACT": "nowhere"}
            path = Path(work) / "work" / f"{hostile.NAME}.ipynb"
            path.parent.mkdir()
            hostile.write_submission(case, self._notebook, path, places)
            outcome = getattr(self, f"_{framework}")(Path(work), path.parent)
            dropped = [entry for entry in drop.rglob("*") if entry.is_file()]
            return self._judged(case, outcome, dropped)

    def _judged(self, case: hostile.Case, outcome: Attacked, dropped: list[Path]) -> list[str]:
        expected = case.plan.get("verdicts", {})
        full = {question.name: question.points for question in self._notebook.questions}
        gained = [name for name in expected if case.group == "forge" and outcome.points.get(name, 0.0) >= full[name]]
        # A failed hidden test shows its own lines, in colours, which is the frameworks' choice, and no attack.
        shown = re.sub(f"_secret.{{0,80}}?{self._canary}", "", _COLOURS.sub("", outcome.shown))
        everything = shown + "".join(path.read_text(errors="replace") for path in dropped)
        lost = [name for name in full if name not in expected and outcome.points.get(name, 0.0) < full[name]]
        marks = {
            "points for a wrong answer": bool(gained),
            "read the secret": self._canary in everything,
            "files left behind": bool(dropped or outcome.files),
            "processes left behind": outcome.processes > 0,
            "right answers without their points": bool(lost) and case.group in ("broken", "exhaust"),
        }
        return [name for name, holds in marks.items() if holds]

    def _nbgrader(self, work: Path, handed_in: Path) -> Attacked:
        course = work / "nbgrader"
        shutil.copytree(self._course, course)
        submitted = course / "submitted" / _STUDENT / self._assignment.name
        shutil.copytree(handed_in, submitted, symlinks=True)
        code, *left = self._confined(work, course, ["nbgrader", "autograde", self._assignment.name])
        graded = course / "autograded" / _STUDENT / self._assignment.name / f"{hostile.NAME}.ipynb"
        points = self._nbgrader_points(course) if code == 0 and graded.is_file() else {}
        return Attacked(points, _outputs(graded) if graded.is_file() else "", *left)

    def _nbgrader_points(self, course: Path) -> dict[str, float]:
        with Gradebook(f"sqlite:///{course / 'gradebook.db'}", self._assignment.course_id) as gradebook:
            graded = gradebook.find_submission_notebook(hostile.NAME, self._assignment.name, _STUDENT)
            return {grade.name.removeprefix(TEST_PREFIX): float(grade.auto_score or 0.0) for grade in graded.grades}

    def _otter(self, work: Path, handed_in: Path) -> Attacked:
        archive = shutil.make_archive(str(work / "submission"), "zip", handed_in)
        folder = work / "otter"
        folder.mkdir()
        arguments = ["otter", "run", "-a", str(self._zip), "-o", str(folder), "--no-logo", archive]
        code, *left = self._confined(work, folder, arguments)
        results = folder / "results.json"
        points = _otter_points(results) if code == 0 else {}
        return Attacked(points, results.read_text(errors="replace") if results.is_file() else "", *left)

    def _confined(self, work: Path, folder: Path, arguments: list[str]) -> tuple[int, int, list[str]]:
        """Run a module: its exit code (-1: out of time), and the processes and files that it left."""
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
        environment = {**os.environ, "PATH": path, "PYTHONPATH": f"{self._assignment.root}{os.pathsep}{ROOT}"}
        namespaces = ["unshare", "--mount", "--pid", "--net", "--ipc", "--fork", "--kill-child"]
        shell = ["sh", "-c", _CONFINED, "sh", str(work), str(folder)]
        command = [*namespaces, *shell, sys.executable, "-m", *arguments]
        try:
            subprocess.run(command, env=environment, timeout=_SECONDS, check=False, stderr=subprocess.DEVNULL)
        except subprocess.TimeoutExpired:
            return -1, 0, []
        code, processes, written = (folder / f"{name}.txt" for name in ("code", "processes", "written"))
        if not written.is_file() or not processes.read_text().strip():
            return -1, 0, []
        files = [name for name in written.read_text().splitlines() if not _USUAL.search(name)]
        return int(code.read_text()), int(processes.read_text()) - _OWN_PROCESSES, files


def _otter_points(results: Path) -> dict[str, float]:
    tests = json.loads(results.read_text())["tests"] if results.is_file() else []
    return {test["name"].removeprefix(TEST_PREFIX): float(test["score"]) for test in tests if "max_score" in test}


def _outputs(path: Path) -> str:
    cells = json.loads(path.read_text(errors="replace"))["cells"]
    return json.dumps([cell.get("outputs") for cell in cells])


def _without_plugins(built: Path, target: Path) -> Path:
    """The zip as otter makes it, with nothing of ours that would grade."""
    with zipfile.ZipFile(built) as old, zipfile.ZipFile(target, "w") as new:
        for name in old.namelist():
            data = old.read(name)
            if name == "otter_config.json":
                settings = json.loads(data)
                settings.pop("plugins", None)
                data = json.dumps(settings).encode()
            new.writestr(name, data)
    return target


def _report(cases: list[hostile.Case], found: dict[str, dict[str, list[str]]]) -> str:
    """How many cases of each group succeed against each framework, in what, and which."""
    groups = sorted({case.group for case in cases})
    rows = []
    for group in groups:
        members = [case.name for case in cases if case.group == group]
        hits = [sum(bool(marks[name]) for name in members) for marks in found.values()]
        rows.append([group, f"{len(members)}", *map(str, hits), "0"])
    frameworks = [f"stock {name}" for name in found]
    lines = [
        "Cases of `tests/tools/hostile` that succeed. The engine's column is what `tests/tools/test_hostile.py`",
        "asserts for all.",
        "",
    ]
    lines.append(table(["group", "cases", *frameworks, "engine"], rows))
    for name, marks in found.items():
        counts = Counter(mark for each in marks.values() for mark in each)
        lines.append(f"Stock {name}: {', '.join(f'{mark} {count}' for mark, count in counts.most_common())}.")
        lines.append("")
        lines += [f"- {case.group}, {case.name}: {'; '.join(marks[case.name])}" for case in cases if marks[case.name]]
        lines.append("")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
