"""Training several networks together gives what training each alone gives."""

import pytest
import torch
import torch.nn.functional as F

from hw4kit import stacked, training
from hw4kit.edges import FIVE_CLASSES, EdgeDataset
from hw4kit.models import DeeperCNN, SimpleCNN, ThreeLayerMLP, WiderCNN

MAKERS = {
    "SimpleCNN": SimpleCNN,
    "even kernel, average pooling": lambda: SimpleCNN(kernel_size=4, pool="avg"),
    "two filters": lambda: SimpleCNN(num_filters=2, kernel_size=3),
    "WiderCNN": lambda: WiderCNN(kernel_size=3),
    "DeeperCNN": lambda: DeeperCNN(kernel_size=5),
    "ThreeLayerMLP": ThreeLayerMLP,
}


def plain_loop(model, data, seed, recipe):
    """The ordinary way: one network, one batch after the other."""
    full = training.complete_recipe(recipe)
    generator = torch.Generator().manual_seed(seed)
    free = [parameter for parameter in model.parameters() if parameter.requires_grad]
    if full["optimizer"] == "adam":
        optimizer = torch.optim.Adam(free, lr=full["lr"])
    else:
        optimizer = torch.optim.SGD(free, lr=full["lr"], momentum=full["momentum"])
    history = []
    for _ in range(full["epochs"]):
        losses = []
        for index in torch.randperm(len(data), generator=generator).split(full["batch_size"]):
            each = F.cross_entropy(model(data.images[index]), data.labels[index], reduction="none")
            optimizer.zero_grad()
            each.mean().backward()
            optimizer.step()
            losses.append(each.detach())
        history.append(torch.cat(losses).mean())
    return torch.stack(history)


def both_ways(make_model, seeds, recipe, count=7, change=lambda model: model, **config):
    data = [EdgeDataset({"data_per_class": count, **config}, "train", seed) for seed in seeds]
    alone = [change(model) for model in training.build(make_model, seeds)]
    together = [change(model) for model in training.build(make_model, seeds)]
    history = training.train(together, data, seeds, recipe)
    expected = [plain_loop(*group, recipe) for group in zip(alone, data, seeds, strict=True)]
    return alone, together, torch.stack(expected), history


def largest_difference(first, second):
    pairs = [
        pair for a, b in zip(first, second, strict=True) for pair in zip(a.parameters(), b.parameters(), strict=True)
    ]
    return max((a - b).abs().max().item() for a, b in pairs)


@pytest.mark.parametrize("make_model", MAKERS.values(), ids=MAKERS)
def test_together_equals_alone(make_model):
    alone, together, expected, history = both_ways(make_model, [3, 1, 4], {"epochs": 3, "lr": 0.03})
    assert largest_difference(alone, together) < 1e-5
    assert torch.allclose(history, expected, atol=1e-5)


@pytest.mark.parametrize(
    "recipe", [{"batch_size": 1, "epochs": 1}, {"batch_size": 100}, {"optimizer": "adam"}, {"momentum": 0.0}]
)
def test_together_equals_alone_for_other_recipes(recipe):
    alone, together, expected, history = both_ways(SimpleCNN, [0, 1], {"epochs": 2, **recipe}, count=4)
    assert largest_difference(alone, together) < 2e-5
    assert torch.allclose(history, expected, atol=1e-5)


def test_one_network_and_one_image_per_class():
    alone, together, _, _ = both_ways(SimpleCNN, [2], {"epochs": 3}, count=1, class_type=("vertical",))
    assert largest_difference(alone, together) < 1e-5


def test_scrambled_images():
    alone, together, _, _ = both_ways(ThreeLayerMLP, [0, 1], {"epochs": 2}, use_permutation=True)
    assert largest_difference(alone, together) < 1e-5


def test_frozen_layers_stay():
    def freeze(model):
        model.conv1.requires_grad_(False)
        model.conv2.requires_grad_(False)
        return model

    before = training.build(SimpleCNN, [0, 1])
    alone, together, _, _ = both_ways(SimpleCNN, [0, 1], {"epochs": 3, "lr": 0.1}, change=freeze)
    assert largest_difference(alone, together) < 1e-5
    for old, new in zip(before, together, strict=True):
        assert torch.equal(old.conv1.weight, new.conv1.weight)
        assert torch.equal(old.conv2.bias, new.conv2.bias)
        assert not torch.equal(old.fc.weight, new.fc.weight)


def test_stacked_logits_are_those_of_each_network():
    for make_model in MAKERS.values():
        models = training.build(make_model, [0, 1, 2])
        images = torch.rand(3, 5, 1, 28, 28)
        index = torch.tensor([[0, 4], [3, 3], [2, 1]])
        batch = stacked.take(models[0], stacked.arrange(models[0], images), index)
        logits = stacked.logits(models[0], stacked.stack(models), batch)
        for number, model in enumerate(models):
            assert torch.allclose(logits[number], model(images[number, index[number]]), atol=1e-5)


