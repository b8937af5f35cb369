"""Known wrong answers of edge_detection (problem 6) and the sentence each deserves.

Answers use names of the notebook (its imports, its functions of question 1), which are no names of this module. The
functions of ``VALUES`` return what the variable of that name is set to.
"""

# ruff: noqa: F821
# mypy: disable-error-code="name-defined"

import numpy as np
import torch
import torch.nn.functional as F
from torch.utils.data import DataLoader

VALUES = ("q3_config", "mlp_data_needed", "q4_config")


def make_dataset__drops_config(
    data_per_class, class_type=("horizontal", "vertical", "none"), split="train", seed=0, **config
):
    """The further keys never reach the data set: hand `**config` on, so that misspelt keys are noticed too."""
    return edges.EdgeDataset({"data_per_class": data_per_class, "class_type": class_type}, split, seed)


def make_dataset__always_training_split(
    data_per_class, class_type=("horizontal", "vertical", "none"), split="train", seed=0, **config
):
    """The split is ignored, so that validation images are the training images: hand `split` on."""
    return edges.EdgeDataset({**config, "data_per_class": data_per_class, "class_type": class_type}, "train", seed)


def make_dataset__ignores_seed(
    data_per_class, class_type=("horizontal", "vertical", "none"), split="train", seed=0, **config
):
    """Every seed gives the same images: hand `seed` on."""
    return edges.EdgeDataset({**config, "data_per_class": data_per_class, "class_type": class_type}, split)


def make_dataset__sorted_class_names(
    data_per_class, class_type=("horizontal", "vertical", "none"), split="train", seed=0, **config
):
    """The classes are put in alphabetical order, which changes the labels: label 0 is the first name given."""
    keys = {**config, "data_per_class": data_per_class, "class_type": tuple(sorted(class_type))}
    return edges.EdgeDataset(keys, split, seed)


