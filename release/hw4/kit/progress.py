"""Progress bars that can be switched off, for the tests print nothing."""

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypeVar

from tqdm import tqdm

_Item = TypeVar("_Item")
_SILENT = ContextVar("silent", default=False)


@contextmanager
def silent() -> Iterator[None]:
    """Inside, no bar is drawn and nothing is told."""
    token = _SILENT.set(True)
    try:
        yield
    finally:
        _SILENT.reset(token)


def bar(items: Iterable[_Item], what: str) -> Iterable[_Item]:
    """``items`` with a progress bar, which appears after a second and goes when it is done."""
    if _SILENT.get():
        return items
    shown: Iterable[_Item] = tqdm(items, desc=what, delay=1, leave=False, file=sys.stdout, mininterval=0.5)
    return shown


def tell(message: str) -> None:
    """Print a line, unless silent."""
    if not _SILENT.get():
        print(message)
