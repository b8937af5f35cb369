"""What a function will compute, as a short text: its code and everything of the notebook that it uses.

Two runs of a notebook give a function one fingerprint when its compiled code, its defaults, the values it closes
over, and the notebook's own functions and values that it names, directly or through one another, are the same.
Comments and layout do not count. Library functions count by name, those of ``kit`` and ``hw4kit`` too, and the modules
of ``hw4kit`` that decide a training by their text.
"""

import dis
import hashlib
import sys
import sysconfig
from collections.abc import Callable, Mapping
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Any

import numpy as np
import torch

import kit
from hw4kit.edges import EdgeDataset

_LIBRARY = ("edges.py", "models.py", "stacked.py", "training.py")
# Both packages lie beside the notebook, and hold no code of it all the same.
_INSTALLED = (
    Path(__file__).parent,
    Path(kit.__file__).parent,
    *(Path(sysconfig.get_path(kind)) for kind in ("stdlib", "platlib", "purelib")),
)
_GLOBAL_INSTRUCTIONS = ("LOAD_GLOBAL", "LOAD_NAME")


def fingerprint(run: Callable[..., Any]) -> str:
    """The fingerprint of ``run``, 32 hexadecimal digits."""
    digest = hashlib.sha256()
    for name in _LIBRARY:
        digest.update((Path(__file__).parent / name).read_bytes())
    _Reader(digest).value(run)
    return digest.hexdigest()[:32]


class _Reader:
    """Feeds a hash with descriptions of values; a value met again is fed by its name only, so that cycles end."""

    def __init__(self, digest: Any) -> None:
        self.digest = digest
        self.seen: set[int] = set()

    def text(self, *parts: object) -> None:
        self.digest.update(("\0".join(map(str, parts)) + "\n").encode())

    def value(self, value: Any) -> None:
        if value is None or isinstance(value, (bool, int, float, complex, str, bytes)):
            self.text(type(value).__name__, repr(value))
        elif isinstance(value, (list, tuple, Mapping, set, frozenset)):
            self.container(value)
        elif isinstance(value, (torch.Tensor, np.ndarray, np.generic)):
            array = np.ascontiguousarray(torch.as_tensor(value).detach().numpy())
            self.text("array", array.dtype, array.shape)
            self.digest.update(array.tobytes())
        elif isinstance(value, EdgeDataset):
            self.value(("data", value.config, value.split, value.seed))
        elif isinstance(value, torch.nn.Module):
            self.value((type(value).__name__, dict(value.state_dict())))
        elif isinstance(value, FunctionType):
            self.function(value)
        elif isinstance(value, type):
            self.notebook_class(value)
        elif isinstance(value, ModuleType):
            self.text("module", value.__name__)
        else:
            self.text("object", type(value).__qualname__, getattr(value, "__name__", ""))

    def container(self, value: Any) -> None:
        if isinstance(value, (set, frozenset)):
            value = sorted(value, key=repr)
        self.text("container", len(value))
        for item in value.items() if isinstance(value, Mapping) else value:
            self.value(item)

    def function(self, function: FunctionType) -> None:
        """A notebook's function with what it uses; a library's by name."""
        self.text("function", function.__qualname__)
        if not _is_own(function) or id(function) in self.seen:
            return
        self.seen.add(id(function))
        self.code(function.__code__, function.__globals__)
        self.value(function.__defaults__)
        self.value(function.__kwdefaults__)
        for cell in function.__closure__ or ():
            self.value(_content(cell))

    def notebook_class(self, value: type) -> None:
        self.text("class", value.__qualname__)
        if not _is_own(value) or id(value) in self.seen:
            return
        self.seen.add(id(value))
        for name, member in sorted(vars(value).items()):
            if not name.startswith("__") or isinstance(member, FunctionType):
                self.text(name)
                self.value(member)

    def code(self, code: CodeType, names: Mapping[str, Any]) -> None:
        self.text("code", code.co_code.hex(), code.co_varnames, code.co_names)
        for constant in code.co_consts:
            if isinstance(constant, CodeType):
                self.code(constant, names)
            else:
                self.value(constant)
        used = {step.argval for step in dis.get_instructions(code) if step.opname in _GLOBAL_INSTRUCTIONS}
        for name in sorted(used):
            self.text(name)
            if name in names:
                self.value(names[name])


def _is_own(value: Any) -> bool:
    """Whether the notebook (or a script) defined it, rather than an installed package."""
    if value.__module__ in (None, "__main__"):
        return True
    file = getattr(sys.modules.get(value.__module__), "__file__", None)
    return file is not None and not any(Path(file).is_relative_to(folder) for folder in _INSTALLED)


def _content(cell: Any) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # a name that is not bound yet
        return None