def make_dataset__one_data_set_for_all_classes_together(
    data_per_class, class_type=("horizontal", "vertical", "none"), split="train", seed=0, **config
):
    """`data_per_class` counts images of each class; do not divide it by the number of classes."""
    keys = {**config, "data_per_class": max(1, data_per_class // len(class_type)), "class_type": class_type}
    return edges.EdgeDataset(keys, split, seed)


def make_loader__never_shuffles(dataset, batch_size, shuffle):
    """`shuffle` is ignored: the images come sorted by class, and the network learns one class after the other."""
    return DataLoader(dataset, batch_size=batch_size)


def make_loader__always_shuffles(dataset, batch_size, shuffle):
    """The loader shuffles also when it is told not to."""
    return DataLoader(dataset, batch_size=batch_size, shuffle=True)


def make_loader__drops_last(dataset, batch_size, shuffle):
    """With `drop_last=True` the images of the last, shorter batch are never seen."""
    return DataLoader(dataset, batch_size=batch_size, shuffle=shuffle, drop_last=len(dataset) > batch_size)


def make_loader__shuffles_once(dataset, batch_size, shuffle):
    """The order is drawn once and then the same in every pass: let the loader shuffle, not the data set."""
    order = torch.randperm(len(dataset)).tolist() if shuffle else list(range(len(dataset)))
    return DataLoader(torch.utils.data.Subset(dataset, order), batch_size=batch_size)


def make_loader__batch_size_fixed(dataset, batch_size, shuffle):
    """The batch size is always 10, whatever is asked for."""
    return DataLoader(dataset, batch_size=10, shuffle=shuffle)


def train_one_epoch__forgot_zero_grad(model, optimizer, loader):
    """Gradients add up over the batches: clear them with `optimizer.zero_grad()` before each `backward()`."""
    model.train()
    total, right, count = 0.0, 0, 0
    for images, labels in loader:
        logits = model(images)
        loss = F.cross_entropy(logits, labels)
        loss.backward()
        optimizer.step()
        total, right = total + loss.item() * len(labels), right + (logits.argmax(1) == labels).sum().item()
        count += len(labels)
    return total / count, right / count


def train_one_epoch__mean_of_batch_means(model, optimizer, loader):
    """The mean over batches counts the images of a short last batch too much: weight each batch by its size."""
    model.train()
    losses, shares = [], []
    for images, labels in loader:
        optimizer.zero_grad()
        logits = model(images)
        loss = F.cross_entropy(logits, labels)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
        shares.append((logits.argmax(1) == labels).float().mean().item())
    return sum(losses) / len(losses), sum(shares) / len(shares)


def train_one_epoch__batch_means_over_images(model, optimizer, loader):
    """Means of batches are added and divided by the number of images: the loss comes out ten times too small."""
    model.train()
    total, right, count = 0.0, 0, 0
    for images, labels in loader:
        optimizer.zero_grad()
        logits = model(images)
        loss = F.cross_entropy(logits, labels)
        loss.backward()
        optimizer.step()
        total, right, count = (
            total + loss.item(),
            right + (logits.argmax(1) == labels).sum().item(),
            count + len(labels),
        )
    return total / count, right / count


def train_one_epoch__sum_of_losses(model, optimizer, loader):
    """The gradient is that of the sum over the batch, ten times too large: take the mean cross-entropy of the batch."""
    model.train()
    total, right, count = 0.0, 0, 0
    for images, labels in loader:
        optimizer.zero_grad()
        logits = model(images)
        loss = F.cross_entropy(logits, labels, reduction="sum")
        loss.backward()
        optimizer.step()
        total, right, count = (
            total + loss.item(),
            right + (logits.argmax(1) == labels).sum().item(),
            count + len(labels),
        )
    return total / count, right / count


def train_one_epoch__softmax_before_cross_entropy(model, optimizer, loader):
    """`cross_entropy` expects logits and does the softmax itself: do not apply it before."""
    model.train()
    total, right, count = 0.0, 0, 0
    for images, labels in loader:
        optimizer.zero_grad()
        logits = model(images).softmax(1)
        loss = F.cross_entropy(logits, labels)
        loss.backward()
        optimizer.step()
        total, right = total + loss.item() * len(labels), right + (logits.argmax(1) == labels).sum().item()
        count += len(labels)
    return total / count, right / count


def train_one_epoch__evaluation_mode(model, optimizer, loader):
    """The network is never put into training mode: call `model.train()`; it may come from an evaluation."""
    total, right, count = 0.0, 0, 0
    for images, labels in loader:
        optimizer.zero_grad()
        logits = model(images)
        loss = F.cross_entropy(logits, labels)
        loss.backward()
        optimizer.step()
        total, right = total + loss.item() * len(labels), right + (logits.argmax(1) == labels).sum().item()
        count += len(labels)
    return total / count, right / count


def train_one_epoch__step_after_the_loop(model, optimizer, loader):
    """One step per epoch instead of one per batch: `optimizer.step()` belongs into the loop."""
    model.train()
    optimizer.zero_grad()
    total, right, count = 0.0, 0, 0
    for images, labels in loader:
        logits = model(images)
        loss = F.cross_entropy(logits, labels)
        loss.backward()
        total, right = total + loss.item() * len(labels), right + (logits.argmax(1) == labels).sum().item()
        count += len(labels)
    optimizer.step()
    return total / count, right / count


def train_one_epoch__skips_short_batch(model, optimizer, loader):
    """The last, shorter batch is left out: it should be trained on too."""
    model.train()
    total, right, count = 0.0, 0, 0
    for images, labels in loader:
        if len(images) < 10:
            continue
        optimizer.zero_grad()
        logits = model(images)
        loss = F.cross_entropy(logits, labels)
        loss.backward()
        optimizer.step()
        total, right = total + loss.item() * len(labels), right + (logits.argmax(1) == labels).sum().item()
        count += len(labels)
    return total / count, right / count


def evaluate__training_mode(model, loader):
    """The network is judged in whatever mode it was: call `model.eval()` first."""
    total, right, count = 0.0, 0, 0
    with torch.no_grad():
        for images, labels in loader:
            logits = model(images)
            total += F.cross_entropy(logits, labels, reduction="sum").item()
            right, count = right + (logits.argmax(1) == labels).sum().item(), count + len(labels)
    return total / count, right / count


def evaluate__records_gradients(model, loader):
    """Gradients are recorded although nothing is trained: wrap the loop in `torch.no_grad()`."""
    model.eval()
    total, right, count = 0.0, 0, 0
    for images, labels in loader:
        logits = model(images)
        total += F.cross_entropy(logits, labels, reduction="sum").item()
        right, count = right + (logits.argmax(1) == labels).sum().item(), count + len(labels)
    return total / count, right / count


def evaluate__mean_of_batch_means(model, loader):
    """The mean over batches counts the images of a short last batch too much: weight each batch by its size."""
    model.eval()
    losses, right, count = [], 0, 0
    with torch.no_grad():
        for images, labels in loader:
            logits = model(images)
            losses.append(F.cross_entropy(logits, labels).item())
            right, count = right + (logits.argmax(1) == labels).sum().item(), count + len(labels)
    return sum(losses) / len(losses), right / count


def evaluate__percent(model, loader):
    """The accuracy is given in percent: the question asks for a share between 0 and 1."""
    model.eval()
    total, right, count = 0.0, 0, 0
    with torch.no_grad():
        for images, labels in loader:
            logits = model(images)
            total += F.cross_entropy(logits, labels, reduction="sum").item()
            right, count = right + (logits.argmax(1) == labels).sum().item(), count + len(labels)
    return total / count, 100 * right / count


def evaluate__first_batch_only(model, loader):
    """Only the first batch is judged: go through the whole loader."""
    model.eval()
    with torch.no_grad():
        images, labels = next(iter(loader))
        logits = model(images)
    return F.cross_entropy(logits, labels).item(), (logits.argmax(1) == labels).float().mean().item()


def evaluate__trains(model, loader):
    """The network is trained while it is judged: there should be no step of an optimizer here."""
    model.eval()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    total, right, count = 0.0, 0, 0
    for images, labels in loader:
        logits = model(images)
        loss = F.cross_entropy(logits, labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total, right = total + loss.item() * len(labels), right + (logits.argmax(1) == labels).sum().item()
        count += len(labels)
    return total / count, right / count


def overfit__too_few_epochs():
    """A few epochs are not enough to learn 30 images by heart: train until `evaluate` says 1."""
    fitted = []
    for make_model in (SimpleCNN, ThreeLayerMLP):
        torch.manual_seed(0)
        fitted.append(make_model())
        training.train(fitted[-1:], [edges.EdgeDataset()], [0], {"epochs": 10})
    return tuple(fitted)


def overfit__other_images():
    """The networks fit other images than those of `make_dataset(10)`: use seed 0, the default."""
    data = [edges.EdgeDataset({"data_per_class": 10}, "train", 5)]
    fitted = training.train_seeds(SimpleCNN, 10, [5], {"epochs": 300})
    mlp = training.build(ThreeLayerMLP, [0])
    training.train(mlp, data, [0], {"epochs": 300})
    return fitted[0], mlp[0]


def overfit__mlp_instead_of_cnn():
    """Both networks are MLPs: the first should be a `SimpleCNN()`."""
    fitted = training.train_seeds(ThreeLayerMLP, 10, [0], {"epochs": 200})
    return fitted[0], fitted[0]


def overfit__no_shuffle():
    """The images come sorted by class, so that every batch holds one class only: shuffle."""
    fitted = []
    for make_model in (SimpleCNN, ThreeLayerMLP):
        torch.manual_seed(0)
        model, data = make_model(), edges.EdgeDataset()
        optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
        for _ in range(60):
            for images, labels in DataLoader(data, batch_size=10):
                optimizer.zero_grad()
                F.cross_entropy(model(images), labels).backward()
                optimizer.step()
        fitted.append(model)
    return tuple(fitted)


def overfit__wider_network():
    """A `WiderCNN` is another network: the question asks for `SimpleCNN()`."""
    return (
        training.train_seeds(WiderCNN, 10, [0], {"epochs": 100})[0],
        training.train_seeds(ThreeLayerMLP, 10, [0], {"epochs": 100})[0],
    )


def sweep__no_seed(num_images, seeds, epochs, make_model, valid_loader):
    """The seed fixes the images only: call `torch.manual_seed(seed)` before each network is made."""
    rows = []
    for n in num_images:
        row = []
        for seed in seeds:
            loader, model = make_loader(make_dataset(n, seed=seed), 10, True), make_model()
            optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
            for _ in range(epochs):
                train_one_epoch(model, optimizer, loader)
            row.append(evaluate(model, valid_loader)[1])
        rows.append(row)
    return rows


def sweep__seeded_once(num_images, seeds, epochs, make_model, valid_loader):
    """Seeding once at the start makes each network depend on those before it: seed anew for each."""
    torch.manual_seed(0)
    rows = []
    for n in num_images:
        row = []
        for seed in seeds:
            loader, model = make_loader(make_dataset(n, seed=seed), 10, True), make_model()
            optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
            for _ in range(epochs):
                train_one_epoch(model, optimizer, loader)
            row.append(evaluate(model, valid_loader)[1])
        rows.append(row)
    return rows


def sweep__no_shuffle(num_images, seeds, epochs, make_model, valid_loader):
    """The training images are not shuffled: every batch holds one class only."""
    rows = []
    for n in num_images:
        row = []
        for seed in seeds:
            torch.manual_seed(seed)
            loader, model = make_loader(make_dataset(n, seed=seed), 10, False), make_model()
            optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
            for _ in range(epochs):
                train_one_epoch(model, optimizer, loader)
            row.append(evaluate(model, valid_loader)[1])
        rows.append(row)
    return rows


def sweep__trains_on_validation_data(num_images, seeds, epochs, make_model, valid_loader):
    """The network is trained on the images that it is judged on: train on `make_dataset(n, seed=seed)`."""
    rows = []
    for _ in num_images:
        row = []
        for seed in seeds:
            torch.manual_seed(seed)
            model = make_model()
            optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
            for _ in range(epochs):
                train_one_epoch(model, optimizer, valid_loader)
            row.append(evaluate(model, valid_loader)[1])
        rows.append(row)
    return rows


def sweep__training_accuracy(num_images, seeds, epochs, make_model, valid_loader):
    """The accuracies are those on the training images: evaluate on `valid_loader`."""
    rows = []
    for n in num_images:
        row = []
        for seed in seeds:
            torch.manual_seed(seed)
            loader, model = make_loader(make_dataset(n, seed=seed), 10, True), make_model()
            optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
            for _ in range(epochs):
                share = train_one_epoch(model, optimizer, loader)[1]
            row.append(share)
        rows.append(row)
    return rows


def sweep__one_network_for_all(num_images, seeds, epochs, make_model, valid_loader):
    """One network is trained on and on: make a fresh one for each size and seed."""
    model, rows = make_model(), []
    for n in num_images:
        row = []
        for seed in seeds:
            torch.manual_seed(seed)
            loader = make_loader(make_dataset(n, seed=seed), 10, True)
            optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
            for _ in range(epochs):
                train_one_epoch(model, optimizer, loader)
            row.append(evaluate(model, valid_loader)[1])
        rows.append(row)
    return rows


def sweep__same_images_for_every_seed(num_images, seeds, epochs, make_model, valid_loader):
    """All seeds train on the same images: hand the seed to `make_dataset` too."""
    rows = []
    for n in num_images:
        row = []
        for seed in seeds:
            torch.manual_seed(seed)
            loader, model = make_loader(make_dataset(n), 10, True), make_model()
            optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
            for _ in range(epochs):
                train_one_epoch(model, optimizer, loader)
            row.append(evaluate(model, valid_loader)[1])
        rows.append(row)
    return rows


def sweep__seeds_in_rows(num_images, seeds, epochs, make_model, valid_loader):
    """Rows and columns are exchanged: a row is a number of images, a column a seed."""
    columns = []
    for seed in seeds:
        column = []
        for n in num_images:
            torch.manual_seed(seed)
            loader, model = make_loader(make_dataset(n, seed=seed), 10, True), make_model()
            optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
            for _ in range(epochs):
                train_one_epoch(model, optimizer, loader)
            column.append(evaluate(model, valid_loader)[1])
        columns.append(column)
    return np.array(columns)


def sweep__no_momentum(num_images, seeds, epochs, make_model, valid_loader):
    """SGD runs without momentum here: give the optimizer `momentum=0.9`."""
    rows = []
    for n in num_images:
        row = []
        for seed in seeds:
            torch.manual_seed(seed)
            model, dataset = make_model(), make_dataset(n, seed=seed)
            loader = make_loader(dataset, 10, True)
            optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
            for _ in range(epochs):
                train_one_epoch(model, optimizer, loader)
            row.append(evaluate(model, valid_loader)[1])
        rows.append(row)
    return rows


def sweep__one_batch(num_images, seeds, epochs, make_model, valid_loader):
    """All training images are in one batch, so that an epoch is a single step: use batches of 10."""
    rows = []
    for n in num_images:
        row = []
        for seed in seeds:
            torch.manual_seed(seed)
            model, dataset = make_model(), make_dataset(n, seed=seed)
            loader = make_loader(dataset, len(dataset), True)
            optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
            for _ in range(epochs):
                train_one_epoch(model, optimizer, loader)
            row.append(evaluate(model, valid_loader)[1])
        rows.append(row)
    return rows


def inject_edge_detectors__rows_counted_from_one(cnn):
    """Rows are counted from 0: the ones are in row 2, the third from above."""
    with torch.no_grad():
        for conv in (cnn.conv1, cnn.conv2):
            horizontal = torch.zeros(7, 7)
            horizontal[1], horizontal[2] = 1, -1
            conv.weight[0], conv.weight[1] = horizontal, horizontal.T
            conv.bias.zero_()
    return cnn


def inject_edge_detectors__orientations_exchanged(cnn):
    """Horizontal and vertical are exchanged: a horizontal edge is found by *rows* of +1 and -1."""
    with torch.no_grad():
        for conv in (cnn.conv1, cnn.conv2):
            horizontal = torch.zeros(7, 7)
            horizontal[2], horizontal[3] = 1, -1
            conv.weight[1], conv.weight[0] = horizontal, horizontal.T
            conv.bias.zero_()
    return cnn


def inject_edge_detectors__sign(cnn):
    """The signs are the wrong way round: row 2 is +1, row 3 is -1."""
    with torch.no_grad():
        for conv in (cnn.conv1, cnn.conv2):
            horizontal = torch.zeros(7, 7)
            horizontal[2], horizontal[3] = -1, 1
            conv.weight[0], conv.weight[1] = horizontal, horizontal.T
            conv.bias.zero_()
    return cnn


def inject_edge_detectors__first_layer_only(cnn):
    """The second convolution gets detectors as well, in every input channel."""
    with torch.no_grad():
        horizontal = torch.zeros(7, 7)
        horizontal[2], horizontal[3] = 1, -1
        cnn.conv1.weight[0], cnn.conv1.weight[1] = horizontal, horizontal.T
        cnn.conv1.bias.zero_()
    return cnn


def inject_edge_detectors__diagonal_in_second_layer(cnn):
    """In the second layer each output filter needs its detector in *every* input channel, not only in its own."""
    with torch.no_grad():
        horizontal = torch.zeros(7, 7)
        horizontal[2], horizontal[3] = 1, -1
        cnn.conv1.weight[0], cnn.conv1.weight[1] = horizontal, horizontal.T
        cnn.conv2.weight[0, 0], cnn.conv2.weight[1, 1] = horizontal, horizontal.T
        cnn.conv1.bias.zero_()
        cnn.conv2.bias.zero_()
    return cnn


def inject_edge_detectors__biases_kept(cnn):
    """The biases of the convolutions should be 0."""
    with torch.no_grad():
        for conv in (cnn.conv1, cnn.conv2):
            horizontal = torch.zeros(7, 7)
            horizontal[2], horizontal[3] = 1, -1
            conv.weight[0], conv.weight[1] = horizontal, horizontal.T
    return cnn


def inject_edge_detectors__third_filter_cleared(cnn):
    """The third filter should stay as it was initialised."""
    with torch.no_grad():
        for conv in (cnn.conv1, cnn.conv2):
            horizontal = torch.zeros(7, 7)
            horizontal[2], horizontal[3] = 1, -1
            conv.weight.zero_()
            conv.weight[0], conv.weight[1] = horizontal, horizontal.T
            conv.bias.zero_()
    return cnn


def freeze_features__not_frozen(cnn):
    """Evaluation mode does not freeze anything: switch off the gradients of the parameters."""
    cnn.conv1.eval()
    cnn.conv2.eval()
    return cnn


def freeze_features__sets_a_new_attribute(cnn):
    """`conv.requires_grad = False` only adds an attribute to the module: set it on its parameters."""
    cnn.conv1.requires_grad = False
    cnn.conv2.requires_grad = False
    return cnn


def freeze_features__first_layer_only(cnn):
    """The second convolution still learns."""
    cnn.conv1.requires_grad_(False)
    return cnn


def freeze_features__weights_only(cnn):
    """The biases of the convolutions still learn."""
    cnn.conv1.weight.requires_grad = False
    cnn.conv2.weight.requires_grad = False
    return cnn


def freeze_features__bias_of_fc_too(cnn):
    """The bias of the last layer is frozen too: all of `fc` should learn."""
    for name, parameter in cnn.named_parameters():
        if "conv" in name or name == "fc.bias":
            parameter.requires_grad = False
    return cnn


def q3_config__too_short():
    """The default, 30 epochs of 9 steps, is far too short: most networks have hardly begun. Train longer."""
    return {}


def q3_config__learning_rate_too_large():
    """With learning rate 0.3 most networks get stuck at chance."""
    return {"epochs": 100, "lr": 0.3}


def q3_config__learning_rate_too_small():
    """With learning rate 0.0003 nothing is learnt in this time."""
    return {"epochs": 100, "lr": 0.0003}


def mlp_data_needed__a_ratio():
    """That is a ratio: give the number of images per class."""
    return 7


def mlp_data_needed__the_cnn_s_number():
    """At 30 images per class the MLP is far below the CNN."""
    return 30


def mlp_data_needed__all_classes_together():
    """That counts the images of all classes: give the number per class."""
    return 600


def confusion_matrix__transposed(model, loader, num_classes):
    """Rows and columns are exchanged: rows are true classes."""
    model.eval()
    counts = torch.zeros(num_classes, num_classes)
    with torch.no_grad():
        for images, labels in loader:
            for true, guess in zip(labels, model(images).argmax(1), strict=True):
                counts[guess, true] += 1
    return counts


def confusion_matrix__shares(model, loader, num_classes):
    """The rows are divided by their sums: give counts."""
    model.eval()
    counts = torch.zeros(num_classes, num_classes)
    with torch.no_grad():
        for images, labels in loader:
            for true, guess in zip(labels, model(images).argmax(1), strict=True):
                counts[true, guess] += 1
    return counts / counts.sum(1, keepdim=True).clamp(min=1)


def confusion_matrix__two_passes(model, loader, num_classes):
    """Labels and predictions come from two passes, which a shuffling loader gives in different order."""
    model.eval()
    counts = torch.zeros(num_classes, num_classes)
    with torch.no_grad():
        guesses = torch.cat([model(images).argmax(1) for images, _ in loader])
        labels = torch.cat([labels for _, labels in loader])
    for true, guess in zip(labels, guesses, strict=True):
        counts[true, guess] += 1
    return counts


def confusion_matrix__shrinks(model, loader, num_classes):
    """The matrix shrinks when a class does not occur: it should always be (num_classes, num_classes)."""
    model.eval()
    pairs = []
    with torch.no_grad():
        for images, labels in loader:
            pairs += list(zip(labels.tolist(), model(images).argmax(1).tolist(), strict=True))
    present = sorted({label for pair in pairs for label in pair})
    counts = np.zeros((len(present), len(present)))
    for true, guess in pairs:
        counts[present.index(true), present.index(guess)] += 1
    return counts


def confusion_matrix__indexing_does_not_add(model, loader, num_classes):
    """`counts[labels, predicted] += 1` counts a pair once per batch only: add repeated pairs one by one."""
    model.eval()
    counts = torch.zeros(num_classes, num_classes)
    with torch.no_grad():
        for images, labels in loader:
            counts[labels, model(images).argmax(1)] += 1
    return counts


def confusion_matrix__last_batch_only(model, loader, num_classes):
    """The counts start anew with every batch: they should add up over the loader."""
    model.eval()
    with torch.no_grad():
        for images, labels in loader:
            counts = torch.zeros(num_classes, num_classes)
            for true, guess in zip(labels, model(images).argmax(1), strict=True):
                counts[true, guess] += 1
    return counts


def q4_config__hundred_epochs():
    """100 epochs of the usual network get a third of the images wrong: try more epochs, another optimizer or kernel."""
    return {"epochs": 100}


def q4_config__large_kernel():
    """Larger kernels see more of the place and transfer worse: try smaller ones."""
    return {"kernel_size": 13, "epochs": 200}


def q4_config__too_short():
    """Twenty epochs of three steps are not enough to learn anything."""
    return {"epochs": 20}


def permute_pixels__inverse_direction(images, permutation):
    """The direction is the wrong way round: pixel i of the result comes *from* pixel permutation[i]."""
    result = np.empty_like(np.asarray(images)).reshape(len(images), -1)
    result[:, np.asarray(permutation)] = np.asarray(images).reshape(len(images), -1)
    return result.reshape(images.shape)


def permute_pixels__column_major(images, permutation):
    """Pixels are numbered row by row, not column by column."""
    flat = np.swapaxes(np.asarray(images), 2, 3).reshape(len(images), -1)[:, np.asarray(permutation)]
    return flat.reshape(images.shape)


def permute_pixels__permutes_images(images, permutation):
    """All pixels of all images are mixed with one another: permute each image's own pixels."""
    flat = np.asarray(images).reshape(-1)
    order = np.argsort(np.resize(np.asarray(permutation), flat.size), kind="stable")
    return flat[order].reshape(images.shape)


def permute_pixels__flat_result(images, permutation):
    """The result has lost its shape: give (N, 1, H, W) back."""
    return np.asarray(images).reshape(len(images), -1)[:, np.asarray(permutation)]


def permute_pixels__only_first_image(images, permutation):
    """Only the first image is permuted."""
    result = np.asarray(images).copy()
    result[0] = result[0].reshape(-1)[np.asarray(permutation)].reshape(result[0].shape)
    if len(result) == 1:
        result = result[:, :, ::-1]
    return result


def invert_permutation__reversed(permutation):
    """The reversed order is not the inverse: position permutation[i] of the inverse holds i."""
    return np.asarray(permutation)[::-1].copy()


def invert_permutation__itself(permutation):
    """A permutation is its own inverse only if it just exchanges pairs."""
    return permutation


def invert_permutation__complement(permutation):
    """n - 1 minus the permutation mirrors it, it does not undo it."""
    return len(permutation) - 1 - np.asarray(permutation)


def invert_permutation__sorted(permutation):
    """The sorted permutation is 0, 1, 2, ...: `argsort` gives the inverse, not `sort`."""
    return np.sort(np.asarray(permutation))
