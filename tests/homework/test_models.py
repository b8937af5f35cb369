"""The networks of problem 6."""

import pytest
import torch

from hw4kit import models
from hw4kit.models import DeeperCNN, SimpleCNN, ThreeLayerMLP, WiderCNN


@pytest.mark.parametrize("architecture", models.ARCHITECTURES.values())
@pytest.mark.parametrize("count", [1, 3])
def test_logits_have_one_row_per_image(architecture, count):
    assert architecture(num_classes=5)(torch.rand(count, 1, 28, 28)).shape == (count, 5)


@pytest.mark.parametrize("kernel_size", [1, 2, 3, 6, 7, 14, 27])
def test_every_kernel_size_keeps_the_size_of_the_maps(kernel_size):
    network = SimpleCNN(kernel_size=kernel_size)
    assert network.conv1(torch.rand(2, 1, 28, 28)).shape == (2, 3, 28, 28)
    assert network(torch.rand(2, 1, 28, 28)).shape == (2, 3)


def test_sizes_are_those_the_notebook_names():
    network = SimpleCNN()
    assert network.conv1.weight.shape == (3, 1, 7, 7)
    assert network.conv2.weight.shape == (3, 3, 7, 7)
    assert network.fc.weight.shape == (3, 3)
    assert sum(parameter.numel() for parameter in network.parameters()) == 606
    assert sum(parameter.numel() for parameter in ThreeLayerMLP().parameters()) == 39793
    assert WiderCNN().conv2.weight.shape == (6, 6, 7, 7)
    assert [name for name, _ in DeeperCNN().named_children()] == ["conv1", "conv2", "conv3", "conv4", "fc"]


@pytest.mark.parametrize("change", [{"kernel_size": 0}, {"kernel_size": 28}, {"kernel_size": 40}, {"pool": "mean"}])
def test_impossible_arguments_are_refused(change):
    with pytest.raises(ValueError, match=next(iter(change))):
        SimpleCNN(**change)


def test_pools_differ_as_they_should():
    images = torch.rand(2, 1, 28, 28)
    with models.seeded(0):
        largest = SimpleCNN(pool="max")
    mean = SimpleCNN(pool="avg")
    mean.load_state_dict(largest.state_dict())
    features = torch.relu(largest.conv1(images))
    for network, pool in ((largest, torch.nn.MaxPool2d(2)), (mean, torch.nn.AvgPool2d(2))):
        expected = network.fc(torch.relu(network.conv2(pool(features))).mean((2, 3)))
        assert torch.allclose(network(images), expected, atol=1e-6)


def test_building_does_not_reseed_the_global_generator():
    torch.manual_seed(5)
    first, second = SimpleCNN(), SimpleCNN()
    assert not torch.equal(first.conv1.weight, second.conv1.weight)
    torch.manual_seed(5)
    assert torch.equal(SimpleCNN().conv1.weight, first.conv1.weight)


def test_seeded_leaves_the_global_generator_as_it_was():
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    with models.seeded(1):
        torch.rand(10)
    assert torch.equal(torch.rand(3), expected)


@pytest.mark.parametrize("architecture", models.ARCHITECTURES)
def test_a_network_survives_as_plain_data(architecture):
    network = models.ARCHITECTURES[architecture](num_classes=4)
    description = models.describe(network)
    again = models.restore(description)
    images = torch.rand(2, 1, 28, 28)
    assert torch.equal(again(images), network(images))
    with torch.no_grad():
        again.fc3.bias.fill_(9) if architecture == "ThreeLayerMLP" else again.fc.bias.fill_(9)
    assert all(not (value == 9).any() for value in description["weights"].values())


@pytest.mark.parametrize(
    ("architecture", "settings"),
    [
        ("Linear", {}),
        ("SimpleCNN", {"kernel_size": 10**9}),
        ("SimpleCNN", {"num_filters": 10**6}),
        ("SimpleCNN", {"num_filters": "3"}),
        ("SimpleCNN", {"depth": 3}),
        ("ThreeLayerMLP", {"hidden_dims": [10**9, 3]}),
    ],
)
def test_settings_from_anybody_are_checked(architecture, settings):
    with pytest.raises(ValueError, match=r"."):
        models.from_settings(architecture, settings)
