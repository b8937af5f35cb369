"""What can have happened to a notebook file before it is handed in: functions from its text to bytes."""

import json
from collections.abc import Callable
from typing import Any


def bom(text: str) -> bytes:
    """A byte order mark, as Notepad writes it."""
    return text.encode("utf-8-sig")


def crlf(text: str) -> bytes:
    """Windows line ends, in the file and in the cells."""
    return json.dumps(_changed(text, _crlf_cell), indent=1).replace("\n", "\r\n").encode()


def utf16(text: str) -> bytes:
    return text.encode("utf-16")


def empty(text: str) -> bytes:
    return b""


def truncated(text: str) -> bytes:
    return text.encode()[: len(text) // 2]


def not_json(text: str) -> bytes:
    return b"%PDF-1.4 \x00\xff\xfe\n"


def a_list(text: str) -> bytes:
    return b"[]"


def wrong_format(text: str) -> bytes:
    return json.dumps({**json.loads(text), "nbformat": 99}).encode()


def no_cells(text: str) -> bytes:
    return json.dumps({**json.loads(text), "cells": None}).encode()


def empty_cells(text: str) -> bytes:
    return json.dumps({**json.loads(text), "cells": []}).encode()


def null_sources(text: str) -> bytes:
    return _written(text, lambda cell: {**cell, "source": None})


def listed_sources(text: str) -> bytes:
    """Cells as lists of lines, as Jupyter writes them."""
    return _written(text, lambda cell: {**cell, "source": cell["source"].splitlines(keepends=True)})


def deep_json(text: str) -> bytes:
    return b'{"cells":' + b"[" * 200_000 + b"]" * 200_000 + b"}"


def surrogates(text: str) -> bytes:
    """Half a character in every cell, at the end, in a comment."""
    return _written(text, lambda cell: {**cell, "source": cell["source"] + "\n# \ud83d"})


def large_prose(text: str) -> bytes:
    """A text cell of 10 MB."""
    node = json.loads(text)
    node["cells"].insert(
        2, {"cell_type": "markdown", "id": "long", "metadata": {}, "source": "so much to say " * 700_000}
    )
    return json.dumps(node).encode()


def many_cells(text: str) -> bytes:
    """300 own cells, each with an id of another released cell."""
    node = json.loads(text)
    own = {"cell_type": "code", "metadata": {}, "outputs": [], "execution_count": None, "source": "1"}
    node["cells"] += [{**own, "id": f"cell-{n % 8}"} for n in range(300)]
    return json.dumps(node).encode()


def _crlf_cell(cell: dict[str, Any]) -> dict[str, Any]:
    return {**cell, "source": cell["source"].replace("\n", "\r\n")}


def _changed(text: str, change: Callable[[dict[str, Any]], dict[str, Any]]) -> dict[str, Any]:
    node = json.loads(text)
    return {**node, "cells": [change(cell) for cell in node["cells"]]}


def _written(text: str, change: Callable[[dict[str, Any]], dict[str, Any]]) -> bytes:
    return json.dumps(_changed(text, change)).encode()


def large_code(text: str) -> bytes:
    """A code cell of 10 MB."""
    node = json.loads(text)
    cell = {"cell_type": "code", "id": "long", "metadata": {}, "outputs": [], "execution_count": None}
    node["cells"].insert(2, {**cell, "source": f"x = '{'x' * 10_000_000}'"})
    return json.dumps(node).encode()
