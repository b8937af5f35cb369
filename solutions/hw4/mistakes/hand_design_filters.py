"""Known wrong answers to HandDesignFilters (problem 5)."""

import numpy as np
import scipy.ndimage
import torch
import torch.nn.functional as F

_LAPLACIAN = np.array([[0.0, 1.0, 0.0], [1.0, -4.0, 1.0], [0.0, 1.0, 0.0]])
_RIGHT = np.array([[1.0, 0.0, -1.0], [2.0, 0.0, -2.0], [1.0, 0.0, -1.0]])


def _box(n):
    return np.full((n, n), 1 / n**2)


def _gaussian(size, sigma):
    offsets = np.arange(size) - size // 2
    kernel = np.exp(-(offsets[:, None] ** 2 + offsets**2) / (2 * sigma**2))
    return kernel / kernel.sum()


def _filtered(image, kernel, mode="reflect"):
    return scipy.ndimage.convolve(np.asarray(image), kernel, mode=mode)


def _valid(image, kernel):
    """Only the pixels whose window stays inside the image."""
    x = torch.tensor(np.asarray(image), dtype=torch.float64)
    return F.conv2d(x[None, None], torch.tensor(kernel).flip(0, 1)[None, None])[0, 0]


def _sobel(image, mode="reflect"):
    return _filtered(image, _RIGHT, mode), _filtered(image, _RIGHT.T, mode)


