"""Correct answers to feature_dimensions in other styles."""

import functools
import math
import re

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F


def _value(function):
    """The answer is a variable: under the question's own name, this is what the function returns."""
    return function if "__" in function.__name__ else function()


def conv_output_shape__math_floor(W, H, C, K, P, S, F):
    """math.floor of a float division, a check of both sides."""
    if W + 2 * P < K or H + 2 * P < K:
        raise ValueError("no output")
    return [math.floor((W - K + 2 * P) / S) + 1, math.floor((H - K + 2 * P) / S) + 1, F]


def conv_output_shape__counted(W, H, C, K, P, S, F):
    """The places are counted as a range."""

    def places(size):
        count = len(range(0, size + 2 * P - K + 1, S))
        if not count:
            raise ValueError(size)
        return count

    return places(W), places(H), F


def conv_output_shape__torch_layer(W, H, C, K, P, S, F):
    """torch's own layer on a meta tensor; its RuntimeError turned into a ValueError."""
    try:
        y = torch.nn.Conv2d(C, F, K, S, P, device="meta")(torch.empty(1, C, H, W, device="meta"))
    except RuntimeError as error:
        raise ValueError("no output") from error
    if 0 in y.shape:
        raise ValueError("no output")
    return y.shape[3], y.shape[2], y.shape[1]


