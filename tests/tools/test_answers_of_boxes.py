"""What student processes answer is data of exact types; and what Python finds in a box, wherever this package lies."""

import shutil
import subprocess
import sys
import sysconfig
import tracemalloc
import venv
from pathlib import Path

import numpy as np
import pytest
from places import ROOT

from autograder.grading.protocol import CELL_ANSWER, FORK_ENDED
from autograder.schema import DecodeError

_TRY = """
from pathlib import Path
from autograder.sandbox.box import Box, Zygote
from autograder.sandbox.limits import Limits, Policy
from autograder.sandbox.messages import Message
zygote = Zygote("autograder.sandbox.probe")
files = Path({files!r})
with Box(zygote, files, Policy(Limits())) as box:
    for name in ("lonely", "autograder.grading.questions"):
        box.channel.send(Message(f"import importlib; importlib.import_module({{name!r}}); print('found')".encode()))
        print(name, bytes(box.channel.receive().skeleton).decode().strip() or "nothing")
zygote.close()
"""


def test_an_honest_answer_comes_through():
    answer = CELL_ANSWER.from_python({"outputs": [{"a": 1}], "count": 3, "error": ("ValueError", "no")})
    assert (answer.outputs, answer.count, answer.error) == ([{"a": 1}], 3, ("ValueError", "no"))
    assert FORK_ENDED.from_python({"status": 9}).status == 9


@pytest.mark.parametrize(
    "answer",
    [
        {"outputs": np.empty((1 << 26, 0), np.uint8)},  # a few bytes on the wire, and that many arrays as a list
        {"outputs": range(1 << 20)},
        {"outputs": {1, 2}},
        {"count": "5"},
        {"count": True},
        {"count": np.ones(1)},
        {"error": ["kind"]},
        {"error": ("kind", 1)},
        [],
    ],
    ids=str,
)
def test_an_odd_answer_is_refused_before_it_takes_memory(answer):
    tracemalloc.start()
    try:
        with pytest.raises(DecodeError):
            CELL_ANSWER.from_python(answer)
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
    finally:
        tracemalloc.stop()


@pytest.mark.skipif(sys.platform != "linux", reason="boxes are Linux's")
def test_an_installed_package_leaves_the_libraries_to_boxes(tmp_path):
    """Installed, it lies among the libraries, which students' code may import; itself it stays out of sight."""
    venv.create(tmp_path / "env", symlinks=True)
    (libraries,) = (tmp_path / "env" / "lib").glob("python*/site-packages")
    (libraries / "others.pth").write_text(sysconfig.get_path("purelib"))
    (libraries / "lonely.py").write_text("")
    shutil.copytree(ROOT / "autograder", libraries / "autograder", ignore=shutil.ignore_patterns("dist", "__pycache__"))
    (tmp_path / "files").mkdir()
    for path in (tmp_path, *tmp_path.parents):
        if path.is_relative_to("/tmp") and path != Path("/tmp"):
            path.chmod(0o755)
    code = _TRY.format(files=str(tmp_path / "files"))
    command = [str(tmp_path / "env" / "bin" / "python"), "-I", "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stdout.splitlines() == ["lonely found", "autograder.grading.questions nothing"], done.stderr
