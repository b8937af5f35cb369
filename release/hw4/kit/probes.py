"""Measurements on the student's own functions and layers, for tests and figures.

They run where the student's objects live, because neither autograd nor a memory counter reaches across to another
process. Tests therefore use them under the names that a notebook's set-up cell gives them, and hand over and get back
plain tensors.
"""

import tracemalloc
from collections.abc import Callable, Sequence
from typing import Any, TypeVar, cast

import torch
from torch.utils._python_dispatch import TorchDispatchMode

_Result = TypeVar("_Result")


def memory_of(function: Callable[..., _Result], *arguments: Any) -> tuple[_Result, int]:
    """The result of ``function(*arguments)`` and the bytes of memory that the call takes.

    They are the peak of what numpy and Python allocate, or the largest tensor that torch makes, whichever is more, to
    the megabyte: the same on every machine and in every run, unlike what the operating system reports. The function is
    called twice, since a first call may import modules.
    """
    with _LargestTensor():
        function(*arguments)
    was_tracing = tracemalloc.is_tracing()
    if not was_tracing:
        tracemalloc.start()
    try:
        with _LargestTensor() as tensors:
            tracemalloc.reset_peak()
            before, _ = tracemalloc.get_traced_memory()
            result = function(*arguments)
            _, peak = tracemalloc.get_traced_memory()
    finally:
        if not was_tracing:
            tracemalloc.stop()
    return result, round(max(peak - before, tensors.bytes), -6)


class _LargestTensor(TorchDispatchMode):
    """While active, notes the memory behind the largest tensor that any torch operation returns."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.bytes = 0

    def __torch_dispatch__(
        self,
        operation: Callable[..., Any],
        types: Sequence[type],
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        result = operation(*args, **(kwargs or {}))
        for value in result if isinstance(result, (tuple, list)) else (result,):
            if isinstance(value, torch.Tensor) and value.layout == torch.strided:
                self.bytes = max(self.bytes, value.untyped_storage().nbytes())
        return result


def parameters_of(layer: torch.nn.Module) -> dict[str, torch.Tensor]:
    """A copy of every parameter of a layer, by name."""
    return {name: parameter.detach().clone() for name, parameter in layer.named_parameters()}


def layer_gradients(
    layer: torch.nn.Module, weight: torch.Tensor, x: torch.Tensor, grad_output: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor | None, torch.Tensor | None]:
    """Set ``layer.weight`` to ``weight`` and run the layer forward on ``x`` and backward from ``grad_output``.

    Returns the output, the gradient that reached ``x`` and the gradient of the weight; None where none arrived.
    """
    with torch.no_grad():
        _weight(layer).copy_(torch.as_tensor(weight))
    layer.zero_grad()
    x = torch.as_tensor(x).detach().clone().requires_grad_()
    y = layer(x)
    y.backward(torch.as_tensor(grad_output))
    return y.detach(), x.grad, _weight(layer).grad


def _weight(layer: torch.nn.Module) -> torch.Tensor:
    """``layer.weight``, which might be anything as far as torch's types say."""
    return cast(torch.Tensor, layer.weight)
