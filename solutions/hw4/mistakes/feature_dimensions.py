"""Known wrong answers to feature_dimensions (problem 4)."""

import math

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F


def _value(function):
    """The answer is a variable: under the question's own name, this is what the function returns."""
    return function if "__" in function.__name__ else function()


def _conv(W, H, C, K, P, S, F):
    if min(W, H) + 2 * P < K:
        raise ValueError("the filter does not fit")
    return (W + 2 * P - K) // S + 1, (H + 2 * P - K) // S + 1, F


def _layer_table(network, shape, bias=1, pad=1, rows=None):
    rows = [("Input", 0, tuple(shape))] if rows is None else rows
    for name in network.split():
        kind, _, number = name.partition("-")
        shape, count = rows[-1][2], int(number or 0)
        if kind == "CONV3":
            parameters = 9 * shape[2] * count + bias * count
            shape = (shape[0] + 2 * pad - 2, shape[1] + 2 * pad - 2, count)
        elif kind == "POOL2":
            parameters, shape = 0, (shape[0] // 2, shape[1] // 2, shape[2])
        elif kind == "FLATTEN":
            parameters, shape = 0, (math.prod(shape),)
        else:
            parameters, shape = shape[0] * count + bias * count, (count,)
        rows.append((name, parameters, shape))
    return rows


class _Net(nn.Module):
    """The right network; subclasses get one thing wrong."""

    def __init__(self, padding_mode="circular"):
        super().__init__()
        self.mode = "circular" if padding_mode == "circular" else "constant"
        self.conv1, self.conv2, self.fc = nn.Conv2d(1, 3, 2), nn.Conv2d(3, 3, 2), nn.Linear(3, 3)

    def pad(self, x):
        return F.pad(x, (1, 0, 1, 0), mode=self.mode)

    def maps(self, x):
        for conv in (self.conv1, self.conv2):
            x = torch.relu(conv(self.pad(x)))
        return x

    def features(self, x):
        return self.maps(x).mean(dim=(2, 3))

    def forward(self, x):
        return self.fc(self.features(x))


def conv_output_shape__last_window_forgotten(W, H, C, K, P, S, F):
    """The first window counts as well: the number of steps, plus 1."""
    _conv(W, H, C, K, P, S, F)
    return (W - K + 2 * P) // S, (H - K + 2 * P) // S, F


def conv_output_shape__rounded_up(W, H, C, K, P, S, F):
    """A last window that does not fit completely does not count: round down."""
    _conv(W, H, C, K, P, S, F)
    return math.ceil((W - K + 2 * P) / S) + 1, math.ceil((H - K + 2 * P) / S) + 1, F


def conv_output_shape__not_rounded(W, H, C, K, P, S, F):
    """The size of a map is a whole number: round the division down."""
    _conv(W, H, C, K, P, S, F)
    return (W - K + 2 * P) / S + 1, (H - K + 2 * P) / S + 1, F


def conv_output_shape__padding_once(W, H, C, K, P, S, F):
    """Padding adds P pixels on both sides, 2 P in all."""
    _conv(W, H, C, K, P, S, F)
    return (W - K + P) // S + 1, (H - K + P) // S + 1, F


def conv_output_shape__input_channels(W, H, C, K, P, S, F):
    """The output has one channel for each filter; the input's channels are summed over."""
    return *_conv(W, H, C, K, P, S, F)[:2], C


def conv_output_shape__channels_multiplied(W, H, C, K, P, S, F):
    """A filter sums over all input channels, so there are F output channels, not C times F."""
    return *_conv(W, H, C, K, P, S, F)[:2], C * F


def conv_output_shape__height_first(W, H, C, K, P, S, F):
    """Width and height are exchanged: the order asked for is (W', H', C')."""
    width, height, channels = _conv(W, H, C, K, P, S, F)
    return height, width, channels


def conv_output_shape__channels_first(W, H, C, K, P, S, F):
    """This is torch's order, channels first. The handout's is (W', H', C')."""
    width, height, channels = _conv(W, H, C, K, P, S, F)
    return channels, height, width


def conv_output_shape__stride_ignored(W, H, C, K, P, S, F):
    """The stride divides the number of places."""
    return *_conv(W, H, C, K, P, 1, F)[:2], F


def conv_output_shape__square_assumed(W, H, C, K, P, S, F):
    """Width and height may differ: compute both."""
    width = _conv(W, H, C, K, P, S, F)[0]
    return width, width, F


def conv_output_shape__no_error(W, H, C, K, P, S, F):
    """Where the filter does not fit, a ValueError is asked for; you return sizes of 0 or less."""
    return (W - K + 2 * P) // S + 1, (H - K + 2 * P) // S + 1, F


def conv_output_shape__int_rounds_towards_zero(W, H, C, K, P, S, F):
    """int() rounds negative numbers up, so a filter that does not fit gets an output of size 1."""
    shape = int((W - K + 2 * P) / S) + 1, int((H - K + 2 * P) / S) + 1, F
    if min(shape) < 1:
        raise ValueError("no output")
    return shape


def conv_output_shape__only_width_checked(W, H, C, K, P, S, F):
    """The filter may fit in one direction and not in the other: check both."""
    if W + 2 * P < K:
        raise ValueError("the filter does not fit")
    return (W - K + 2 * P) // S + 1, (H - K + 2 * P) // S + 1, F


def conv_output_shape__padding_forgotten_in_the_check(W, H, C, K, P, S, F):
    """The filter has to fit on the padded input; a small image with padding can be fine."""
    if min(W, H) < K:
        raise AssertionError("the filter is larger than the image")
    return _conv(W, H, C, K, P, S, F)


def conv_parameters__added_up(K, C, F):
    """Two numbers are asked for: weights and biases."""
    return K * K * C * F + F


def conv_parameters__channels_forgotten(K, C, F):
    """A filter has K * K weights for each input channel."""
    return K * K * F, F


def conv_parameters__not_squared(K, C, F):
    """A filter has K rows and K columns: K * K weights for each channel."""
    return K * C * F, F


def conv_parameters__bias_per_weight_map(K, C, F):
    """There is one bias for each filter, not one for each pair of channels."""
    return K * K * C * F, C * F


def conv_parameters__one_bias(K, C, F):
    """Every filter has a bias of its own."""
    return K * K * C * F, 1


def conv_parameters__filters_forgotten(K, C, F):
    """These are the parameters of a single filter. There are F of them."""
    return K * K * C, 1 * F


def conv_parameters__no_biases(K, C, F):
    """Convolutional layers have biases unless they are switched off."""
    return K * K * C * F, 0


def conv_parameters__biases_first(K, C, F):
    """The order is (weights, biases)."""
    return F, K * K * C * F


def pool_output_shape__floor_forgotten(W, H, C, K, S):
    """The handout's formula lacks the floor: what is left over at the end is ignored."""
    _conv(W, H, C, K, 0, S, C)
    return (W - K) / S + 1, (H - K) / S + 1, C


def pool_output_shape__rounded_up(W, H, C, K, S):
    """A last window that does not fit completely does not count: round down."""
    _conv(W, H, C, K, 0, S, C)
    return math.ceil((W - K) / S) + 1, math.ceil((H - K) / S) + 1, C


def pool_output_shape__divided_by_stride(W, H, C, K, S):
    """W // S is right only if K equals S: the window has to fit."""
    _conv(W, H, C, K, 0, S, C)
    return W // S, H // S, C


def pool_output_shape__divided_by_window(W, H, C, K, S):
    """Neighboring windows lie S pixels apart, not K."""
    _conv(W, H, C, K, 0, S, C)
    return (W - K) // K + 1, (H - K) // K + 1, C


def pool_output_shape__channels_pooled(W, H, C, K, S):
    """Pooling works within each channel: their number stays."""
    return *_conv(W, H, C, K, 0, S, C)[:2], 1


def pool_output_shape__height_first(W, H, C, K, S):
    """Width and height are exchanged: the order asked for is (W', H', C')."""
    width, height, channels = _conv(W, H, C, K, 0, S, C)
    return height, width, channels


def pool_output_shape__no_error(W, H, C, K, S):
    """Where the window does not fit, a ValueError is asked for."""
    return (W - K) // S + 1, (H - K) // S + 1, C


def pool_output_shape__only_both_checked(W, H, C, K, S):
    """One direction in which the window does not fit is enough for the ValueError."""
    if max(W, H) < K:
        raise ValueError("the window does not fit")
    return (W - K) // S + 1, (H - K) // S + 1, C


def receptive_field__first_layer_forgotten(layers):
    """The first layer alone sees K pixels already: L (K - 1) + 1, not (L - 1) (K - 1) + 1 as the handout also
    accepts."""
    field, step = 1, 1
    for place, (size, stride) in enumerate(layers):
        field += (size - 1) * step * (place > 0)
        step *= stride
    return field


def receptive_field__pooling_doubles(layers):
    """A stride does not multiply the field itself; it multiplies what each later layer adds."""
    field = 1
    for size, stride in layers:
        field = field * stride if stride > 1 else field + size - 1
    return field


def receptive_field__strides_ignored(layers):
    """After a layer with a stride, neighboring outputs lie further apart: later layers add more."""
    return 1 + sum(size - 1 for size, _ in layers)


def receptive_field__own_stride_counted(layers):
    """A layer adds (K - 1) times the strides of the layers before it; its own stride matters only to the later ones."""
    field, step = 1, 1
    for size, stride in layers:
        step *= stride
        field += (size - 1) * step
    return field


def receptive_field__last_layer_first(layers):
    """The list is read from the wrong end: the first layer stands first."""
    field, step = 1, 1
    for size, stride in reversed(layers):
        field += (size - 1) * step
        step *= stride
    return field


def receptive_field__sum_of_sizes(layers):
    """The windows of neighboring outputs overlap: a layer adds K - 1, not K."""
    field, step = 0, 1
    for size, stride in layers:
        field += size * step
        step *= stride
    return field


def receptive_field__product_of_sizes(layers):
    """The field grows by sums, not by products, as long as the windows overlap."""
    return math.prod(size for size, _ in layers)


def receptive_field__last_stride_only(layers):
    """Strides multiply: after two layers with stride 2, neighboring outputs lie 4 pixels apart."""
    field, step = 1, 1
    for size, stride in layers:
        field += (size - 1) * step
        step = stride
    return field


def receptive_field__strides_added(layers):
    """Strides multiply, they do not add up."""
    field, step = 1, 1
    for size, stride in layers:
        field += (size - 1) * step
        step += stride - 1
    return field


def receptive_field__area(layers):
    """The side in pixels is asked for, not the area."""
    field, step = 1, 1
    for size, stride in layers:
        field += (size - 1) * step
        step *= stride
    return field**2


def multiply_accumulates__counted_twice(W, H, C, K, P, S, F):
    """A multiplication and its addition are one MAC."""
    width, height, _ = _conv(W, H, C, K, P, S, F)
    return 2 * width * height * F * K * K * C


def multiply_accumulates__biases_counted(W, H, C, K, P, S, F):
    """Adding the bias is no multiplication: biases do not count."""
    width, height, _ = _conv(W, H, C, K, P, S, F)
    return width * height * F * (K * K * C + 1)


def multiply_accumulates__input_size(W, H, C, K, P, S, F):
    """Filters stop at the places of the output; this counts those of the input."""
    return W * H * F * K * K * C


def multiply_accumulates__channels_forgotten(W, H, C, K, P, S, F):
    """Every filter looks at all C channels of the input."""
    width, height, _ = _conv(W, H, C, K, P, S, F)
    return width * height * F * K * K


def multiply_accumulates__filters_forgotten(W, H, C, K, P, S, F):
    """This is the cost of one filter. There are F of them."""
    width, height, _ = _conv(W, H, C, K, P, S, F)
    return width * height * K * K * C


def multiply_accumulates__padding_not_counted(W, H, C, K, P, S, F):
    """Products with the zeros of the padding are computed like all others, and count."""
    width, height, _ = _conv(W, H, C, K, P, S, F)
    rows, columns = (
        sum(0 <= place * S - P + tap < size for place in range(places) for tap in range(K))
        for size, places in ((H, height), (W, width))
    )
    return rows * columns * C * F


def multiply_accumulates__output_numbers(W, H, C, K, P, S, F):
    """This is the number of outputs. Each of them takes K * K * C products."""
    width, height, _ = _conv(W, H, C, K, P, S, F)
    return width * height * F


def multiply_accumulates__padding_ignored(W, H, C, K, P, S, F):
    """The padding makes the output larger, and so the work."""
    width, height, _ = _conv(max(W, K), max(H, K), C, K, 0, S, F)
    return width * height * F * K * K * C


def multiply_accumulates__stride_divides_once(W, H, C, K, P, S, F):
    """The stride thins out rows and columns: it divides the work twice."""
    width, _, _ = _conv(W, H, C, K, P, S, F)
    height = _conv(W, H, C, K, P, 1, F)[1]
    return width * height * F * K * K * C


def describe__no_biases(network, input_shape):
    """The biases are missing: one for each filter of CONV3, one for each output of FC."""
    return _layer_table(network, input_shape, bias=0)


def describe__no_padding(network, input_shape):
    """CONV3 has padding 1, which keeps width and height."""
    return _layer_table(network, input_shape, pad=0)


def describe__input_channels_forgotten(network, input_shape):
    """A filter of CONV3 has 3 * 3 weights for each input channel."""
    rows = _layer_table(network, input_shape)
    return [
        (name, 10 * shape[2] if name.startswith("CONV3") else parameters, shape) for name, parameters, shape in rows
    ]


def describe__pool_changes_channels(network, input_shape):
    """Pooling halves width and height, the channels stay."""
    return [
        (name, parameters, (*shape[:2], shape[2] // 2) if name == "POOL2" else shape)
        for name, parameters, shape in _layer_table(network, input_shape)
    ]


def describe__input_row_missing(network, input_shape):
    """The first row, of the input, is missing."""
    return _layer_table(network, input_shape)[1:]


def describe__flatten_before_the_last_pool(network, input_shape):
    """FLATTEN keeps all numbers of the map: width times height times channels."""
    return [
        (name, parameters, (shape[0] // 2,) if name == "FLATTEN" else shape)
        for name, parameters, shape in _layer_table(network, input_shape)
    ]


def describe__height_first(network, input_shape):
    """Width and height are exchanged: shapes are (W, H, C)."""
    return [
        (name, parameters, (shape[1], shape[0], shape[2]) if len(shape) == 3 else shape)
        for name, parameters, shape in _layer_table(network, input_shape)
    ]


def describe__channels_first(network, input_shape):
    """This is torch's order, channels first. Shapes are (W, H, C) here."""
    return [
        (name, parameters, tuple(reversed(shape))) for name, parameters, shape in _layer_table(network, input_shape)
    ]


def describe__pool_rounds_up(network, input_shape):
    """An odd width leaves a column over, which POOL2 ignores: round down."""
    rows = [("Input", 0, tuple(input_shape))]
    for name in network.split():
        if name == "POOL2":
            width, height, channels = rows[-1][2]
            rows.append((name, 0, (-(-width // 2), -(-height // 2), channels)))
        else:
            _layer_table(name, (), rows=rows)
    return rows


def describe__names_without_numbers(network, input_shape):
    """A row's name is the layer as it stands in the string, with its number."""
    return [(name.split("-")[0], parameters, shape) for name, parameters, shape in _layer_table(network, input_shape)]


def describe__pool_has_parameters(network, input_shape):
    """Max pooling has no parameters."""
    return [(name, 4 if name == "POOL2" else p, shape) for name, p, shape in _layer_table(network, input_shape)]


class CircularCNN__padded_on_both_sides(_Net):
    """With padding on both sides and filters of size 2 the maps grow, and one row and column count twice. One row and
    one column, on one side, keep the size."""

    def pad(self, x):
        return F.pad(x, (1, 1, 1, 1), mode=self.mode)


class CircularCNN__no_padding(_Net):
    """Without padding the maps shrink, and windows across the border are missing: one row and one column have to be
    wrapped around."""

    def pad(self, x):
        return x


class CircularCNN__zeros_always(_Net):
    """The border is filled with zeros whatever padding_mode says. Circular padding wraps around."""

    def pad(self, x):
        return F.pad(x, (1, 0, 1, 0))


class CircularCNN__circular_always(_Net):
    """padding_mode has no effect: with "zeros" the new row and column are zeros."""

    def pad(self, x):
        return F.pad(x, (1, 0, 1, 0), mode="circular")


class CircularCNN__second_layer_not_padded(_Net):
    """Only the first layer wraps around. The second one needs it, too."""

    def maps(self, x):
        return torch.relu(self.conv2(torch.relu(self.conv1(self.pad(x)))))


class CircularCNN__rows_only(_Net):
    """Rows wrap around, columns do not: pad both."""

    def pad(self, x):
        return F.pad(F.pad(x, (0, 0, 1, 0), mode=self.mode), (1, 0, 0, 0))


class CircularCNN__reflected(_Net):
    """The border is mirrored here. On a torus the row above the first is the last."""

    def pad(self, x):
        return F.pad(x, (1, 0, 1, 0), mode="reflect" if self.mode == "circular" else "constant")


class CircularCNN__no_relu_at_the_end(_Net):
    """The second ReLU, before the average, is missing."""

    def maps(self, x):
        return self.conv2(self.pad(torch.relu(self.conv1(self.pad(x)))))


class CircularCNN__no_relu_between(_Net):
    """The first ReLU, between the two convolutions, is missing: without it they are one linear layer."""

    def maps(self, x):
        return torch.relu(self.conv2(self.pad(self.conv1(self.pad(x)))))


class CircularCNN__max_pool(_Net):
    """This is a global maximum. The pool takes the mean of each channel."""

    def features(self, x):
        return self.maps(x).amax(dim=(2, 3))


class CircularCNN__sum(_Net):
    """This is the sum over the map. The pool takes the mean."""

    def features(self, x):
        return self.maps(x).sum(dim=(2, 3))


class CircularCNN__mean_over_batch(_Net):
    """The mean runs over the images, too. Each image has features of its own."""

    def features(self, x):
        return self.maps(x).mean(dim=(0, 2, 3)).expand(len(x), 3)


class CircularCNN__flattened(_Net):
    """The maps were averaged over one axis only, so the features depend on the place."""

    def features(self, x):
        return self.maps(x)[:, :, 0].mean(dim=2)


class CircularCNN__no_biases(_Net):
    """The convolutions have biases."""

    def __init__(self, padding_mode="circular"):
        super().__init__(padding_mode)
        self.conv1, self.conv2 = nn.Conv2d(1, 3, 2, bias=False), nn.Conv2d(3, 3, 2, bias=False)


class CircularCNN__filters_of_three(_Net):
    """CONV2 has filters of 2x2 pixels, these have 3x3."""

    def __init__(self, padding_mode="circular"):
        super().__init__(padding_mode)
        self.conv1, self.conv2 = nn.Conv2d(1, 3, 3), nn.Conv2d(3, 3, 3)

    def pad(self, x):
        return F.pad(x, (1, 1, 1, 1), mode=self.mode)


class CircularCNN__relu_on_the_output(_Net):
    """The output of FC-3 went through a ReLU: there is none after the last layer."""

    def forward(self, x):
        return torch.relu(self.fc(self.features(x)))


class CircularCNN__fc_forgotten(_Net):
    """forward returns the features. FC-3 comes after them."""

    def forward(self, x):
        return self.features(x)


class CircularCNN__features_after_fc(_Net):
    """The features are what the average pool gives, before FC-3."""

    def features(self, x):
        return self.fc(super().features(x))

    def forward(self, x):
        return self.features(x)


class CircularCNN__one_layer_used_twice(_Net):
    """The second layer is not applied at all; the first one is used on the first channel again."""

    def maps(self, x):
        x = torch.relu(self.conv1(self.pad(x)))
        return torch.relu(self.conv1(self.pad(x[:, :1])))


class CircularCNN__square_images(_Net):
    """The number of pixels was taken to be H * H. Images need not be square."""

    def features(self, x):
        return self.maps(x).sum(dim=(2, 3)) / x.shape[2] ** 2


@_value
def g3__like_x1():
    """x3 is a vertical line, like x2. A circular shift does not change the features, but turning a line does."""
    return [0.8, 0, 0]


@_value
def g3__shared():
    """Nothing is shared out: x3 is a circular shift of x2, so its features are the same as those of x2."""
    return [0.4, 0.4, 0]


@_value
def g3__moved():
    """The features do not move along with the line: the average over the map forgets places."""
    return [0, 0, 0.8]


@_value
def g3__attenuated():
    """The distance by which the line moved plays no role: the features stay exactly the same."""
    return [0, 0.3, 0]


@_value
def g3__zero():
    """The features do not vanish: the average pool sees the line wherever it is."""
    return [0, 0, 0]


@_value
def g4__like_x2():
    """x4 is a horizontal line, like x1. A circular shift does not change the features, but turning a line does."""
    return [0, 0.8, 0]


@_value
def g4__shared():
    """Nothing is shared out: x4 is a circular shift of x1, so its features are the same as those of x1."""
    return [0.4, 0.4, 0]


@_value
def g4__moved():
    """The features do not move along with the line: the average over the map forgets places."""
    return [0, 0, 0.8]


@_value
def g4__zero():
    """The features do not vanish: the average pool sees the line wherever it is."""
    return [0, 0, 0]


@_value
def breaking_shift__none():
    """A shift by 0 changes nothing."""
    return (0, 0)


@_value
def breaking_shift__whole_turn():
    """On a torus of 8x8 pixels a shift by 8 does not move anything."""
    return (8, -8)


@_value
def breaking_shift__within_the_border():
    """A shift to the left by 1 cuts off the same row of the letter's maps as before, so the twin does not notice it."""
    return (0, -1)


@_value
def breaking_shift__almost_a_turn():
    """A shift by 7 to the right is one by 1 to the left, and the border does the same to the letter as before."""
    return (0, 7)


@_value
def breaking_image__constant():
    """A constant image looks the same in all shifts, so its features are the same whatever the padding."""
    return np.ones((8, 8))


@_value
def breaking_image__black():
    """An empty image looks the same in all shifts."""
    return np.zeros((8, 8))


@_value
def breaking_image__almost_constant():
    """The image differs from its shifts by less than the features can show. Use larger differences."""
    return 0.5 + 1e-6 * np.arange(64).reshape(8, 8)


@_value
def breaking_image__faint():
    """A dot this faint changes the features by less than asked for. Use the whole range from 0 to 1."""
    image = np.zeros((8, 8))
    image[7, 7] = 1e-3
    return image


@_value
def breaking_image__random():
    """Random pixels touch every border in every place, so each shift changes the features. Leave a margin."""
    return np.random.default_rng(5).random((8, 8))


@_value
def breaking_image__corner():
    """A dot in the corner changes the features with every shift: no other place has two borders beside it."""
    image = np.zeros((8, 8))
    image[7, 7] = 1
    return image


@_value
def breaking_image__line_at_the_border():
    """A line in the last row is cut off there, and nowhere else: every shift that moves it frees it."""
    image = np.zeros((8, 8))
    image[7] = 1
    return image


@_value
def breaking_image__checks():
    """Half of the shifts of a checkerboard make the same image; the others exchange black and white at the border."""
    return np.indices((8, 8)).sum(0) % 2


@_value
def breaking_image__wrong_size():
    """The image has 8 rows of 8 pixels."""
    return np.eye(5)
