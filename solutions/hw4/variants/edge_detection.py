"""Correct answers of edge_detection (problem 6) in other styles.

Answers to later questions use the notebook's functions of question 1, which are no names of this module. The functions
of ``VALUES`` return what the variable of that name is set to.
"""

# ruff: noqa: F821
# mypy: disable-error-code="name-defined"

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, Dataset

from hw4kit import edges, training
from hw4kit.models import SimpleCNN, ThreeLayerMLP

VALUES = ("q3_config", "mlp_data_needed", "q4_config")


def make_dataset__dict_call(data_per_class, class_type=edges.CLASSES, split="train", seed=0, **config):
    """A configuration built with dict()."""
    return edges.EdgeDataset(dict(config, data_per_class=data_per_class, class_type=class_type), split, seed)


def make_dataset__all_defaults_written_out(
    data_per_class, class_type=("horizontal", "vertical", "none"), split="train", seed=0, **config
):
    """Starts from a copy of the defaults."""
    keys = edges.DEFAULTS.copy()
    keys.update(config)
    keys["data_per_class"] = data_per_class
    keys["class_type"] = list(class_type)
    keys["num_classes"] = len(class_type)
    return edges.EdgeDataset(config=keys, split=split, seed=seed)


def make_dataset__subclass(data_per_class, class_type=edges.CLASSES, split="train", seed=0, **config):
    """A subclass of EdgeDataset whose labels are plain integers."""

    class Mine(edges.EdgeDataset):
        def __getitem__(self, index):
            return self.images[index], int(self.labels[index])

    return Mine({**config, "data_per_class": data_per_class, "class_type": class_type}, split, seed)


def make_dataset__wrapped(data_per_class, class_type=edges.CLASSES, split="train", seed=0, **config):
    """A data set of its own around an EdgeDataset."""

    class Wrapped(Dataset):
        def __init__(self, inner):
            self.inner = inner
            self.images, self.labels = inner.images, inner.labels

        def __len__(self):
            return len(self.inner)

        def __getitem__(self, index):
            return self.inner[index]

    keys = {"data_per_class": data_per_class, "class_type": class_type, "num_classes": len(class_type), **config}
    return Wrapped(edges.EdgeDataset(keys, split, seed))


def make_dataset__keyword_config(
    data_per_class, class_type=("horizontal", "vertical", "none"), split="train", seed=0, **config
):
    """Adds to the dictionary it was given."""
    config["data_per_class"] = int(data_per_class)
    config["class_type"] = tuple(class_type)
    return edges.EdgeDataset(seed=seed, split=split, config=config)


def make_dataset__tensors(data_per_class, class_type=edges.CLASSES, split="train", seed=0, **config):
    """A TensorDataset of the images and labels."""
    data = edges.EdgeDataset({"data_per_class": data_per_class, "class_type": class_type} | config, split, seed)
    return torch.utils.data.TensorDataset(data.images, torch.as_tensor(data.labels))


def make_loader__positional(dataset, batch_size, shuffle):
    """All arguments by position."""
    return DataLoader(dataset, batch_size, shuffle)


def make_loader__own_generator(dataset, batch_size, shuffle):
    """A generator of its own, seeded from torch's global one."""
    generator = torch.Generator().manual_seed(int(torch.randint(2**31, ())))
    return DataLoader(dataset, batch_size=batch_size, shuffle=shuffle, generator=generator)


def make_loader__sampler(dataset, batch_size, shuffle):
    """An explicit sampler."""
    kind = torch.utils.data.RandomSampler if shuffle else torch.utils.data.SequentialSampler
    return DataLoader(dataset, batch_size=batch_size, sampler=kind(dataset))


def make_loader__batch_sampler(dataset, batch_size, shuffle):
    """An explicit batch sampler that keeps the short batch."""
    kind = torch.utils.data.RandomSampler if shuffle else torch.utils.data.SequentialSampler
    batches = torch.utils.data.BatchSampler(kind(dataset), batch_size, drop_last=False)
    return DataLoader(dataset, batch_sampler=batches)