def test_a_seed_gives_the_same_network_whatever_trains_beside_it():
    first = training.train_seeds(SimpleCNN, 5, [7, 8], {"epochs": 2})[0]
    torch.manual_seed(99)
    second = training.train_seeds(SimpleCNN, 5, [1, 7], {"epochs": 2})[1]
    assert largest_difference([first], [second]) < 1e-6


def test_same_seed_same_result_whatever_the_number_of_threads():
    threads, results = torch.get_num_threads(), []
    try:
        for count in (1, 2, 2):
            torch.set_num_threads(count)
            results.append(training.train_seeds(SimpleCNN, 20, [0, 1], {"epochs": 2}))
            assert torch.get_num_threads() == count
    finally:
        torch.set_num_threads(threads)
    assert largest_difference(results[0], results[1]) == largest_difference(results[1], results[2]) == 0


def test_the_global_generator_is_not_moved():
    torch.manual_seed(3)
    expected = torch.rand(2)
    torch.manual_seed(3)
    training.train_seeds(ThreeLayerMLP, 2, [0], {"epochs": 1})
    assert torch.equal(torch.rand(2), expected)


def test_watch_sees_the_network_at_the_epochs_asked_for():
    seen = []
    models, data = training.build(ThreeLayerMLP, [0]), [EdgeDataset()]

    def watch(epoch, networks):
        seen.append((epoch, training.judge(networks[0], data[0])[0]))

    training.train(models, data, [0], {"epochs": 6}, watch, watch_every=3)
    assert [epoch for epoch, _ in seen] == [0, 3, 6]
    assert seen[0][1] > seen[-1][1]
    assert seen[-1][1] == training.judge(models[0], data[0])[0]


def test_sweep_has_a_row_per_size_and_a_column_per_seed():
    found = training.sweep({"MLP": ThreeLayerMLP}, [2, 30], [0, 1, 2], {"epochs": 20})["MLP"]
    assert found.shape == (2, 3)
    assert (found[1] > found[0]).all()
    again = training.sweep({"MLP": ThreeLayerMLP}, [30], [2, 1], {"epochs": 20})["MLP"]
    assert torch.equal(again[0], found[1, [2, 1]])


def test_judge_is_the_mean_per_image_and_leaves_the_mode():
    model, data = SimpleCNN(num_classes=5), EdgeDataset({"data_per_class": 250, "class_type": FIVE_CLASSES}, "valid")
    model.train()
    loss, accuracy = training.judge(model, data)
    logits = model(data.images)
    assert loss == pytest.approx(F.cross_entropy(logits, data.labels).item(), abs=1e-5)
    assert accuracy == pytest.approx((logits.argmax(1) == data.labels).double().mean().item())
    assert model.training


def test_a_class_never_predicted_is_no_trouble():
    model, data = SimpleCNN(), EdgeDataset()
    with torch.no_grad():
        model.fc.bias[1] = 1000
    assert training.accuracy(model, data) == pytest.approx(1 / 3)


def empty():
    data = EdgeDataset()
    data.images, data.labels = data.images[:0], data.labels[:0]
    return data


def relabelled(label):
    data = EdgeDataset()
    data.labels[4] = label
    return data


@pytest.mark.parametrize("data", [empty(), relabelled(3), relabelled(-1)], ids=["empty", "label 3", "label -1"])
def test_data_that_cannot_be_used_are_refused(data):
    for make_model in (SimpleCNN, ThreeLayerMLP):
        with pytest.raises(ValueError, match=r"above 0|labels"):
            training.train([make_model()], [data], [0], {"epochs": 1})
        with pytest.raises(ValueError, match=r"no images|labels"):
            training.judge(make_model(), data)


def test_groups_that_do_not_go_together_are_refused():
    two, three = EdgeDataset({"data_per_class": 2}), EdgeDataset({"data_per_class": 3})
    with pytest.raises(ValueError, match="one size"):
        training.train([SimpleCNN(), SimpleCNN()], [two, three], [0, 1])
    with pytest.raises(ValueError, match="one architecture"):
        training.train([SimpleCNN(), SimpleCNN(kernel_size=3)], [two, two], [0, 1], {"epochs": 1})
    with pytest.raises(ValueError, match="do not go together"):
        training.train([SimpleCNN()], [two], [0, 1])


@pytest.mark.parametrize(
    "recipe",
    [
        {"epoch": 3},
        {"epochs": -1},
        {"epochs": 1.5},
        {"batch_size": 0},
        {"lr": 0},
        {"momentum": 1},
        {"optimizer": "lion"},
    ],
)
def test_recipes_that_make_no_sense_are_refused(recipe):
    with pytest.raises(ValueError, match=next(iter(recipe))):
        training.complete_recipe(recipe)
