"""The data set of problem 6: small grey images with a bright band, or without one.

A configuration is a dictionary with the keys of ``DEFAULTS``; a key that is not there is an error, so that a
misspelt one does not go unnoticed. ``EdgeDataset(config, split, seed)`` draws all images at once from one
``torch.Generator``; the same three arguments give the same images.
"""

import math
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.utils.data import Dataset

CLASSES = ("horizontal", "vertical", "none")
FIVE_CLASSES = ("horizontal", "vertical", "diagonal", "both", "none")
SPLITS = ("train", "valid", "test")
DIAGONAL_ANGLES = (30.0, 45.0, 120.0, 135.0)
_DIAGONAL_MAX_WIDTH = 2
_GREY_LEVELS = 255
_PERMUTATION_SEED = 6

DEFAULTS: dict[str, Any] = {
    "data_per_class": 10,
    "num_classes": 3,
    "class_type": CLASSES,
    "spatial_resolution": 28,
    "min_edge_width": 1,
    "max_edge_width": 4,
    "min_edge_intensity": 0.25,
    "max_edge_intensity": 1.0,
    "min_background_intensity": 0.0,
    "max_background_intensity": 0.2,
    "possible_edge_location_ratio": 1.0,
    "use_permutation": False,
    "permutater": None,
    "unpermutater": None,
}


class EdgeDataset(Dataset[tuple[Tensor, Tensor]]):
    """Images of bands, sorted by class in the order of ``class_type``.

    ``images`` is one float32 tensor (N, 1, 28, 28) with values k/255, ``labels`` an int64 tensor (N,) of indices into
    ``class_type``; ``dataset[i]`` is ``(image, label)``. Raises ``ValueError`` for an unknown key, a value that makes
    no sense, or an unknown split.
    """

    def __init__(self, config: dict[str, Any] | None = None, split: str = "train", seed: int = 0) -> None:
        self.config = complete(config or {})
        if split not in SPLITS:
            raise ValueError(f"split is {split!r}, it should be one of {', '.join(SPLITS)}.")
        self.split, self.seed = split, seed
        generator = torch.Generator().manual_seed(len(SPLITS) * int(seed) + SPLITS.index(split))
        count = self.config["data_per_class"]
        drawn = [_draw(name, count, self.config, split, generator) for name in self.config["class_type"]]
        images = (torch.cat(drawn).clamp(0.0, 1.0) * _GREY_LEVELS).round() / _GREY_LEVELS
        self.images = images.unsqueeze(1)
        self.labels = torch.arange(self.config["num_classes"]).repeat_interleave(count)
        if self.config["use_permutation"]:
            self.images = _permuted(self.images, self.config["permutater"])

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        return self.images[index], self.labels[index]


def complete(config: dict[str, Any]) -> dict[str, Any]:
    """``config`` with the defaults filled in. Raises ``ValueError`` with a sentence that says what is wrong."""
    unknown = sorted(set(config) - set(DEFAULTS))
    if unknown:
        raise ValueError(f"unknown configuration key {', '.join(unknown)}: the keys are {', '.join(DEFAULTS)}.")
    full = {**DEFAULTS, **config}
    full["class_type"] = tuple(full["class_type"])
    if "num_classes" not in config:
        full["num_classes"] = len(full["class_type"])
    _check_classes(full)
    _check_ranges(full)
    if full["use_permutation"]:
        _complete_permutation(full)
    return full


def bands(config: dict[str, Any] | None = None, split: str = "train") -> list[tuple[int, int]]:
    """Every ``(start, width)`` a band of one orientation can have: 106 with the defaults."""
    full = complete(config or {})
    first, last = _region(full, split)
    widths = range(full["min_edge_width"], full["max_edge_width"] + 1)
    return [(start, width) for width in widths for start in range(first, last - width + 1)]


def fixed_permutation(resolution: int = 28) -> Tensor:
    """The one permutation of the ``resolution**2`` pixels that all data sets of this homework use."""
    return torch.randperm(resolution**2, generator=torch.Generator().manual_seed(_PERMUTATION_SEED))


def _permuted(images: Tensor, permutation: Tensor) -> Tensor:
    """Images (N, 1, H, W) whose pixel i is pixel ``permutation[i]`` of the original, in row-major order."""
    return images.flatten(1)[:, permutation].view(images.shape)


def _check_classes(config: dict[str, Any]) -> None:
    names = config["class_type"]
    wrong = [name for name in names if name not in FIVE_CLASSES]
    if wrong:
        raise ValueError(f"unknown class {wrong[0]!r} in class_type: the classes are {', '.join(FIVE_CLASSES)}.")
    if not names or len(set(names)) != len(names):
        raise ValueError("class_type should name at least one class, and each class once.")
    if config["num_classes"] != len(names):
        raise ValueError(f"num_classes is {config['num_classes']}, but class_type names {len(names)} classes.")


