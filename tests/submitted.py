"""Notebooks as files, as students hand them in."""

import nbformat
from nbformat import NotebookNode


def as_file(node: NotebookNode) -> bytes:
    """What an editor saves."""
    return nbformat.writes(node).encode()