def conv_output_shape__numpy(W, H, C, K, P, S, F):
    """numpy integers in an array."""
    steps = np.array([W, H]) + 2 * P - K
    if (steps < 0).any():
        raise ValueError("too small")
    return np.append(steps // S + 1, F)


def conv_output_shape__floats(W, H, C, K, P, S, F):
    """np.floor leaves floats, whole ones."""
    if min(W, H) + 2 * P - K < 0:
        raise ValueError
    return np.floor((W - K + 2 * P) / S) + 1, np.floor((H - K + 2 * P) / S) + 1, F


def conv_output_shape__checked_afterwards(W, H, C, K, P, S, F):
    """The formula first, then sizes below 1 are refused."""
    width, height = (W - K + 2 * P) // S + 1, (H - K + 2 * P) // S + 1
    if width <= 0 or height <= 0:
        raise ValueError("the filter does not fit")
    return width, height, F


def conv_parameters__plain(K, C, F):
    """A list."""
    return [K**2 * C * F, F]


def conv_parameters__torch_layer(K, C, F):
    """The sizes of a layer's tensors."""
    layer = torch.nn.Conv2d(C, F, K)
    return layer.weight.numel(), layer.bias.numel()


def conv_parameters__numpy(K, C, F):
    """An array of numpy integers."""
    return np.array([np.prod([K, K, C, F]), F])


def conv_parameters__filter_by_filter(K, C, F):
    """Added up filter by filter."""
    weights = biases = 0
    for _ in range(F):
        weights += C * K * K
        biases += 1
    return weights, biases


def conv_parameters__tensor(K, C, F):
    """A tensor."""
    return torch.tensor([K * K * C * F, F])


def conv_parameters__unpacked_volume(K, C, F):
    """The volume of one filter first; floats come back."""
    volume = float(C) * K * K
    return volume * F, float(F)


def pool_output_shape__formula(W, H, C, K, S):
    """The formula with its floor."""
    if W < K or H < K:
        raise ValueError("no window fits")
    return (W - K) // S + 1, (H - K) // S + 1, C


def pool_output_shape__counted(W, H, C, K, S):
    """Windows counted one by one."""

    def count(size):
        first, places = 0, 0
        while first + K <= size:
            first, places = first + S, places + 1
        return places

    if not (count(W) and count(H)):
        raise ValueError("no window fits")
    return [count(W), count(H), C]


def pool_output_shape__torch(W, H, C, K, S):
    """torch's pooling of an empty image."""
    if min(W, H) < K:
        raise ValueError
    _, channels, height, width = F.max_pool2d(torch.zeros(1, C, H, W), K, S).shape
    return width, height, channels


def pool_output_shape__unfold(W, H, C, K, S):
    """The shape of sliding windows; unfold's RuntimeError turned into a ValueError."""
    try:
        windows = torch.zeros(W, H).unfold(0, K, S).unfold(1, K, S)
    except RuntimeError as error:
        raise ValueError(str(error)) from None
    return torch.tensor([*windows.shape[:2], C])


def pool_output_shape__ceil(W, H, C, K, S):
    """The same by ceil, from the number of possible beginnings."""
    if W - K < 0 or H - K < 0:
        raise ValueError("no window fits")
    return math.ceil((W - K + 1) / S), math.ceil((H - K + 1) / S), C


def pool_output_shape__divmod(W, H, C, K, S):
    """divmod, with the check behind it."""
    sides = [divmod(size - K, S)[0] + 1 for size in (W, H)]
    if any(side < 1 for side in sides):
        raise ValueError(f"no window of {K} fits")
    return *sides, C


def receptive_field__backwards(layers):
    """From the last layer to the first: r outputs see (r - 1) S + K inputs."""
    side = 1
    for size, stride in layers[::-1]:
        side = (side - 1) * stride + size
    return side


def receptive_field__recursive(layers):
    """Recursion on the rest of the list."""
    if not layers:
        return 1
    (size, stride), *rest = layers
    return (receptive_field__recursive(rest) - 1) * stride + size


def receptive_field__gradient(layers):
    """The gradient of one output of a 1-D network with weights 1."""
    size = 1
    for kernel, stride in reversed(layers):
        size = (size - 1) * stride + kernel
    x = torch.zeros(1, 1, size + 7, dtype=torch.float64, requires_grad=True)
    y = x
    for kernel, stride in layers:
        y = F.conv1d(y, torch.ones(1, 1, kernel, dtype=torch.float64), stride=stride)
    y[0, 0, 0].backward()
    seen = x.grad[0, 0].nonzero()
    return (seen.max() - seen.min() + 1).item()


def receptive_field__prefix_products(layers):
    """numpy: the sum of (K - 1) times the product of earlier strides, a numpy integer."""
    sizes, strides = np.array(layers).T
    return 1 + ((sizes - 1) * np.concatenate([[1], np.cumprod(strides)[:-1]])).sum()


def receptive_field__tensor(layers):
    """A 0-d tensor."""
    field, step = torch.tensor(1), 1
    for size, stride in layers:
        field = field + (size - 1) * step
        step = step * stride
    return field


def receptive_field__reduce(layers):
    """functools.reduce over (field, step), a float comes back."""
    start = (1.0, 1)
    return functools.reduce(
        lambda seen, layer: (seen[0] + (layer[0] - 1) * seen[1], seen[1] * layer[1]), layers, start
    )[0]


def multiply_accumulates__formula(W, H, C, K, P, S, F):
    """The formula in one line."""
    return ((W - K + 2 * P) // S + 1) * ((H - K + 2 * P) // S + 1) * F * K * K * C


def multiply_accumulates__weights_times_places(W, H, C, K, P, S, F):
    """Weights of the layer times the number of places."""
    places = len(range(0, W + 2 * P - K + 1, S)) * len(range(0, H + 2 * P - K + 1, S))
    return float(places * (K**2 * C * F))


def multiply_accumulates__torch(W, H, C, K, P, S, F):
    """A layer of ones on an input of ones, padded with ones: each output counts its products."""
    x = torch.ones(1, C, H + 2 * P, W + 2 * P, dtype=torch.float64)
    y = torch.nn.functional.conv2d(x, torch.ones(F, C, K, K, dtype=torch.float64), stride=S)
    return y.sum()


def multiply_accumulates__numpy(W, H, C, K, P, S, F):
    """numpy products."""
    places = (np.array([W, H]) + 2 * P - K) // S + 1
    return np.prod([*places, F, K, K, C])


def multiply_accumulates__loop(W, H, C, K, P, S, F):
    """Rows of places added up."""
    total = 0
    for _ in range(0, H + 2 * P - K + 1, S):
        for _ in range(0, W + 2 * P - K + 1, S):
            total += F * C * K * K
    return total


def multiply_accumulates__volume(W, H, C, K, P, S, F):
    """The output's volume times a filter's."""

    def places(size):
        return (size + 2 * P - K) // S + 1

    return math.prod([places(W), places(H), F]) * math.prod([K, K, C])


def describe__torch_modules(network, input_shape):
    """A network of torch modules is built and run on an empty image."""
    width, height, channels = input_shape
    x = torch.zeros(1, channels, height, width)
    table = [["Input", 0, [width, height, channels]]]
    for name in network.split(" "):
        if name.startswith("CONV3"):
            layer = nn.Conv2d(x.shape[1], int(name[6:]), 3, padding=1)
        elif name == "POOL2":
            layer = nn.MaxPool2d(2)
        elif name == "FLATTEN":
            layer = nn.Flatten()
        else:
            layer = nn.Linear(x.shape[1], int(name[3:]))
        x = layer(x)
        shape = x.shape[1:] if x.dim() == 2 else [x.shape[3], x.shape[2], x.shape[1]]
        table.append([name, sum(p.numel() for p in layer.parameters()), shape])
    return table


def describe__if_chain(network, input_shape):
    """Plain Python with the three sizes as variables."""
    w, h, c = input_shape
    n = None
    rows = [("Input", 0, input_shape)]
    for token in network.split():
        if token[:4] == "CONV":
            f = int(token.split("-")[1])
            rows.append((token, (3 * 3 * c + 1) * f, (w, h, f)))
            c = f
        elif token == "POOL2":
            w, h = w // 2, h // 2
            rows.append((token, 0, (w, h, c)))
        elif token == "FLATTEN":
            n = w * h * c
            rows.append((token, 0, (n,)))
        elif token[:2] == "FC":
            k = int(token.split("-")[1])
            rows.append((token, n * k + k, (k,)))
            n = k
    return rows


def describe__dispatch(network, input_shape):
    """A dictionary of functions, numpy integers."""
    kinds = {
        "CONV3": lambda shape, f: (9 * shape[2] * f + f, (*shape[:2], f)),
        "POOL2": lambda shape, _: (np.int64(0), (np.int64(shape[0]) // 2, np.int64(shape[1]) // 2, shape[2])),
        "FLATTEN": lambda shape, _: (0, (np.prod(shape),)),
        "FC": lambda shape, k: (shape[0] * k + k, (k,)),
    }
    rows = [("Input", 0, input_shape)]
    for name in network.split():
        kind, *number = name.split("-")
        rows.append((name, *kinds[kind](rows[-1][2], int(number[0]) if number else None)))
    return rows


def describe__generator_of_rows(network, input_shape):
    """A generator inside, a tuple of tuples comes back."""

    def rows(shape):
        yield "Input", 0, shape
        for name in network.split():
            number = int(name.rpartition("-")[2]) if "-" in name else 0
            if name.startswith("C"):
                parameters, shape = number * (9 * shape[-1] + 1), [shape[0], shape[1], number]
            elif name.startswith("P"):
                parameters, shape = 0, [shape[0] >> 1, shape[1] >> 1, shape[2]]
            elif name == "FLATTEN":
                parameters, shape = 0, [math.prod(shape)]
            else:
                parameters, shape = number * (shape[0] + 1), [number]
            yield name, parameters, shape

    return tuple(rows(list(input_shape)))


def describe__recursive(network, input_shape):
    """The table of all but the last layer first."""
    before, _, name = network.rpartition(" ")
    rows = describe__recursive(before, input_shape) if before else [("Input", 0, tuple(input_shape))]
    shape = rows[-1][2]
    number = int(name.split("-")[1]) if "-" in name else 0
    if name.startswith("CONV3"):
        return [*rows, (name, 9 * shape[2] * number + number, (shape[0], shape[1], number))]
    if name == "POOL2":
        return [*rows, (name, 0, (shape[0] // 2, shape[1] // 2, shape[2]))]
    if name == "FLATTEN":
        return [*rows, (name, 0, (shape[0] * shape[1] * shape[2],))]
    return [*rows, (name, shape[0] * number + number, (number,))]


def describe__regular_expression(network, input_shape):
    """Layers found by a regular expression; rows are lists, parameters of weights and biases apart."""
    rows = [["Input", 0, tuple(input_shape)]]
    for kind, number in re.findall(r"(CONV3|POOL2|FLATTEN|FC)-?(\d*)", network):
        before = rows[-1][2]
        weights, biases, after = 0, 0, before
        if kind == "CONV3":
            biases = int(number)
            weights, after = 9 * before[2] * biases, (before[0], before[1], biases)
        if kind == "POOL2":
            after = (int(before[0] / 2), int(before[1] / 2), before[2])
        if kind == "FLATTEN":
            after = (int(np.prod(before)),)
        if kind == "FC":
            biases = int(number)
            weights, after = before[0] * biases, (biases,)
        rows.append([f"{kind}-{number}" if number else kind, weights + biases, after])
    return rows


class CircularCNN__concatenated(nn.Module):
    """The last row and column are put in front by torch.cat."""

    def __init__(self, padding_mode="circular"):
        super().__init__()
        self.padding_mode = padding_mode
        self.first = nn.Conv2d(1, 3, kernel_size=2)
        self.second = nn.Conv2d(3, 3, kernel_size=2)
        self.out = nn.Linear(3, 3)

    def wrap(self, x):
        factor = 1.0 if self.padding_mode == "circular" else 0.0
        x = torch.cat([factor * x[:, :, -1:], x], dim=2)
        return torch.cat([factor * x[:, :, :, -1:], x], dim=3)

    def features(self, x):
        x = F.relu(self.first(self.wrap(x)))
        x = F.relu(self.second(self.wrap(x)))
        return F.adaptive_avg_pool2d(x, 1).flatten(1)

    def forward(self, x):
        return self.out(self.features(x))


class CircularCNN__padding_same(nn.Module):
    """torch's padding="same", which puts the row below and the column to the right."""

    def __init__(self, padding_mode="circular"):
        super().__init__()
        self.fc = nn.Linear(3, 3)
        self.conv2 = nn.Conv2d(3, 3, 2, padding="same", padding_mode=padding_mode)
        self.conv1 = nn.Conv2d(1, 3, 2, padding="same", padding_mode=padding_mode)

    def features(self, x):
        return self.conv2(self.conv1(x).relu()).relu().mean((-1, -2))

    def forward(self, x):
        return self.fc(self.features(x))


class CircularCNN__sequential(nn.Module):
    """Layers in a Sequential, with torch's padding modules."""

    def __init__(self, padding_mode="circular"):
        super().__init__()
        pad = nn.CircularPad2d if padding_mode == "circular" else nn.ZeroPad2d
        self.body = nn.Sequential(
            pad((1, 0, 1, 0)), nn.Conv2d(1, 3, 2), nn.ReLU(), pad((1, 0, 1, 0)), nn.Conv2d(3, 3, 2), nn.ReLU()
        )
        self.head = nn.Linear(3, 3)

    def features(self, x):
        maps = self.body(x)
        return nn.AvgPool2d(maps.shape[2:])(maps)[:, :, 0, 0]

    def forward(self, x):
        return self.head(self.features(x))


class CircularCNN__padding_one_and_cut(nn.Module):
    """Padded on both sides by the layers, the surplus row and column cut off again; lazy layers."""

    def __init__(self, padding_mode="circular"):
        super().__init__()
        self.layers = nn.ModuleList(
            nn.Conv2d(channels, 3, 2, padding=1, padding_mode=padding_mode) for channels in (1, 3)
        )
        self.fc = nn.Linear(3, 3)

    def features(self, x):
        for layer in self.layers:
            x = torch.clamp(layer(x)[:, :, :-1, :-1], min=0)
        return x.mean(3).mean(2)

    def forward(self, x):
        return self.fc(self.features(x))


class CircularCNN__rolls(nn.Module):
    """Own parameters, convolutions as sums of rolled copies; zero padding by masks; double inside, weights of the last
    layer transposed."""

    def __init__(self, padding_mode="circular"):
        super().__init__()
        self.mode = padding_mode
        self.w1, self.b1 = nn.Parameter(torch.randn(3, 1, 2, 2) / 2), nn.Parameter(torch.zeros(3))
        self.w2, self.b2 = nn.Parameter(torch.randn(3, 3, 2, 2) / 4), nn.Parameter(torch.zeros(3))
        self.w3, self.b3 = nn.Parameter(torch.randn(3, 3)), nn.Parameter(torch.zeros(3))

    def layer(self, x, w, b):
        y = b.double()[:, None, None]
        for i in (0, 1):
            for j in (0, 1):
                moved = torch.roll(x, (1 - i, 1 - j), (2, 3))
                if self.mode == "zeros":
                    mask = torch.ones_like(moved)
                    mask[:, :, : 1 - i] = 0
                    mask[:, :, :, : 1 - j] = 0
                    moved = moved * mask
                y = y + torch.einsum("fc,nchw->nfhw", w[:, :, i, j].double(), moved)
        return y.relu()

    def features(self, x):
        return self.layer(self.layer(x.double(), self.w1, self.b1), self.w2, self.b2).mean((2, 3))

    def forward(self, x):
        return self.features(x) @ self.w3.double() + self.b3


class CircularCNN__index_padding(nn.Module):
    """The padded map by an index, zeros written over it."""

    def __init__(self, padding_mode="circular"):
        super().__init__()
        self.zeros = padding_mode != "circular"
        self.convs = nn.ParameterDict()
        self.conv_a, self.conv_b, self.linear = nn.Conv2d(1, 3, 2), nn.Conv2d(3, 3, 2), nn.Linear(3, 3)

    def padded(self, x):
        rows = torch.arange(-1, x.shape[2]) % x.shape[2]
        columns = torch.arange(-1, x.shape[3]) % x.shape[3]
        y = x[:, :, rows][:, :, :, columns].clone()
        if self.zeros:
            y[:, :, 0], y[:, :, :, 0] = 0, 0
        return y

    def features(self, x):
        y = torch.relu(self.conv_b(self.padded(torch.relu(self.conv_a(self.padded(x))))))
        return torch.stack([channel.mean(dim=(1, 2)) for channel in y.unbind(1)], dim=1)

    def forward(self, x):
        return self.linear(self.features(x))


@_value
def g3__tuple():
    """A tuple."""
    return (0, 0.8, 0)


@_value
def g3__column():
    """A column, float32."""
    return torch.tensor([[0.0], [0.8], [0.0]])


@_value
def g3__array():
    """An array."""
    return np.array([0, 8, 0]) / 10


@_value
def g3__copied():
    """A copy of g2."""
    g2 = [0, 0.8, 0]
    return list(g2)


@_value
def g3__row():
    """A row of a matrix, with rounding in it."""
    return np.array([[0.0, 0.1 + 0.7, 0.0]])


@_value
def g3__tensors():
    """A list of 0-d tensors."""
    return [torch.tensor(0.0), torch.tensor(0.8), torch.tensor(0.0)]


@_value
def g4__tuple():
    """A tuple."""
    return (4 / 5, 0, 0)


@_value
def g4__column():
    """A column, float64."""
    return np.array([[0.8], [0.0], [0.0]])


@_value
def g4__tensor():
    """A tensor."""
    return torch.tensor([0.8, 0, 0])


@_value
def g4__list_of_numpy_scalars():
    """A list of numpy scalars."""
    return [np.float32(0.8), np.float32(0), np.int64(0)]


@_value
def g4__strided():
    """Every other number of an array in float32."""
    return np.array([0.8, 9, 0, 9, 0], dtype=np.float32)[::2]


@_value
def g4__from_a_dictionary():
    """The values of a dictionary, as a list."""
    return list({"red": 0.8, "green": 0.0, "blue": 0.0}.values())


@_value
def breaking_shift__down():
    """One row down."""
    return (1, 0)


@_value
def breaking_shift__up_list():
    """One row up, as a list."""
    return [-1, 0]


@_value
def breaking_shift__right_array():
    """To the right over the border, as an array."""
    return np.array([0, 3])


@_value
def breaking_shift__half_a_turn():
    """Half a turn both ways, as a tensor."""
    return torch.tensor([4, 4])


@_value
def breaking_shift__large():
    """More than a turn, as floats."""
    return (0.0, 8.0 + 5.0)


@_value
def breaking_shift__one_right():
    """One column to the right: the second layer reaches the border."""
    return (0, 1)


@_value
def breaking_image__line_of_the_handout():
    """The handout's horizontal line: free in four rows, cut off further down."""
    image = torch.zeros(8, 8)
    image[1] = 1
    return image


@_value
def breaking_image__column():
    """A vertical line, float64. Where it crosses the upper border does not matter to shifts to the side."""
    image = np.zeros((8, 8))
    image[:, 4] = 1
    return image


@_value
def breaking_image__noise_in_the_middle():
    """Random pixels with a margin."""
    image = np.zeros((8, 8), dtype=np.float32)
    image[2:6, 2:6] = np.random.default_rng(5).random((4, 4))
    return image


@_value
def breaking_image__lists():
    """A list of lists with a dot."""
    return [[1 if (i, j) == (1, 1) else 0 for j in range(8)] for i in range(8)]


@_value
def breaking_image__with_batch_axes():
    """A cross in gray, with torch's axes for batch and channel."""
    image = torch.zeros(1, 1, 8, 8)
    image[..., 3, 2:5] = image[..., 2:5, 3] = 0.4
    return image


@_value
def breaking_image__dot_at_the_border():
    """A dot in the last row, integers: it may move along the border."""
    image = np.zeros((8, 8), dtype=int)
    image[7, 3] = 1
    return image


@_value
def breaking_image__booleans():
    """A dark square on white, booleans."""
    image = np.ones((8, 8), dtype=bool)
    image[2:5, 2:5] = False
    return image
