"""Starts the zygote: ``python -m autograder.sandbox DESCRIPTOR MODULE``."""

import sys

from autograder.sandbox.zygote import main

main(int(sys.argv[1]), sys.argv[2])