def make_loader__own_collate(dataset, batch_size, shuffle):
    """Stacks the items itself."""

    def stack(items):
        images, labels = zip(*items, strict=True)
        return torch.stack(images), torch.tensor([int(label) for label in labels])

    return DataLoader(dataset, batch_size=batch_size, shuffle=bool(shuffle), collate_fn=stack)


def make_loader__keywords(dataset, batch_size, shuffle):
    """Keywords in a dictionary, defaults written out."""
    settings = {"batch_size": int(batch_size), "shuffle": shuffle, "drop_last": False, "num_workers": 0}
    return DataLoader(dataset=dataset, **settings)


def train_one_epoch__zero_grad_after_step(model, optimizer, loader):
    """Clears the gradients after the step, and once before the loop."""
    model.train()
    optimizer.zero_grad()
    losses, hits = [], []
    for images, labels in loader:
        logits = model(images)
        each = F.cross_entropy(logits, labels, reduction="none")
        each.mean().backward()
        optimizer.step()
        optimizer.zero_grad(set_to_none=False)
        losses.append(each.detach())
        hits.append(logits.detach().argmax(1) == labels)
    return torch.cat(losses).mean(), torch.cat(hits).float().mean()


def train_one_epoch__module_loss(model, optimizer, loader):
    """nn.CrossEntropyLoss and sums in tensors; returns a list of numpy numbers."""
    criterion = nn.CrossEntropyLoss()
    model.train(True)
    total, right = torch.zeros(()), torch.zeros(())
    for images, labels in loader:
        model.zero_grad()
        logits = model(images)
        loss = criterion(logits, labels)
        loss.backward()
        optimizer.step()
        total += loss.detach() * images.shape[0]
        right += (logits.max(dim=1).indices == labels).sum()
    return [np.float32(total / len(loader.dataset)), np.float32(right / len(loader.dataset))]


def train_one_epoch__log_softmax(model, optimizer, loader):
    """Log softmax and negative log likelihood by hand."""
    model.train()
    total, right, count = 0.0, 0, 0
    for images, labels in loader:
        logits = model(images)
        picked = torch.log_softmax(logits, dim=1)[torch.arange(len(labels)), labels]
        loss = -picked.mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total -= float(picked.detach().sum())
        right += int((logits.argmax(-1) == labels).sum())
        count += labels.numel()
    return (total / count, right / count)


def train_one_epoch__autograd_grad(model, optimizer, loader):
    """Gradients from torch.autograd.grad, put into .grad by hand; the loss divided by the batch size."""
    model.train()
    parameters = list(model.parameters())
    losses = weights = hits = 0.0
    for images, labels in loader:
        logits = model(images)
        loss = F.cross_entropy(logits, labels, reduction="sum") / len(images)
        for parameter, gradient in zip(parameters, torch.autograd.grad(loss, parameters), strict=True):
            parameter.grad = gradient
        optimizer.step()
        losses += loss.item() * len(images)
        weights += len(images)
        hits += logits.argmax(1).eq(labels).sum().item()
    return losses / weights, hits / weights


def train_one_epoch__enumerate(model, optimizer, loader):
    """Forgets the old gradients by setting them to None; sums in float64 tensors."""
    model.train()
    sums = torch.zeros(3, dtype=torch.float64)
    for _, batch in enumerate(loader):
        images, labels = batch[0], batch[1]
        for parameter in model.parameters():
            parameter.grad = None
        logits = model(images)
        loss = F.cross_entropy(logits, labels)
        loss.backward()
        optimizer.step()
        with torch.no_grad():
            hits = (logits.softmax(1).argmax(1) == labels).sum()
            sums += torch.tensor([loss * len(images), hits, len(images)], dtype=torch.float64)
    return (sums[:2] / sums[2]).tolist()


