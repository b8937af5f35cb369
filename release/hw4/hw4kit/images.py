"""The photograph of problem 5."""

import matplotlib.cbook
import matplotlib.pyplot as plt
import torch

# ITU-R BT.601 luma, the weights of the usual "rgb to grey".
_GREY = torch.tensor([0.2989, 0.5870, 0.1140])
_BLOCK = 4


def photograph() -> torch.Tensor:
    """matplotlib's sample photograph of Grace Hopper in grey.

    Returns a float32 tensor (150, 128) with values in [0, 1]: the 600x512 original, grey by
    0.2989 R + 0.5870 G + 0.1140 B, averaged over blocks of 4x4 pixels so that loops in Python stay affordable.
    """
    path = matplotlib.cbook.get_sample_data("grace_hopper.jpg", asfileobj=False)
    rgb = torch.tensor(plt.imread(path, format="jpg")[..., :3] / 255.0, dtype=torch.float32)
    grey = rgb @ _GREY
    height, width = (size // _BLOCK for size in grey.shape)
    blocks = grey[: height * _BLOCK, : width * _BLOCK].reshape(height, _BLOCK, width, _BLOCK)
    return blocks.mean(dim=(1, 3))