def _conv2d(image, kernel, mode="symmetric", flip=(0, 1), swap=False):
    """conv2d of the padded image; ``swap`` puts the extra row and column of an even kernel on the other side."""
    weights = torch.tensor(np.asarray(kernel)).flip(flip)
    pads = [((n - 1) // 2, n // 2) for n in weights.shape]
    pads = [(after, before) for before, after in pads] if swap else pads
    padded = torch.tensor(np.pad(np.asarray(image), pads, mode=mode))
    return F.conv2d(padded[None, None], weights[None, None])[0, 0]


def averaging_filtering__sum_not_mean(image, filter_size=3):
    """This is the sum over the window. For the mean, divide it by the number of pixels in the window."""
    return _filtered(image, np.ones((filter_size, filter_size)))


def averaging_filtering__divided_by_n(image, filter_size=3):
    """The window holds n * n pixels, not n: dividing by n leaves the image n times too bright."""
    return _filtered(image, np.ones((filter_size, filter_size)) / filter_size)


def averaging_filtering__zero_border(image, filter_size=3):
    """Zeros outside the image darken its border. The border is continued by reflection here."""
    return _filtered(image, _box(filter_size), "constant")


def averaging_filtering__nearest_border(image, filter_size=3):
    """Repeating the edge pixel outwards equals reflection only for a reach of one pixel; larger windows need the
    second, third, ... pixel mirrored too."""
    return _filtered(image, _box(filter_size), "nearest")


def averaging_filtering__mirror_border(image, filter_size=3):
    """This reflection leaves the edge pixel out (3 2 | 1 2 3). In ours the edge pixel is repeated (2 1 | 1 2 3): look
    the name up in the table."""
    return _filtered(image, _box(filter_size), "mirror")


def averaging_filtering__wrapped_border(image, filter_size=3):
    """The image is continued from its opposite side here. Use its mirror image instead."""
    return _filtered(image, _box(filter_size), "wrap")


def averaging_filtering__window_cut_at_border(image, filter_size=3):
    """At the border you average over the pixels that exist. The rule is to fill up the window by reflection, so that
    it always holds n * n pixels."""
    inside = _filtered(np.ones(image.shape), _box(filter_size), "constant")
    return _filtered(image, _box(filter_size), "constant") / inside


def averaging_filtering__even_window_other_side(image, filter_size=3):
    """An even window is centred the other way here, as in a correlation. With two rows it must cover i and i + 1."""
    return scipy.ndimage.correlate(np.asarray(image), _box(filter_size))


def averaging_filtering__even_window_enlarged(image, filter_size=3):
    """With n // 2 pixels on both sides an even window has n + 1 rows. It has to keep its n rows and n columns."""
    return _filtered(image, _box(2 * (filter_size // 2) + 1))


def averaging_filtering__cropped(image, filter_size=3):
    """The result is smaller than the image: the windows that reach over the border are missing."""
    return _valid(image, _box(filter_size))


def averaging_filtering__rounded(image, filter_size=3):
    """The result was rounded to integers, and brightness lies between 0 and 1. Keep floating point numbers."""
    return np.asarray(_filtered(image, _box(filter_size))).round().astype(int)


def averaging_filtering__size_ignored(image, filter_size=3):
    """The window is 3x3 whatever filter_size says."""
    return _filtered(image, _box(3))


def averaging_filtering__median(image, filter_size=3):
    """This is the median of the window. The question asks for the mean."""
    return scipy.ndimage.median_filter(np.asarray(image), filter_size)


def averaging_filtering__rows_only(image, filter_size=3):
    """The mean runs along one axis only. The window is square."""
    return scipy.ndimage.convolve1d(np.asarray(image), np.full(filter_size, 1 / filter_size), axis=1)


def edge_detecting__opposite_sign(image):
    """All signs are reversed: the center weighs -4 and its neighbors +1."""
    return -_filtered(image, _LAPLACIAN)


def edge_detecting__eight_neighbors(image):
    """This Laplacian counts the diagonal neighbors too. Here only the four direct ones weigh 1."""
    return _filtered(image, np.array([[1.0, 1.0, 1.0], [1.0, -8.0, 1.0], [1.0, 1.0, 1.0]]))


def edge_detecting__diagonal_neighbors(image):
    """The neighbors used are the diagonal ones. Direct neighbors lie above, below, left and right."""
    return _filtered(image, np.array([[1.0, 0.0, 1.0], [0.0, -4.0, 0.0], [1.0, 0.0, 1.0]]))


def edge_detecting__absolute(image):
    """The absolute value throws away the sign, which tells the bright side of an edge from the dark one."""
    return np.abs(_filtered(image, _LAPLACIAN))


def edge_detecting__clipped(image):
    """Clipping to [0, 1] throws away the negative half of the response."""
    return np.clip(_filtered(image, _LAPLACIAN), 0, 1)


def edge_detecting__rescaled(image):
    """The response was rescaled to [0, 1] for display. Return the Laplacian itself."""
    y = _filtered(image, _LAPLACIAN)
    return (y - y.min()) / (y.max() - y.min())


def edge_detecting__divided_by_four(image):
    """The response is a quarter of what it should be: the weights are 1 and -4, without normalisation."""
    return _filtered(image, _LAPLACIAN / 4)


def edge_detecting__rounded(image):
    """The result was turned into integers. Keep floating point numbers."""
    return np.asarray(_filtered(image, _LAPLACIAN)).astype(np.int64)


def edge_detecting__zero_border(image):
    """Zeros outside the image make its border an edge. The border is continued by reflection here."""
    return _filtered(image, _LAPLACIAN, "constant")


def edge_detecting__mirror_border(image):
    """This reflection leaves the edge pixel out. In ours the edge pixel is repeated: look the name up in the table."""
    return _filtered(image, _LAPLACIAN, "mirror")


def edge_detecting__wrapped_border(image):
    """The image is continued from its opposite side here. Use its mirror image instead."""
    return _filtered(image, _LAPLACIAN, "wrap")


def edge_detecting__cropped(image):
    """The result is smaller than the image: the outermost rows and columns are missing."""
    return _valid(image, _LAPLACIAN)


def edge_detecting__border_left_zero(image):
    """The outermost pixels were left at 0. They have a response too, with reflected neighbors."""
    y = np.zeros(image.shape)
    y[1:-1, 1:-1] = _valid(image, _LAPLACIAN).numpy()
    return y


def gaussian_kernel__not_normalised(size, sigma):
    """The entries do not sum to 1: divide the samples by their sum, or the blur changes the brightness."""
    if size % 2 == 0:
        raise ValueError("size must be odd")
    kernel = _gaussian(size, sigma)
    return kernel / kernel.max()


def gaussian_kernel__normalised_by_integral(size, sigma):
    """1 / (2 pi sigma^2) normalises the continuous curve. The samples need their own sum, which is another number."""
    if size % 2 == 0:
        raise ValueError("size must be odd")
    kernel = _gaussian(size, sigma)
    return kernel / kernel.max() / (2 * np.pi * sigma**2)


def gaussian_kernel__sigma_as_variance(size, sigma):
    """The exponent divides by 2 sigma. It should be 2 sigma squared: sigma is the standard deviation."""
    if size % 2 == 0:
        raise ValueError("size must be odd")
    return _gaussian(size, sigma**0.5)


def gaussian_kernel__factor_two_missing(size, sigma):
    """The 2 in the exponent's denominator is missing, so the curve is too narrow."""
    if size % 2 == 0:
        raise ValueError("size must be odd")
    return _gaussian(size, sigma / 2**0.5)


def gaussian_kernel__distance_not_squared(size, sigma):
    """The exponent needs the squared distance i^2 + j^2, not the distance."""
    if size % 2 == 0:
        raise ValueError("size must be odd")
    offsets = np.arange(size) - size // 2
    kernel = np.exp(-np.hypot(offsets[:, None], offsets) / (2 * sigma**2))
    return kernel / kernel.sum()


def gaussian_kernel__centre_off_by_one(size, sigma):
    """The peak is not in the middle: -size // 2 is -(size // 2) - 1 for odd sizes, since // rounds down."""
    if size % 2 == 0:
        raise ValueError("size must be odd")
    offsets = np.arange(-size // 2, size // 2)
    kernel = np.exp(-(offsets[:, None] ** 2 + offsets**2) / (2 * sigma**2))
    return kernel / kernel.sum()


def gaussian_kernel__peak_in_the_corner(size, sigma):
    """The offsets start at 0, so the peak sits in the corner. Count i and j from the middle."""
    if size % 2 == 0:
        raise ValueError("size must be odd")
    offsets = np.arange(size)
    kernel = np.exp(-(offsets[:, None] ** 2 + offsets**2) / (2 * sigma**2))
    return kernel / kernel.sum()


def gaussian_kernel__one_dimensional(size, sigma):
    """This is a one-dimensional kernel. The question asks for a matrix: one axis for i and one for j."""
    if size % 2 == 0:
        raise ValueError("size must be odd")
    return _gaussian(size, sigma).sum(0)


def gaussian_kernel__even_size_accepted(size, sigma):
    """An even size has no center pixel, and should raise a ValueError."""
    return _gaussian(size, sigma)


def gaussian_kernel__even_size_asserted(size, sigma):
    """An even size is refused, but by an AssertionError. The question asks for a ValueError."""
    assert size % 2 == 1, "size must be odd"
    return _gaussian(size, sigma)


def gaussian_filtering__size_ignored(image, size, sigma):
    """scipy's gaussian_filter chooses the kernel's size itself, up to 4 sigma. It has to end at size // 2 pixels."""
    return scipy.ndimage.gaussian_filter(np.asarray(image), sigma)


def gaussian_filtering__plain_mean(image, size, sigma):
    """All pixels of the window weigh the same here, and sigma has no effect. Use the Gaussian weights."""
    return _filtered(image, _box(size))


def gaussian_filtering__not_normalised(image, size, sigma):
    """The image becomes brighter, because the weights do not sum to 1."""
    kernel = _gaussian(size, sigma)
    return _filtered(image, kernel / kernel.max())


def gaussian_filtering__sigma_as_variance(image, size, sigma):
    """The blur has the wrong width: sigma is the standard deviation, so the exponent divides by 2 sigma squared."""
    return _filtered(image, _gaussian(size, sigma**0.5))


def gaussian_filtering__zero_border(image, size, sigma):
    """Zeros outside the image darken its border. The border is continued by reflection here."""
    return _filtered(image, _gaussian(size, sigma), "constant")


def gaussian_filtering__nearest_border(image, size, sigma):
    """Repeating the edge pixel outwards equals reflection only for a reach of one pixel; larger kernels need the
    second, third, ... pixel mirrored too."""
    return _filtered(image, _gaussian(size, sigma), "nearest")


def gaussian_filtering__mirror_border(image, size, sigma):
    """This reflection leaves the edge pixel out (3 2 | 1 2 3). In ours the edge pixel is repeated (2 1 | 1 2 3)."""
    return _filtered(image, _gaussian(size, sigma), "mirror")


def gaussian_filtering__wrapped_border(image, size, sigma):
    """The image is continued from its opposite side here. Use its mirror image instead."""
    return _filtered(image, _gaussian(size, sigma), "wrap")


def gaussian_filtering__one_axis_only(image, size, sigma):
    """The blur runs along the rows only. Filter along the columns as well, or use the two-dimensional kernel."""
    return scipy.ndimage.convolve1d(np.asarray(image), _gaussian(size, sigma).sum(0), axis=1)


def gaussian_filtering__cropped(image, size, sigma):
    """The result is smaller than the image: the windows that reach over the border are missing."""
    return _valid(image, _gaussian(size, sigma))


def sobel_edges__kernel_not_flipped_for_convolution(image):
    """Both signs are reversed. The textbook matrices are meant for sliding without a flip; convolution turns them
    round, so turn them first."""
    gx, gy = _sobel(image)
    return -gx, -gy, np.hypot(gx, gy)


def sobel_edges__gy_upwards(image):
    """gy is positive where brightness grows upwards here. Row numbers grow downwards, and so should gy."""
    gx, gy = _sobel(image)
    return gx, -gy, np.hypot(gx, gy)


def sobel_edges__gx_and_gy_swapped(image):
    """gx and gy are exchanged: gx compares left and right, along axis 1; gy compares above and below, along axis 0."""
    gx, gy = _sobel(image)
    return gy, gx, np.hypot(gx, gy)


def sobel_edges__sum_of_absolutes(image):
    """The magnitude is the length of the vector (gx, gy), the root of the sum of squares, not |gx| + |gy|."""
    gx, gy = _sobel(image)
    return gx, gy, np.abs(gx) + np.abs(gy)


def sobel_edges__root_forgotten(image):
    """The magnitude is still squared: take the root."""
    gx, gy = _sobel(image)
    return gx, gy, gx**2 + gy**2


def sobel_edges__divided_by_eight(image):
    """The weights are 1, 2, 1 without a factor. You divided by 8."""
    gx, gy = _sobel(image)
    return gx / 8, gy / 8, np.hypot(gx, gy) / 8


def sobel_edges__prewitt(image):
    """The middle row and column count twice in Sobel's filters. With weights 1, 1, 1 this is Prewitt's."""
    kernel = np.array([[1.0, 0.0, -1.0]] * 3)
    gx, gy = _filtered(image, kernel), _filtered(image, kernel.T)
    return gx, gy, np.hypot(gx, gy)


def sobel_edges__absolute(image):
    """gx and gy lost their signs, and with them the direction of the edge."""
    gx, gy = _sobel(image)
    return np.abs(gx), np.abs(gy), np.hypot(gx, gy)


def sobel_edges__zero_border(image):
    """Zeros outside the image make its border an edge. The border is continued by reflection here."""
    gx, gy = _sobel(image, "constant")
    return gx, gy, np.hypot(gx, gy)


def sobel_edges__mirror_border(image):
    """This reflection leaves the edge pixel out. In ours the edge pixel is repeated: look the name up in the table."""
    gx, gy = _sobel(image, "mirror")
    return gx, gy, np.hypot(gx, gy)


def sobel_edges__magnitude_clipped(image):
    """The magnitude was clipped to [0, 1]. It may be larger: leave that to the display."""
    gx, gy = _sobel(image)
    return gx, gy, np.clip(np.hypot(gx, gy), 0, 1)


def sobel_edges__magnitude_only(image):
    """Only the magnitude came back. Return three images: gx, gy, magnitude."""
    gx, gy = _sobel(image)
    return np.hypot(gx, gy)


def as_conv2d__not_flipped(image, kernel):
    """This is a correlation: conv2d does not flip the kernel, so you have to, along both axes."""
    return _conv2d(image, kernel, flip=())


def as_conv2d__rows_flipped_only(image, kernel):
    """The kernel is flipped upside down only. Flip it along both axes."""
    return _conv2d(image, kernel, flip=(0,))


def as_conv2d__columns_flipped_only(image, kernel):
    """The kernel is flipped left to right only. Flip it along both axes."""
    return _conv2d(image, kernel, flip=(1,))


def as_conv2d__transposed_kernel(image, kernel):
    """Transposing exchanges the kernel's rows and columns. Flipping turns it by 180 degrees: reverse both axes."""
    return _conv2d(image, np.asarray(kernel).T, flip=())


def as_conv2d__torch_reflect_padding(image, kernel):
    """torch's "reflect" padding leaves the edge pixel out (3 2 | 1 2 3). Here the edge pixel is repeated
    (2 1 | 1 2 3), which torch has no mode for."""
    return _conv2d(image, kernel, mode="reflect")


def as_conv2d__zero_padding(image, kernel):
    """conv2d pads with zeros by itself. Extend the image by reflection before, and let conv2d pad nothing."""
    return _conv2d(image, kernel, mode="constant")


def as_conv2d__replicate_padding(image, kernel):
    """The mode "replicate" repeats the edge pixel outwards. That equals reflection only for a reach of one pixel, that
    is for kernels up to 3x3."""
    return _conv2d(image, kernel, mode="edge")


def as_conv2d__even_kernel_other_side(image, kernel):
    """An even kernel is centred the other way here. Its extra row belongs below the image, its extra column to the
    right."""
    return _conv2d(image, kernel, swap=True)


def as_conv2d__even_kernel_grows_the_image(image, kernel):
    """With h // 2 rows on both sides an even kernel gives one row too many. In all h - 1 rows are added."""
    h, w = kernel.shape
    padded = np.pad(np.asarray(image), ((h // 2, h // 2), (w // 2, w // 2)), mode="symmetric")
    return _valid(padded, np.asarray(kernel, dtype=np.float64))


def as_conv2d__square_kernels_only(image, kernel):
    """The padding of both axes was computed from the kernel's rows. A kernel of 3 rows and 5 columns needs more
    columns than rows."""
    before, after = (kernel.shape[0] - 1) // 2, kernel.shape[0] // 2
    padded = np.pad(np.asarray(image), (before, after), mode="symmetric")
    return _valid(padded, np.asarray(kernel, dtype=np.float64))


def as_conv2d__cropped(image, kernel):
    """The result is smaller than the image: extend the image before conv2d."""
    return _valid(image, np.asarray(kernel, dtype=np.float64))


def as_conv2d__batch_axes_kept(image, kernel):
    """The result has the shape (1, 1, H, W): remove the batch and the channel axis again."""
    return _conv2d(image, kernel)[None, None]


def as_conv2d__kernel_normalised(image, kernel):
    """The kernel was divided by its sum. Use it as it is given."""
    kernel = np.asarray(kernel, dtype=np.float64)
    return _filtered(np.asarray(image, dtype=np.float64), kernel / kernel.sum())


def sharpen__clipped(image, amount, size, sigma):
    """The result was clipped to [0, 1]. Return the overshoots too, and leave clipping to the display."""
    x = np.asarray(image)
    return np.clip(x + amount * (x - _filtered(x, _gaussian(size, sigma))), 0, 1)


def sharpen__amount_ignored(image, amount, size, sigma):
    """The detail is added once, whatever amount says."""
    x = np.asarray(image)
    return x + (x - _filtered(x, _gaussian(size, sigma)))


def sharpen__opposite_sign(image, amount, size, sigma):
    """The detail is subtracted, which blurs. It is image minus blurred, and it is added."""
    x = np.asarray(image)
    return x - amount * (x - _filtered(x, _gaussian(size, sigma)))


def sharpen__adds_blurred(image, amount, size, sigma):
    """The blurred image itself was added, which brightens. Add the difference between the image and its blur."""
    x = np.asarray(image)
    return x + amount * _filtered(x, _gaussian(size, sigma))


def sharpen__detail_alone(image, amount, size, sigma):
    """Only the detail came back. Add it to the image."""
    x = np.asarray(image)
    return amount * (x - _filtered(x, _gaussian(size, sigma)))


def sharpen__starts_from_blurred(image, amount, size, sigma):
    """The detail was added to the blurred image. Add it to the image itself: amount 0 must change nothing."""
    x = np.asarray(image)
    blurred = _filtered(x, _gaussian(size, sigma))
    return blurred + amount * (x - blurred)


def sharpen__plain_mean(image, amount, size, sigma):
    """The detail is taken against a plain mean. Blur with the Gaussian of this size and sigma."""
    x = np.asarray(image)
    return x + amount * (x - _filtered(x, _box(size)))


def sharpen__size_ignored(image, amount, size, sigma):
    """scipy's gaussian_filter chooses the kernel's size itself, up to 4 sigma. It has to end at size // 2 pixels."""
    x = np.asarray(image)
    return x + amount * (x - scipy.ndimage.gaussian_filter(x, sigma))


def sharpen__zero_border(image, amount, size, sigma):
    """Zeros outside the image make its border look like detail. The border is continued by reflection here."""
    x = np.asarray(image)
    return x + amount * (x - _filtered(x, _gaussian(size, sigma), "constant"))