def train_one_epoch__closure(model, optimizer, loader):
    """The step gets a closure, as for LBFGS."""
    model.train()
    losses, hits, sizes = [], [], []
    for images, labels in loader:

        def closure(images=images, labels=labels):
            optimizer.zero_grad()
            logits = model(images)
            loss = F.nll_loss(F.log_softmax(logits, 1), labels)
            loss.backward()
            hits.append(int((logits.argmax(1) == labels).sum()))
            return loss

        losses.append(float(optimizer.step(closure)))
        sizes.append(len(labels))
    return np.average(losses, weights=sizes), sum(hits) / sum(sizes)


def evaluate__one_cat(model, loader):
    """All logits and labels in one tensor each."""
    model.eval()
    with torch.inference_mode():
        pairs = [(model(images), labels) for images, labels in loader]
    logits, labels = torch.cat([pair[0] for pair in pairs]), torch.cat([pair[1] for pair in pairs])
    return F.cross_entropy(logits, labels), (logits.argmax(1) == labels).double().mean()


@torch.no_grad()
def evaluate__decorated(model, loader):
    """The decorator instead of the block, mode restored afterwards."""
    before = model.training
    model.eval()
    total, right, count = 0.0, 0.0, 0
    for images, labels in loader:
        logits = model(images)
        total += F.cross_entropy(logits, labels).item() * images.size(0)
        right += (logits.argmax(1) == labels).float().mean().item() * images.size(0)
        count += images.size(0)
    model.train(before)
    return total / count, right / count


def evaluate__numpy(model, loader):
    """Logits to numpy, everything else there in float64."""
    model.train(False)
    losses, hits = [], []
    for images, labels in loader:
        with torch.no_grad():
            logits = model(images).numpy().astype(np.float64)
        true = labels.numpy()
        shifted = logits - logits.max(axis=1, keepdims=True)
        losses += list(np.log(np.exp(shifted).sum(axis=1)) - shifted[np.arange(len(true)), true])
        hits += list(logits.argmax(axis=1) == true)
    return np.mean(losses), np.mean(hits)


def evaluate__image_by_image(model, loader):
    """One image at a time."""
    model.eval()
    total, right, count = 0.0, 0, 0
    with torch.set_grad_enabled(False):
        for images, labels in loader:
            for image, label in zip(images, labels, strict=True):
                logits = model(image[None])
                total += F.cross_entropy(logits, label[None]).item()
                right += int(logits.argmax() == label)
                count += 1
    return [total / count, right / count]


def evaluate__module_loss(model, loader):
    """nn.CrossEntropyLoss that sums; tensors come back."""
    criterion = nn.CrossEntropyLoss(reduction="sum")
    model.eval()
    loss, right, count = torch.zeros(()), torch.zeros((), dtype=torch.int64), 0
    for batch in loader:
        with torch.no_grad():
            logits = model(batch[0])
            loss = loss + criterion(logits, batch[1])
            right = right + torch.eq(logits.max(1)[1], batch[1]).sum()
        count += batch[1].numel()
    return torch.stack([loss / count, right / count])


def evaluate__weighted_means(model, loader):
    """Means of the batches, weighted by their sizes."""
    model.eval()
    losses, shares, sizes = [], [], []
    with torch.no_grad():
        for images, labels in loader:
            logits = model(images)
            losses.append(F.cross_entropy(logits, labels).item())
            shares.append((logits.argmax(1) == labels).float().mean().item())
            sizes.append(len(labels))
    return np.average(losses, weights=sizes), np.average(shares, weights=sizes)


def overfit__training_together():
    """The kit's training, in chunks, until everything is right."""
    data, fitted = [edges.EdgeDataset({"data_per_class": 10})], []
    for make_model in (SimpleCNN, ThreeLayerMLP):
        for seed in range(8):
            models = training.build(make_model, [seed])
            for chunk in range(10):
                training.train(models, data, [chunk], {"epochs": 60})
                if training.accuracy(models[0], data[0]) == 1:
                    break
            if training.accuracy(models[0], data[0]) == 1:
                break
        fitted.append(models[0])
    return fitted


