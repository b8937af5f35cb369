"""The memory limit of tests that ask for an affordable computation."""

import resource
import sys

import numpy as np
import pytest
import torch

from kit.memory_limit import call_within

linux = pytest.mark.skipif(sys.platform != "linux", reason="the limit holds on Linux only")


@linux
@pytest.mark.parametrize("allocate", [np.ones, torch.ones])
def test_large_allocation_is_a_memory_error(allocate):
    with pytest.raises(MemoryError):
        call_within(0.5, allocate, 100_000_000 * 8)


def test_what_fits_passes_through():
    assert call_within(0.5, np.ones, 1_000_000).sum() == 1_000_000


def test_limit_is_lifted_afterwards_whatever_happens():
    before = resource.getrlimit(resource.RLIMIT_DATA)
    with pytest.raises(KeyError, match="own"):
        call_within(0.5, {}.__getitem__, "own")
    assert resource.getrlimit(resource.RLIMIT_DATA) == before


def test_other_runtime_errors_stay_what_they_are():
    with pytest.raises(RuntimeError, match="size"):
        call_within(0.5, torch.add, torch.ones(2), torch.ones(3))