def _check_ranges(config: dict[str, Any]) -> None:
    for key in ("data_per_class", "spatial_resolution", "min_edge_width"):
        if int(config[key]) != config[key] or config[key] < 1:
            raise ValueError(f"{key} is {config[key]}, it should be a whole number of at least 1.")
    for what in ("edge_width", "edge_intensity", "background_intensity"):
        if not config[f"min_{what}"] <= config[f"max_{what}"]:
            raise ValueError(f"min_{what} is larger than max_{what}.")
    for what in ("edge_intensity", "background_intensity"):
        if config[f"min_{what}"] < 0 or config[f"max_{what}"] > 1:
            raise ValueError(f"{what} should lie between 0 and 1.")
    if not 0 < config["possible_edge_location_ratio"] <= 1:
        raise ValueError("possible_edge_location_ratio should be larger than 0 and at most 1.")
    for split in SPLITS:
        first, last = _region(config, split)
        if last - first < config["max_edge_width"]:
            raise ValueError(
                f"a band of width {config['max_edge_width']} does not fit into the {last - first} rows that "
                f"possible_edge_location_ratio {config['possible_edge_location_ratio']} leaves for {split} images."
            )


def _complete_permutation(config: dict[str, Any]) -> None:
    size = config["spatial_resolution"] ** 2
    if config["permutater"] is None:
        config["permutater"] = fixed_permutation(config["spatial_resolution"])
    config["permutater"] = torch.as_tensor(config["permutater"]).long().flatten()
    if not torch.equal(config["permutater"].sort().values, torch.arange(size)):
        raise ValueError(f"permutater should hold each number from 0 to {size - 1} once.")
    inverse = torch.argsort(config["permutater"])
    if config["unpermutater"] is not None and not torch.equal(
        torch.as_tensor(config["unpermutater"]).flatten(), inverse
    ):
        raise ValueError("unpermutater is not the inverse of permutater.")
    config["unpermutater"] = inverse


def _region(config: dict[str, Any], split: str) -> tuple[int, int]:
    """First row (or column) a band may touch, and the first one behind them."""
    size, ratio = config["spatial_resolution"], config["possible_edge_location_ratio"]
    if ratio >= 1:
        return 0, size
    border = int(size * ratio)
    return (0, border) if split == "train" else (border, size)


def _uniform(count: int, low: float, high: float, generator: torch.Generator) -> Tensor:
    return low + (high - low) * torch.rand(count, generator=generator)


def _integers(count: int, low: int | Tensor, high: int | Tensor, generator: torch.Generator) -> Tensor:
    """``count`` integers, uniform over low, ..., high; the limits may differ from one to the next."""
    choices = high - low + 1
    drawn = torch.floor(torch.rand(count, generator=generator, dtype=torch.float64) * choices).long()
    return low + drawn


def _draw(name: str, count: int, config: dict[str, Any], split: str, generator: torch.Generator) -> Tensor:
    """``count`` images (count, H, W) of one class, not yet rounded."""
    size = config["spatial_resolution"]
    low, high = config["min_background_intensity"], config["max_background_intensity"]
    background = _uniform(count, low, high, generator).view(-1, 1, 1).expand(-1, size, size)
    if name == "none":
        return background
    if name == "diagonal":
        return _draw_diagonal(background, config, split, generator)
    images = background
    if name in ("horizontal", "both"):
        images = _paint(images, _band(count, config, split, generator).unsqueeze(2), config, generator)
    if name in ("vertical", "both"):
        images = _paint(images, _band(count, config, split, generator).unsqueeze(1), config, generator)
    return images


def _band(count: int, config: dict[str, Any], split: str, generator: torch.Generator, widest: int = 0) -> Tensor:
    """Which of the rows (or columns) each band covers: booleans (count, size). ``widest`` limits the width."""
    first, last = _region(config, split)
    low, high = config["min_edge_width"], config["max_edge_width"]
    if widest:
        low, high = min(low, widest), min(high, widest)
    width = _integers(count, low, high, generator)
    start = _integers(count, torch.full((count,), first), last - width, generator)
    position = torch.arange(config["spatial_resolution"])
    return (position >= start.unsqueeze(1)) & (position < (start + width).unsqueeze(1))


def _paint(images: Tensor, mask: Tensor, config: dict[str, Any], generator: torch.Generator) -> Tensor:
    low, high = config["min_edge_intensity"], config["max_edge_intensity"]
    intensity = _uniform(len(images), low, high, generator).view(-1, 1, 1)
    return torch.where(mask, intensity, images)


def _draw_diagonal(background: Tensor, config: dict[str, Any], split: str, generator: torch.Generator) -> Tensor:
    """Bands drawn horizontally and vertically in turn, then rotated; the corners show the background."""
    count = len(background)
    covered = _band(count, config, split, generator, widest=_DIAGONAL_MAX_WIDTH)
    upright = (torch.arange(count) % 2 == 1).view(-1, 1, 1)
    painted = _paint(background, torch.where(upright, covered.unsqueeze(1), covered.unsqueeze(2)), config, generator)
    angle = torch.tensor(DIAGONAL_ANGLES)[_integers(count, 0, len(DIAGONAL_ANGLES) - 1, generator)]
    return background + _rotated(painted - background, angle)


def _rotated(images: Tensor, degrees: Tensor) -> Tensor:
    """Images (N, H, W) rotated about their centres with cubic interpolation, zeros coming in at the corners.

    Cubic interpolation overshoots next to a jump; whoever calls this clips.
    """
    radians = degrees * (math.pi / 180)
    cosine, sine, zero = radians.cos(), radians.sin(), torch.zeros_like(radians)
    matrix = torch.stack([torch.stack([cosine, -sine, zero], 1), torch.stack([sine, cosine, zero], 1)], 1)
    grid = F.affine_grid(matrix, [len(images), 1, *images.shape[1:]], align_corners=False)
    return F.grid_sample(images.unsqueeze(1), grid, mode="bicubic", align_corners=False).squeeze(1)