def overfit__adam():
    """Adam on all 30 images at once."""
    data, fitted = make_dataset(10), []
    for make_model in (ThreeLayerMLP, SimpleCNN):
        for seed in range(20):
            torch.manual_seed(seed)
            model = make_model()
            optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
            for _ in range(600):
                optimizer.zero_grad()
                logits = model(data.images)
                F.cross_entropy(logits, data.labels).backward()
                optimizer.step()
                if evaluate(model, [(data.images, data.labels)])[1] == 1:
                    break
            else:
                continue
            break
        fitted.insert(0, model)
    return tuple(fitted)


def overfit__running_accuracy():
    """Stops when the running accuracy has been 1 for a few epochs; larger learning rate."""
    result = []
    for make_model in (SimpleCNN, ThreeLayerMLP):
        seed, good = 3, 0
        while good < 5:
            torch.manual_seed(seed)
            model, good = make_model(), 0
            optimizer = torch.optim.SGD(model.parameters(), lr=0.02, momentum=0.9)
            loader = make_loader(make_dataset(10), 10, True)
            for _ in range(500):
                good = good + 1 if train_one_epoch(model, optimizer, loader)[1] == 1 else 0
                if good == 5:
                    break
            seed += 1
        result.append(model)
    return result


def overfit__fixed_epochs():
    """A fixed number of epochs, and the next seed where that was not enough."""
    cnn = mlp = None
    for seed in range(20):
        if cnn is None:
            models = training.build(SimpleCNN, [seed])
            training.train(models, [make_dataset(10)], [seed], {"epochs": 400})
            cnn = models[0] if training.accuracy(models[0], make_dataset(10)) == 1 else None
        if mlp is None:
            models = training.build(ThreeLayerMLP, [seed])
            training.train(models, [make_dataset(10)], [seed], {"epochs": 300})
            mlp = models[0] if training.accuracy(models[0], make_dataset(10)) == 1 else None
    return cnn, mlp


def overfit__whole_batch():
    """Plain gradient descent on all 30 images at once, with momentum."""
    dataset, found = make_dataset(10), {}
    for make_model in (SimpleCNN, ThreeLayerMLP):
        loader = make_loader(dataset, len(dataset), shuffle=False)
        for seed in range(30):
            torch.manual_seed(seed)
            model = make_model()
            optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
            for _ in range(800):
                if train_one_epoch(model, optimizer, loader)[1] == 1 and evaluate(model, loader)[1] == 1:
                    found[make_model.__name__] = model
                    break
            if make_model.__name__ in found:
                break
    return found["SimpleCNN"], found["ThreeLayerMLP"]


def overfit__best_of_seeds():
    """Keeps the network with the best accuracy over seeds; batches of five."""
    images = make_loader(make_dataset(10), 30, False)
    best = []
    for make_model in (SimpleCNN, ThreeLayerMLP):
        kept, highest = None, -1.0
        for seed in range(12):
            torch.manual_seed(100 + seed)
            model = make_model()
            optimizer = torch.optim.Adam(model.parameters(), lr=0.005)
            loader = make_loader(make_dataset(10), 5, True)
            for _ in range(150):
                train_one_epoch(model, optimizer, loader)
            share = float(evaluate(model, images)[1])
            if share > highest:
                kept, highest = model, share
            if highest == 1:
                break
        best.append(kept)
    return tuple(best)


def sweep__dictionary(num_images, seeds, epochs, make_model, valid_loader):
    """Seeds outside, sizes inside, kept in a dictionary."""
    found = {}
    for seed in seeds:
        for n in num_images:
            torch.manual_seed(seed)
            model = make_model()
            data = make_loader(make_dataset(n, seed=seed), 10, True)
            sgd = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
            for _ in range(epochs):
                train_one_epoch(model, sgd, data)
            found[n, seed] = evaluate(model, valid_loader)[1]
    return [[found[n, seed] for seed in seeds] for n in num_images]


