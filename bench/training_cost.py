"""Cost of one trained network: the usual way against ours, in one run.

The usual way: PIL images in a Dataset, converted to tensors one by one every time they are asked for, a DataLoader,
one network after the other, loss and accuracy noted in every batch, and an evaluation on the validation images after
every epoch. Ours: ``training.train``,
eight seeds together, images as one tensor, evaluated when it is done.

Both train from the same weights, on the same images in the same order, for the same epochs, on one thread; the
accuracies are printed beside the times. Times are processor seconds, which other programs disturb little.

    python bench/training_cost.py [--write]        about three minutes; exit code 1 if the ratio is below the promise
"""

import statistics
import sys
import time
from collections.abc import Callable, Iterator

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from results import HW4, ROOT, arguments, publish, table
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset, Sampler

sys.path[:0] = [str(ROOT), str(HW4.source)]

from hw4kit import edges, training  # noqa: E402
from hw4kit.models import SimpleCNN, ThreeLayerMLP  # noqa: E402

PROMISE = 5.0
SIZES = (10, 30, 50, 100)
SEEDS = range(8)
NETWORKS: dict[str, Callable[[], nn.Module]] = {"CNN": SimpleCNN, "MLP": ThreeLayerMLP}


class PictureDataset(Dataset):
    """The images as PIL pictures, converted one by one as torchvision's ``ToTensor`` does."""

    def __init__(self, data: edges.EdgeDataset) -> None:
        grey = (data.images[:, 0] * 255).round().to(torch.uint8).numpy()
        self.pictures = [Image.fromarray(image) for image in grey]
        self.labels = data.labels.tolist()

    def __len__(self) -> int:
        return len(self.pictures)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        array = np.array(self.pictures[index], np.uint8, copy=True)
        image = torch.from_numpy(array).view(*array.shape, 1).permute(2, 0, 1).contiguous()
        return image.to(torch.float32).div(255), self.labels[index]


class SeededOrder(Sampler):
    """A new order in every epoch, the one ``training.train`` draws from the same seed."""

    def __init__(self, size: int, seed: int) -> None:
        self.size, self.generator = size, torch.Generator().manual_seed(seed)

    def __iter__(self) -> Iterator[int]:
        return iter(torch.randperm(self.size, generator=self.generator).tolist())

    def __len__(self) -> int:
        return self.size


def usual_way(model: nn.Module, data: PictureDataset, valid: PictureDataset, seed: int, epochs: int) -> float:
    """Train one network; its validation accuracy after the last epoch."""
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
    loader = DataLoader(data, batch_size=10, sampler=SeededOrder(len(data), seed))
    valid_loader = DataLoader(valid, batch_size=10)
    accuracy = 0.0
    for _ in range(epochs):
        model.train()
        total, right = 0.0, 0
        for images, labels in loader:
            optimizer.zero_grad()
            logits = model(images)
            loss = F.cross_entropy(logits, labels)
            loss.backward()
            optimizer.step()
            total += loss.item() * len(labels)
            right += (logits.argmax(1) == labels).sum().item()
        model.eval()
        total, right = 0.0, 0
        with torch.no_grad():
            for images, labels in valid_loader:
                logits = model(images)
                total += F.cross_entropy(logits, labels, reduction="sum").item()
                right += (logits.argmax(1) == labels).sum().item()
        accuracy = right / len(valid)
    return accuracy


def compare(name: str, count: int, epochs: int, baseline_seeds: int, rounds: int) -> tuple[list[str], float, float]:
    """A row of the table, and the median seconds per network of the usual way and of ours."""
    make_model, valid = NETWORKS[name], edges.EdgeDataset({"data_per_class": 50}, "valid")
    data = [edges.EdgeDataset({"data_per_class": count}, "train", seed) for seed in SEEDS]
    pictures, valid_pictures = [PictureDataset(one) for one in data], PictureDataset(valid)
    usual, ours, usual_shares, our_shares = [], [], [], []
    for number in range(max(rounds, baseline_seeds)):
        if number < baseline_seeds:
            (model,) = training.build(make_model, [number])
            start = time.process_time()
            usual_shares.append(usual_way(model, pictures[number], valid_pictures, number, epochs))
            usual.append(time.process_time() - start)
        if number < rounds:
            models = training.build(make_model, SEEDS)
            start = time.process_time()
            training.train(models, data, SEEDS, {"epochs": epochs})
            our_shares = [training.accuracy(model, valid) for model in models]
            ours.append((time.process_time() - start) / len(models))
    theirs, mine = statistics.median(usual), statistics.median(ours)
    shares = [f"{100 * statistics.mean(values):.1f} %" for values in (usual_shares, our_shares[:baseline_seeds])]
    row = [f"{name}, {count} images per class", f"{theirs:.2f}", f"{mine:.3f}", f"{theirs / mine:.1f}", *shares]
    print(row, file=sys.stderr, flush=True)
    return row, theirs, mine


def main() -> int:
    """Measure and print; 1 if the ratio is below the promise."""
    parser = arguments(__doc__)
    parser.add_argument("--epochs", type=int, default=100)
    parser.add_argument("--seeds", type=int, default=3, help="networks trained the usual way, per setting")
    parser.add_argument("--rounds", type=int, default=3, help="groups of eight trained our way, per setting")
    options = parser.parse_args()
    torch.set_num_threads(1)
    measured = [
        compare(name, count, options.epochs, options.seeds, options.rounds) for name in NETWORKS for count in SIZES
    ]
    usual, ours = (sum(row[place] for row in measured) for place in (1, 2))
    rows = [row for row, _, _ in measured]
    rows.append(["all of question 2, per seed", f"{usual:.1f}", f"{ours:.2f}", f"{usual / ours:.1f}", "", ""])
    text = f"Seconds of processor time per network, {options.epochs} epochs, with a usual training loop and with ours."
    header = ["", "usual", "ours", "ratio", "accuracy, usual", "accuracy, ours"]
    publish("A trained network", f"{text}\n\n{table(header, rows)}", options.write)
    return 0 if usual / ours >= PROMISE else 1


if __name__ == "__main__":
    sys.exit(main())
