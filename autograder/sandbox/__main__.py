"""Starts the zygote: ``python -I autograder/sandbox/__main__.py DESCRIPTOR MODULE``.

A file and not ``-m``: isolated from the environment, Python finds this package only where it is told to look, and boxes
must find nothing else there.
"""

import sys
from pathlib import Path

_PLACE = str(Path(__file__).parents[1].parent)
sys.path.insert(0, _PLACE)

from autograder.sandbox.zygote import main  # noqa: E402

sys.path.remove(_PLACE)  # the first, which is the one from above; installed, this package lies among the libraries

main(int(sys.argv[1]), sys.argv[2])