def sweep__helper(num_images, seeds, epochs, make_model, valid_loader):
    """A helper per network; numpy array as the result."""

    def one(n, seed):
        data = make_dataset(n, seed=seed)
        torch.manual_seed(seed + 1)
        model = make_model()
        optimizer = torch.optim.SGD(model.parameters(), 0.01, 0.9)
        loader = make_loader(data, 10, shuffle=True)
        for _ in range(epochs):
            train_one_epoch(model, optimizer, loader)
        return float(evaluate(model, valid_loader)[1])

    return np.array([[one(n, seed) for seed in seeds] for n in num_images])


def sweep__seed_again_for_order(num_images, seeds, epochs, make_model, valid_loader):
    """The weights from one seed, the order from a second call of manual_seed."""
    result = np.zeros((len(num_images), len(seeds)), dtype=np.float32)
    for i, n in enumerate(num_images):
        for j, seed in enumerate(seeds):
            torch.manual_seed(seed)
            model = make_model()
            torch.manual_seed(1000 + seed)
            loader = make_loader(make_dataset(n, seed=seed), 10, True)
            optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
            for _ in range(epochs):
                train_one_epoch(model, optimizer, loader)
            result[i, j] = evaluate(model, valid_loader)[1]
    return torch.from_numpy(result)


def sweep__own_loop(num_images, seeds, epochs, make_model, valid_loader):
    """Its own training loop on tensors, without the functions of question 1."""
    table = torch.empty(len(num_images), len(seeds), dtype=torch.float64)
    for i, n in enumerate(num_images):
        for j, seed in enumerate(seeds):
            data = edges.EdgeDataset({"data_per_class": n}, "train", seed)
            torch.manual_seed(seed)
            model = make_model()
            model.train()
            optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
            for _ in range(epochs):
                for index in torch.randperm(len(data)).split(10):
                    optimizer.zero_grad()
                    F.cross_entropy(model(data.images[index]), data.labels[index]).backward()
                    optimizer.step()
            model.eval()
            with torch.no_grad():
                hits = [(model(images).argmax(1) == labels) for images, labels in valid_loader]
            table[i, j] = torch.cat(hits).double().mean()
    return table


def sweep__rows(num_images, seeds, epochs, make_model, valid_loader):
    """Row by row, from lists; percent divided again."""
    rows = []
    for n in num_images:
        row = []
        for seed in seeds:
            torch.manual_seed(seed)
            network, dataset = make_model(), make_dataset(n, seed=seed)
            loader = make_loader(dataset, batch_size=10, shuffle=True)
            optimizer = torch.optim.SGD(network.parameters(), lr=1e-2, momentum=0.9)
            epoch = 0
            while epoch < epochs:
                train_one_epoch(network, optimizer, loader)
                epoch += 1
            _, accuracy = evaluate(network, valid_loader)
            row.append(100 * float(accuracy))
        rows.append(torch.tensor(row) / 100)
    return torch.stack(rows)


def sweep__every_pair(num_images, seeds, epochs, make_model, valid_loader):
    """One loop over all pairs; the accuracy is taken after every epoch, the last one kept."""
    pairs = [(n, seed) for n in num_images for seed in seeds]
    accuracies = []
    for n, seed in pairs:
        torch.manual_seed(seed)
        loader = make_loader(make_dataset(n, split="train", seed=seed), 10, True)
        model = make_model()
        sgd = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
        after = []
        for _ in range(epochs):
            train_one_epoch(model, sgd, loader)
            after.append(evaluate(model, valid_loader)[1])
        accuracies.append(after[-1])
    return np.reshape(accuracies, (len(num_images), len(seeds)))


def inject_edge_detectors__data_attribute(cnn):
    """Writes into .data."""
    for layer in (cnn.conv1, cnn.conv2):
        for filter_, lines in ((0, (slice(2, 3), slice(None))), (1, (slice(None), slice(2, 3)))):
            layer.weight.data[filter_] = 0.0
            layer.weight.data[(filter_, slice(None), *lines)] = 1.0
            shifted = tuple(slice(3, 4) if s == slice(2, 3) else s for s in lines)
            layer.weight.data[(filter_, slice(None), *shifted)] = -1.0
        layer.bias.data.fill_(0)
    return cnn


