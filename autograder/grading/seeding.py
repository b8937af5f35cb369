"""Random numbers: every cell and every test starts from the same ones, whatever ran before it."""

import random

import numpy as np
import torch

SEED = 182


def seed() -> None:
    """Seed ``random``, numpy, and torch.

    ``torch.manual_seed`` would also note a seed, and where it was set, for devices that are not there.
    """
    random.seed(SEED)
    np.random.seed(SEED)
    torch.default_generator.manual_seed(SEED)
