"""Experiments that run once: their results are kept under ``results/`` and loaded while their inputs are unchanged.

``results/<name>.safetensors`` holds every tensor (weights, curves with many points) and ``results/<name>.json``
the rest, together with the fingerprint of the function that computed it. Both are data, loading them runs no code.
"""

import hashlib
import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor, nn

from hw4kit import models
from hw4kit.fingerprint import fingerprint
from kit import progress

RESULTS = Path("results")
_TENSOR, _NETWORK = "tensor", "network"


def experiment(name: str, run: Callable[[], Any], folder: Path | None = None) -> Any:
    """What ``run()`` returns: loaded if this very experiment has been run before, otherwise run now and saved.

    ``run`` takes no arguments and may return numbers, strings, tensors, networks of ``hw4kit.models``, and lists and
    dictionaries of these; tuples come back as lists. It runs again when its code changes, or a value or function of
    the notebook that it uses.
    """
    folder = RESULTS if folder is None else folder
    inputs = fingerprint(run)
    content = _read(folder, name, inputs)
    if content is None:
        start = time.perf_counter()
        tree, tensors = pack(run())
        content = tree, tensors
        if _write(folder, name, inputs, tree, tensors):
            progress.tell(f"{name}: ran in {time.perf_counter() - start:.1f} s, saved in {folder}/.")
    else:
        progress.tell(f"{name}: loaded from {folder}/ (delete {name}.json there to run it again).")
    return unpack(*content)


def pack(value: Any) -> tuple[Any, dict[str, Tensor]]:
    """``value`` as a tree that JSON can hold, and the tensors it refers to.

    Raises ``ValueError`` for a value that cannot be saved as data.
    """
    tensors: dict[str, Tensor] = {}
    return _packed(value, "result", tensors), tensors


def unpack(tree: Any, tensors: dict[str, Tensor]) -> Any:
    """The inverse of ``pack``."""
    if isinstance(tree, list):
        return [unpack(item, tensors) for item in tree]
    if not isinstance(tree, dict):
        return tree
    if tree.keys() == {_TENSOR}:
        return tensors[tree[_TENSOR]]
    if tree.keys() == {_NETWORK, "settings", "weights"}:
        model = models.from_settings(tree[_NETWORK], tree["settings"])
        model.load_state_dict(unpack(tree["weights"], tensors))
        return model
    return {key: unpack(item, tensors) for key, item in tree.items()}


def _packed(value: Any, path: str, tensors: dict[str, Tensor]) -> Any:
    if isinstance(value, (torch.Tensor, np.ndarray)):
        tensors[path] = torch.as_tensor(value).detach().clone().contiguous()
        return {_TENSOR: path}
    if isinstance(value, nn.Module):
        if type(value) not in models.ARCHITECTURES.values():
            raise ValueError(f"{path} is a {type(value).__name__}: only networks of hw4kit.models can be saved.")
        weights = _packed(dict(value.state_dict()), path, tensors)
        return {_NETWORK: type(value).__name__, "settings": value.settings, "weights": weights}
    if isinstance(value, dict):
        if not all(isinstance(key, str) for key in value):
            raise ValueError(f"{path} has keys that are no strings: use strings, e.g. str(n).")
        return {key: _packed(item, f"{path}.{key}", tensors) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_packed(item, f"{path}.{number}", tensors) for number, item in enumerate(value)]
    if isinstance(value, np.generic):
        return value.item()
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    raise ValueError(f"{path} is a {type(value).__name__}, which cannot be saved as data.")


def _read(folder: Path, name: str, inputs: str) -> tuple[Any, dict[str, Tensor]] | None:
    """Saved results, or None where there are none for these inputs, or damaged ones."""
    try:
        saved = json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
        if saved["inputs"] != inputs:
            return None
        weights = (folder / f"{name}.safetensors").read_bytes()
        if hashlib.sha256(weights).hexdigest() != saved["tensors"]:
            return None
        tree, tensors = saved["result"], load(weights)
        unpack(tree, tensors)
        return tree, tensors
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RuntimeError, RecursionError, SafetensorError):
        return None


def _write(folder: Path, name: str, inputs: str, tree: Any, tensors: dict[str, Tensor]) -> bool:
    """Save, the JSON file last; False where the folder cannot be written, which costs only the time next time."""
    weights = save(tensors)
    saved = {"inputs": inputs, "tensors": hashlib.sha256(weights).hexdigest(), "result": tree}
    try:
        folder.mkdir(exist_ok=True)
        _replace(folder / f"{name}.safetensors", weights)
        _replace(folder / f"{name}.json", json.dumps(saved, indent=1).encode())
    except OSError as error:
        progress.tell(f"{name}: the results could not be saved ({error.strerror}).")
        return False
    return True


def _replace(path: Path, content: bytes) -> None:
    """Write a file so that nobody ever sees half of it."""
    part = path.with_name(f"{path.name}.part")
    part.write_bytes(content)
    os.replace(part, path)
