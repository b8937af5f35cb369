"""What ``autograder.sandbox`` serves in the boxes of notebooks; ``warm_up`` imports all that they import."""

import contextlib
import gc
import io
import os
import sys

from autograder.grading.student.server import NotebookServer
from autograder.grading.student.shell import StudentShell, attach_streams, new_shell
from autograder.sandbox.channel import Channel
from autograder.sandbox.service import Printed


class NotebookService:
    """Serves a notebook's cells and tests with a shell that was made before the fork."""

    def __init__(self, shell: StudentShell) -> None:
        self._shell = shell

    def serve(self, channel: Channel, printed: Printed, output: int) -> None:
        sys.argv = ["ipykernel_launcher"]
        os.environ.update(JPY_PARENT_PID=str(os.getppid()), MPLCONFIGDIR=os.environ["HOME"])
        self._shell.outputs.limit = output
        attach_streams(self._shell)
        NotebookServer(self._shell, channel, printed).serve()


def warm_up() -> NotebookService:
    """Import what notebooks import, and do once what is slow the first time."""
    shell = new_shell()
    import matplotlib.pyplot as plt
    import scipy.ndimage  # noqa: F401
    import torch.nn.functional

    torch.set_num_threads(1)
    layer = torch.nn.Conv2d(1, 1, 3)
    layer(torch.zeros(1, 1, 5, 5)).sum().backward()
    torch.optim.SGD(layer.parameters(), lr=0.1).step()  # the first optimizer imports 800 modules
    figure, axis = plt.subplots()
    axis.set_title("$x$")
    figure.colorbar(axis.imshow([[0.0]]))
    shell.format_figure(figure)
    plt.close(figure)
    _close_fonts()
    with contextlib.redirect_stdout(io.StringIO()):
        shell.run("%time 1 + 1")
    shell.run("1 / 0")
    shell.forget()
    return NotebookService(shell)


def _close_fonts() -> None:
    """Let matplotlib open its font files anew in each fork: forks would share the place where they read."""
    from matplotlib import font_manager, mathtext

    font_manager._get_font.cache_clear()  # type: ignore[attr-defined]
    mathtext.MathTextParser._parse_cached.cache_clear()  # type: ignore[attr-defined]
    gc.collect()