def inject_edge_detectors__loops(cnn):
    """Entry by entry."""
    with torch.no_grad():
        for conv in (cnn.conv1, cnn.conv2):
            for channel in range(conv.weight.shape[1]):
                for row in range(7):
                    for column in range(7):
                        conv.weight[0, channel, row, column] = {2: 1.0, 3: -1.0}.get(row, 0.0)
                        conv.weight[1, channel, row, column] = {2: 1.0, 3: -1.0}.get(column, 0.0)
            for number in range(3):
                conv.bias[number] = 0.0
    return cnn


def inject_edge_detectors__numpy(cnn):
    """Builds the filters in numpy."""
    row = np.array([0, 0, 1, -1, 0, 0, 0], dtype=np.float32)
    horizontal = torch.from_numpy(np.outer(row, np.ones(7, dtype=np.float32)))
    with torch.no_grad():
        cnn.conv1.weight[:2, 0] = torch.stack([horizontal, horizontal.T])
        cnn.conv2.weight[:2] = torch.stack([horizontal, horizontal.T]).unsqueeze(1).repeat(1, 3, 1, 1)
        nn.init.zeros_(cnn.conv1.bias)
        nn.init.zeros_(cnn.conv2.bias)
    return cnn


def inject_edge_detectors__state_dict(cnn):
    """Through the state dictionary, new parameters for the weights."""
    state = {name: value.clone() for name, value in cnn.state_dict().items()}
    horizontal = F.pad(torch.tensor([[1.0], [-1.0]]).expand(2, 7), (0, 0, 2, 3))
    for name in ("conv1", "conv2"):
        state[f"{name}.weight"][0] = horizontal
        state[f"{name}.weight"][1] = horizontal.mT
        state[f"{name}.bias"] *= 0
    cnn.load_state_dict(state)
    return cnn


def inject_edge_detectors__copy(cnn):
    """copy_ of whole weights."""
    horizontal = torch.zeros(7, 7)
    horizontal[2:4] = torch.tensor([[1.0], [-1.0]])
    for layer in [cnn.conv1, cnn.conv2]:
        weight = layer.weight.detach().clone()
        weight[:2] = torch.stack([horizontal, horizontal.T])[:, None]
        with torch.no_grad():
            layer.weight.copy_(weight)
            layer.bias.copy_(torch.zeros_like(layer.bias))
    return cnn


def inject_edge_detectors__new_parameters(cnn):
    """New parameters in place of the old."""
    step = torch.zeros(7)
    step[2], step[3] = 1, -1
    for layer in (cnn.conv1, cnn.conv2):
        channels = layer.weight.shape[1]
        detectors = torch.stack([step[:, None].repeat(1, 7), step.repeat(7, 1)])
        weight = torch.cat([detectors[:, None].repeat(1, channels, 1, 1), layer.weight.data[2:]])
        layer.weight = nn.Parameter(weight)
        layer.bias = nn.Parameter(torch.zeros(len(layer.bias)))
    return cnn


def freeze_features__by_name(cnn):
    """By the names of the parameters."""
    for name, parameter in cnn.named_parameters():
        parameter.requires_grad = not name.startswith("conv")
    return cnn


def freeze_features__each(cnn):
    """Four lines."""
    cnn.conv1.weight.requires_grad = False
    cnn.conv1.bias.requires_grad = False
    cnn.conv2.weight.requires_grad = False
    cnn.conv2.bias.requires_grad = False
    return cnn


def freeze_features__all_but_fc(cnn):
    """Everything off, then fc on again."""
    cnn.requires_grad_(False)
    cnn.fc.requires_grad_(True)
    return cnn


def freeze_features__loop(cnn):
    """A loop over the parameters of the convolutions."""
    for parameter in [*cnn.conv1.parameters(), *cnn.conv2.parameters()]:
        parameter.requires_grad_(False)
    return cnn


def freeze_features__modules(cnn):
    """Every convolution among the modules."""
    for module in cnn.modules():
        if isinstance(module, nn.Conv2d):
            for parameter in module.parameters():
                parameter.requires_grad = False
    return cnn


