"""The reference answers of edge_detection at the edges of what they take: the smallest, the empty, the one-sided."""

import pytest
import torch
import torch.nn.functional as F
from harness import HW4

from autograder.assignment.notebook import read_notebook
from hw4kit import edges, training
from hw4kit.models import SimpleCNN

SMALL = {"data_per_class": 1}


@pytest.fixture(scope="module")
def answers() -> dict:
    """The notebook's functions, without the experiments."""
    space = {"torch": torch, "F": F, "edges": edges, "training": training, "SimpleCNN": SimpleCNN}
    space["DataLoader"] = torch.utils.data.DataLoader
    for question in read_notebook(HW4.source / "edge_detection.ipynb").questions:
        exec(question.solution, space)
    return space


class Always(torch.nn.Module):
    """A network that says one class whatever it sees."""

    def __init__(self, label: int) -> None:
        super().__init__()
        self.logits = torch.nn.Parameter(F.one_hot(torch.tensor(label), 3).float())

    def forward(self, images):
        return self.logits.expand(len(images), 3)


def test_one_image_per_class_in_batches_of_one(answers):
    torch.manual_seed(0)
    model = SimpleCNN()
    loader = answers["make_loader"](answers["make_dataset"](**SMALL), 1, False)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.0)
    loss, accuracy = answers["train_one_epoch"](model, optimizer, loader)
    assert (loss, accuracy) == pytest.approx(answers["evaluate"](model, loader), abs=1e-6)
    images, labels = next(iter(answers["make_loader"](answers["make_dataset"](**SMALL), 3, False)))
    assert loss == pytest.approx(F.cross_entropy(model(images), labels).item(), abs=1e-6)
    assert answers["sweep"]([1], [0], 1, SimpleCNN, loader).shape == (1, 1)


def test_a_class_that_is_never_predicted_has_a_row_and_an_empty_column(answers):
    loader = answers["make_loader"](answers["make_dataset"](4), 5, False)
    counts = answers["confusion_matrix"](Always(1), loader, 3)
    assert counts.tolist() == [[0, 4, 0], [0, 4, 0], [0, 4, 0]]
    assert answers["evaluate"](Always(1), loader)[1] == pytest.approx(1 / 3)


def test_an_empty_loader_is_named(answers):
    model = SimpleCNN()
    with pytest.raises(ValueError, match="no images"):
        answers["evaluate"](model, [])
    with pytest.raises(ValueError, match="no images"):
        answers["train_one_epoch"](model, torch.optim.SGD(model.parameters(), lr=0.1), [])
    assert answers["confusion_matrix"](model, [], 3).tolist() == [[0] * 3] * 3
    with pytest.raises(ValueError, match="data_per_class"):
        answers["make_dataset"](0)


@pytest.mark.parametrize("label", [-1, 3, -100])
def test_labels_out_of_range_are_named(answers, label):
    model, batches = SimpleCNN(), [(torch.zeros(2, 1, 28, 28), torch.tensor([0, label]))]
    with pytest.raises(ValueError, match="classes 0 to 2"):
        answers["evaluate"](model, batches)
    with pytest.raises(ValueError, match="classes 0 to 2"):
        answers["train_one_epoch"](model, torch.optim.SGD(model.parameters(), lr=0.1), batches)
    with pytest.raises(ValueError, match="classes 0 to 2"):
        answers["confusion_matrix"](model, batches, 3)
