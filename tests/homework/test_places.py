"""How well networks see bands at each place."""

import pytest
import torch
import torch.nn.functional as F

from hw4kit import edges, models, places
from hw4kit.models import SimpleCNN


def constant(label: int) -> SimpleCNN:
    """A network that says ``label`` whatever it sees."""
    network = SimpleCNN()
    torch.nn.init.zeros_(network.fc.weight)
    with torch.no_grad():
        network.fc.bias.copy_(10 * F.one_hot(torch.tensor(label), 3))
    return network


def detectors() -> SimpleCNN:
    """The detectors of question 2 alone, and a last layer that asks which of them responds."""
    network = SimpleCNN()
    rows = torch.zeros(7, 7)
    rows[2], rows[3] = 1, -1
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.zero_()
        network.conv1.weight[0, 0], network.conv1.weight[1, 0] = rows, rows.T
        network.conv2.weight[0, 0], network.conv2.weight[1, 1] = rows, rows.T
        network.fc.weight[0, 0] = network.fc.weight[1, 1] = 1000
        network.fc.bias[2] = 1e-3
    return network


@pytest.mark.parametrize("beyond", [0, 12])
def test_each_orientation_is_judged_by_its_own_class(beyond):
    shares = places.accuracy_by_end([constant(0), constant(1), constant(2)], beyond)
    assert shares.mean(2).tolist() == [[1, 0], [0, 1], [0, 0]]
    assert shares.shape == (3, 2, 28)


def test_the_detectors_are_blind_at_the_last_three_ends_and_only_there():
    shares = places.accuracy_by_end([detectors()])[0]
    assert shares[:, :25].min() > 0.7
    assert shares[:, 25:].max() == 0


def test_with_background_behind_the_border_the_detectors_see_every_end():
    usual, beyond = places.accuracy_by_end([detectors()]), places.accuracy_by_end([detectors()], beyond=12)
    assert beyond[..., 25:].min() > 0.7
    assert torch.equal(beyond[..., :25], usual[..., :25])


def test_the_images_are_those_of_the_data_set():
    images, backgrounds, ends = places._bands(1, 0)
    assert len(images) == places._REPEATS * len(edges.bands())
    for image, background, end in zip(images[:, 0], backgrounds.flatten(), ends.tolist(), strict=True):
        assert (image == image[0]).all()
        covered = (image[0] > background).nonzero().flatten()
        assert covered.max() + 1 == end
        assert (covered.diff() == 1).all()
        assert 0 <= background <= 0.2
        assert 0.24 < image.max() <= 1


def test_larger_images_give_the_same_logits_when_the_band_is_far_from_the_border():
    network = models.restore(models.network("SimpleCNN", seed=3))
    images, _, ends = places._bands(0, 0)
    larger, backgrounds, _ = places._bands(0, 12)
    inside = (ends > 6) & (ends < 18)
    found = places._logits_beyond(network, larger[inside], backgrounds[inside])
    with torch.no_grad():
        assert torch.allclose(found, network(images[inside]), atol=1e-5)