def freeze_features__by_identity(cnn):
    """All parameters that are not the last layer's."""
    learning = {id(parameter) for parameter in cnn.fc.parameters()}
    for parameter in cnn.parameters():
        if id(parameter) not in learning:
            parameter.requires_grad_(False)
    return cnn


def q3_config__all_keys():
    """Every key written out."""
    return dict(epochs=200, lr=0.01, momentum=0.9, batch_size=10, optimizer="sgd", kernel_size=7)


def q3_config__longer():
    """Only more epochs."""
    return {"epochs": 300}


def q3_config__adam():
    """Adam with a small learning rate."""
    return {"epochs": 200, "lr": 0.003, "optimizer": "adam"}


def q3_config__large():
    """As many epochs as allowed, given as a float."""
    return {"epochs": 400.0, "lr": 0.008}


def q3_config__larger_batches():
    """Larger batches with a larger learning rate."""
    return {"epochs": 400, "lr": 0.02, "batch_size": 20}


def q3_config__smaller_kernel():
    """A smaller kernel, Adam."""
    return {"epochs": 300, "lr": 0.005, "optimizer": "adam", "kernel_size": 5}


def mlp_data_needed__tensor():
    """A 0-d tensor."""
    return torch.tensor(200)


def mlp_data_needed__float():
    """Interpolated."""
    return 216.5


def mlp_data_needed__array():
    """An array of one number."""
    return np.array([150])


def mlp_data_needed__next_size():
    """The first size of the figure that is clearly above."""
    return 300


def mlp_data_needed__list():
    """A list of one number."""
    return [175]


def mlp_data_needed__numpy():
    """A numpy integer."""
    return np.int64(250)


def confusion_matrix__index_put(model, loader, num_classes):
    """Accumulating index assignment."""
    model.eval()
    counts = torch.zeros(num_classes, num_classes)
    with torch.no_grad():
        for images, labels in loader:
            predicted = model(images).argmax(1)
            counts.index_put_((labels, predicted), torch.ones(len(labels)), accumulate=True)
    return counts


def confusion_matrix__bincount(model, loader, num_classes):
    """bincount of row * num_classes + column."""
    model.eval()
    counts = torch.zeros(num_classes * num_classes, dtype=torch.int64)
    with torch.inference_mode():
        for images, labels in loader:
            counts += torch.bincount(labels * num_classes + model(images).argmax(1), minlength=num_classes**2)
    return counts.view(num_classes, num_classes)


def confusion_matrix__one_hot(model, loader, num_classes):
    """A product of one-hot matrices, as a numpy array."""
    model.eval()
    total = np.zeros((num_classes, num_classes))
    with torch.no_grad():
        for images, labels in loader:
            total += np.eye(num_classes)[labels.numpy()].T @ np.eye(num_classes)[model(images).argmax(1).numpy()]
    return total


def confusion_matrix__lists(model, loader, num_classes):
    """Nested lists."""
    model.train(False)
    rows = [[0] * num_classes for _ in range(num_classes)]
    for images, labels in loader:
        with torch.no_grad():
            scores = model(images).tolist()
        for true, score in zip(labels.tolist(), scores, strict=True):
            rows[true][score.index(max(score))] += 1
    return rows


def confusion_matrix__classes(model, loader, num_classes):
    """Predictions first, then a count for each pair of classes."""
    model.eval()
    true, guessed = [], []
    with torch.no_grad():
        for images, labels in loader:
            guessed.append(model(images).argmax(1))
            true.append(labels)
    true, guessed = torch.cat(true), torch.cat(guessed)
    return [[int(((true == i) & (guessed == j)).sum()) for j in range(num_classes)] for i in range(num_classes)]


def confusion_matrix__add_at(model, loader, num_classes):
    """np.add.at in float32."""
    model.eval()
    counts = np.zeros((num_classes, num_classes), dtype=np.float32)
    for images, labels in loader:
        predicted = model(images).detach().numpy().argmax(axis=1)
        np.add.at(counts, (labels.numpy(), predicted), 1)
    return counts


def q4_config__smaller_kernel():
    """A smaller kernel and more epochs, still SGD."""
    return {"kernel_size": 5, "epochs": 400, "lr": 0.01}


def q4_config__adam_3():
    """3x3 with Adam."""
    return {"kernel_size": 3, "optimizer": "adam", "lr": 0.01, "epochs": 300}


def q4_config__adam_faster():
    """5x5 with Adam, a third of the epochs."""
    return {"kernel_size": 5, "optimizer": "adam", "lr": 0.01, "epochs": 200}


def q4_config__adam_5():
    """5x5 with Adam, a smaller learning rate."""
    return {"kernel_size": 5, "optimizer": "adam", "lr": 0.005, "epochs": 400}


def q4_config__adam_small_batches():
    """3x3 with Adam, a smaller learning rate and more epochs."""
    return {"kernel_size": 3, "optimizer": "adam", "lr": 0.005, "epochs": 400}


def q4_config__adam_longer():
    """5x5 with Adam, all keys written out."""
    return dict(kernel_size=5, optimizer="adam", lr=0.01, epochs=400, batch_size=10)


def permute_pixels__take(images, permutation):
    """np.take on the flattened images."""
    flat = np.asarray(images).reshape(len(images), -1)
    return np.take(flat, np.asarray(permutation), axis=1).reshape(np.asarray(images).shape)


def permute_pixels__index_select(images, permutation):
    """index_select in torch."""
    images, order = torch.as_tensor(images), torch.as_tensor(permutation)
    return images.flatten(2).index_select(2, order).view_as(images)


def permute_pixels__loops(images, permutation):
    """Pixel by pixel in float64."""
    source = np.asarray(images).astype(np.float64)
    width = source.shape[-1]
    result = np.zeros_like(source)
    for target, origin in enumerate(np.asarray(permutation).tolist()):
        result[:, 0, target // width, target % width] = source[:, 0, origin // width, origin % width]
    return result


def permute_pixels__gather(images, permutation):
    """torch.gather."""
    images = torch.as_tensor(images)
    index = torch.as_tensor(permutation).expand(len(images), -1)
    return torch.gather(images.reshape(len(images), -1), 1, index).reshape(images.shape)


def permute_pixels__column_by_column(images, permutation):
    """One column of the flattened images after the other."""
    shape = images.shape
    rows = torch.as_tensor(np.asarray(images)).reshape(shape[0], -1).clone()
    columns = [rows[:, int(origin)] for origin in permutation]
    return torch.stack(columns, dim=1).reshape(shape)


def permute_pixels__matrix(images, permutation):
    """A product with the permutation matrix, image by image."""
    pixels = np.asarray(images, dtype=np.float64)
    matrix = np.eye(pixels.shape[2] * pixels.shape[3])[np.asarray(permutation)]
    return np.stack([(matrix @ image.ravel()).reshape(image.shape) for image in pixels])


def invert_permutation__argsort(permutation):
    """argsort."""
    return np.argsort(np.asarray(permutation))


def invert_permutation__list(permutation):
    """A list of Python integers."""
    inverse = [0] * len(permutation)
    for position, value in enumerate(permutation):
        inverse[int(value)] = position
    return inverse


def invert_permutation__scatter(permutation):
    """scatter in torch."""
    order = torch.as_tensor(permutation)
    return torch.zeros_like(order).scatter_(0, order, torch.arange(len(order)))


def invert_permutation__matrix(permutation):
    """The transpose of the permutation matrix, as floats."""
    matrix = torch.eye(len(permutation))[torch.as_tensor(permutation)]
    return matrix.T @ torch.arange(len(permutation), dtype=torch.float32)


def invert_permutation__assignment(permutation):
    """numpy, by assignment."""
    order = np.asarray(permutation)
    inverse = np.empty(len(order), dtype=np.int32)
    inverse[order] = np.arange(len(order))
    return inverse


def invert_permutation__search(permutation):
    """Looks every number up in the list."""
    order = [int(position) for position in permutation]
    return torch.tensor([order.index(number) for number in range(len(order))])
