"""Triton kernels of the ConvNeXt block, and of rounding weights to what a model file holds.

Feature maps are NHWC, `[B, H, W, C]` and contiguous, so that the channels of a position lie side by side. The residual stream is in
single precision; everything inside a block is in bf16, with sums in single precision.
"""
import torch
import triton
import triton.language as tl


@triton.jit
def _depthwise(x, taps, bias, residual, out, H, W, C: tl.constexpr, K: tl.constexpr, ROWS: tl.constexpr, COLS: tl.constexpr,
               CHANNELS: tl.constexpr, MIRRORED: tl.constexpr, BIAS: tl.constexpr, RESIDUAL: tl.constexpr):
    """ROWS × COLS positions of CHANNELS channels. MIRRORED: the gradient by the input."""
    across = tl.cdiv(W, COLS)
    down = tl.cdiv(H, ROWS)
    tile = tl.program_id(0)
    n = tile // (across * down)
    at = tl.arange(0, ROWS * COLS)
    y = (tile // across) % down * ROWS + at // COLS
    column = tile % across * COLS + at % COLS
    c = tl.program_id(1) * CHANNELS + tl.arange(0, CHANNELS)
    sum = tl.zeros((ROWS * COLS, CHANNELS), tl.float32)
    for ky in range(K):
        row = y + ky - K // 2
        rows_inside = (row >= 0) & (row < H)
        for kx in tl.static_range(K):
            source = column + kx - K // 2
            inside = rows_inside & (source >= 0) & (source < W)
            values = tl.load(x + ((n * H + row) * W + source)[:, None] * C + c[None, :], mask=inside[:, None], other=0.0)
            tap = ky * K + kx
            if MIRRORED:
                tap = K * K - 1 - tap
            sum += values.to(tl.float32) * tl.load(taps + tap * C + c)[None, :]
    if BIAS:
        sum += tl.load(bias + c)[None, :]
    to = ((n * H + y) * W + column)[:, None] * C + c[None, :]
    inside = ((y < H) & (column < W))[:, None]
    if RESIDUAL:
        sum += tl.load(residual + to, mask=inside, other=0.0)
    tl.store(out + to, sum.to(out.dtype.element_ty), mask=inside)


@triton.jit
def _shifted(x, row, column, kx, use, H, W, C: tl.constexpr, K: tl.constexpr, ky, c):
    """Values that a tap sees at some columns of a row of the batch."""
    source = column + kx - K // 2
    seen = use & (source >= 0) & (source < W)
    at = ((row + ky - K // 2) * W + source)[:, None] * C + c[None, :]
    return tl.load(x + at, mask=seen[:, None], other=0.0).to(tl.float32)


@triton.jit
def _depthwise_taps(x, gradient, by_taps, by_bias, rows, H, W, C: tl.constexpr, K: tl.constexpr, ROWS: tl.constexpr,
                    COLS: tl.constexpr, CHANNELS: tl.constexpr):
    """Gradient by one row of taps, summed over ROWS rows of the batch. A sum for each of at most seven taps stays in registers."""
    ky = tl.program_id(2)
    c = tl.program_id(1) * CHANNELS + tl.arange(0, CHANNELS)
    bias = tl.zeros((COLS, CHANNELS), tl.float32)
    sum0, sum1, sum2, sum3, sum4, sum5, sum6 = bias, bias, bias, bias, bias, bias, bias
    for r in range(ROWS):
        row = tl.program_id(0) * ROWS + r
        source_row = row % H + ky - K // 2
        use = (row < rows) & (source_row >= 0) & (source_row < H)
        for first in range(0, W, COLS):
            column = first + tl.arange(0, COLS)
            inside = (column < W) & use
            g = tl.load(gradient + (row * W + column)[:, None] * C + c[None, :], mask=inside[:, None], other=0.0).to(tl.float32)
            bias += g
            sum0 += g * _shifted(x, row, column, 0, inside, H, W, C, K, ky, c)
            sum1 += g * _shifted(x, row, column, 1, inside, H, W, C, K, ky, c)
            sum2 += g * _shifted(x, row, column, 2, inside, H, W, C, K, ky, c)
            if K > 3:
                sum3 += g * _shifted(x, row, column, 3, inside, H, W, C, K, ky, c)
                sum4 += g * _shifted(x, row, column, 4, inside, H, W, C, K, ky, c)
            if K > 5:
                sum5 += g * _shifted(x, row, column, 5, inside, H, W, C, K, ky, c)
                sum6 += g * _shifted(x, row, column, 6, inside, H, W, C, K, ky, c)
    to = by_taps + ky * K * C + c
    tl.atomic_add(to, tl.sum(sum0, 0))
    tl.atomic_add(to + C, tl.sum(sum1, 0))
    tl.atomic_add(to + 2 * C, tl.sum(sum2, 0))
    if K > 3:
        tl.atomic_add(to + 3 * C, tl.sum(sum3, 0))
        tl.atomic_add(to + 4 * C, tl.sum(sum4, 0))
    if K > 5:
        tl.atomic_add(to + 5 * C, tl.sum(sum5, 0))
        tl.atomic_add(to + 6 * C, tl.sum(sum6, 0))
    tl.atomic_add(by_bias + c, tl.sum(bias, 0), mask=(c < C) & (ky == K // 2))


@triton.jit
def _normalise(h, modulation, out, area, C: tl.constexpr, PADDED: tl.constexpr, ROWS: tl.constexpr):
    """Normalisation over channels, then · (1 + scale) + shift by image."""
    at = tl.program_id(0) * ROWS + tl.arange(0, ROWS)
    image = tl.program_id(0) * ROWS // area
    c = tl.arange(0, PADDED)
    inside = (c < C)[None, :]
    place = at[:, None] * C + c[None, :]
    x = tl.load(h + place, mask=inside, other=0.0).to(tl.float32)
    x = tl.where(inside, x - (tl.sum(x, 1) / C)[:, None], 0.0)
    x = x / tl.sqrt(tl.sum(x * x, 1) / C + 1e-6)[:, None]
    shift = tl.load(modulation + image * 2 * C + c, mask=c < C, other=0.0)
    scale = tl.load(modulation + image * 2 * C + C + c, mask=c < C, other=0.0)
    tl.store(out + place, (x * (1.0 + scale)[None, :] + shift[None, :]).to(out.dtype.element_ty), mask=inside)


@triton.jit
def _normalise_back(h, modulation, gradient, by_h, by_modulation, area, C: tl.constexpr, PADDED: tl.constexpr, ROWS: tl.constexpr,
                    TIMES: tl.constexpr):
    c = tl.arange(0, PADDED)
    inside = (c < C)[None, :]
    image = tl.program_id(0) * ROWS * TIMES // area
    scale = tl.load(modulation + image * 2 * C + C + c, mask=c < C, other=0.0)
    by_shift = tl.zeros((PADDED,), tl.float32)
    by_scale = tl.zeros((PADDED,), tl.float32)
    for i in range(TIMES):
        place = ((tl.program_id(0) * TIMES + i) * ROWS + tl.arange(0, ROWS))[:, None] * C + c[None, :]
        x = tl.load(h + place, mask=inside, other=0.0).to(tl.float32)
        g = tl.load(gradient + place, mask=inside, other=0.0).to(tl.float32)
        x = tl.where(inside, x - (tl.sum(x, 1) / C)[:, None], 0.0)
        inverse = 1.0 / tl.sqrt(tl.sum(x * x, 1) / C + 1e-6)
        x = x * inverse[:, None]
        by_shift += tl.sum(g, 0)
        by_scale += tl.sum(g * x, 0)
        g = g * (1.0 + scale)[None, :]
        g = g - (tl.sum(g, 1) / C)[:, None] - x * (tl.sum(g * x, 1) / C)[:, None]
        tl.store(by_h + place, (g * inverse[:, None]).to(by_h.dtype.element_ty), mask=inside)
    tl.atomic_add(by_modulation + image * 2 * C + c, by_shift, mask=c < C)
    tl.atomic_add(by_modulation + image * 2 * C + C + c, by_scale, mask=c < C)


@triton.jit
def _gelu(u, bias, out, rows, C: tl.constexpr, PADDED: tl.constexpr, ROWS: tl.constexpr):
    at = tl.program_id(0) * ROWS + tl.arange(0, ROWS)
    c = tl.arange(0, PADDED)
    inside = (at < rows)[:, None] & (c < C)[None, :]
    place = at[:, None] * C + c[None, :]
    x = tl.load(u + place, mask=inside, other=0.0).to(tl.float32) + tl.load(bias + c, mask=c < C, other=0.0)[None, :]
    x = x * 0.5 * (1.0 + tl.erf(x * 0.7071067811865476))
    tl.store(out + place, x.to(out.dtype.element_ty), mask=inside)


@triton.jit
def _gelu_back(u, bias, gradient, by_u, by_bias, rows, C: tl.constexpr, PADDED: tl.constexpr, ROWS: tl.constexpr, TIMES: tl.constexpr):
    c = tl.arange(0, PADDED)
    b = tl.load(bias + c, mask=c < C, other=0.0)[None, :]
    sums = tl.zeros((PADDED,), tl.float32)
    for i in range(TIMES):
        at = (tl.program_id(0) * TIMES + i) * ROWS + tl.arange(0, ROWS)
        inside = (at < rows)[:, None] & (c < C)[None, :]
        place = at[:, None] * C + c[None, :]
        x = tl.load(u + place, mask=inside, other=0.0).to(tl.float32) + b
        g = tl.load(gradient + place, mask=inside, other=0.0).to(tl.float32)
        slope = 0.5 * (1.0 + tl.erf(x * 0.7071067811865476)) + x * tl.exp(-0.5 * x * x) * 0.3989422804014327
        g = g * slope
        sums += tl.sum(g, 0)
        tl.store(by_u + place, g.to(by_u.dtype.element_ty), mask=inside)
    tl.atomic_add(by_bias + c, sums, mask=c < C)


@triton.jit
def _residual(x, o, bias, scale, out, rows, C: tl.constexpr, PADDED: tl.constexpr, ROWS: tl.constexpr):
    at = tl.program_id(0) * ROWS + tl.arange(0, ROWS)
    c = tl.arange(0, PADDED)
    inside = (at < rows)[:, None] & (c < C)[None, :]
    place = at[:, None] * C + c[None, :]
    b = tl.load(bias + c, mask=c < C, other=0.0)[None, :]
    s = tl.load(scale + c, mask=c < C, other=0.0)[None, :]
    y = tl.load(x + place, mask=inside, other=0.0)
    y += (tl.load(o + place, mask=inside, other=0.0).to(tl.float32) + b) * s
    tl.store(out + place, y, mask=inside)


@triton.jit
def _residual_back(o, bias, scale, gradient, by_o, by_bias, by_scale, rows, C: tl.constexpr, PADDED: tl.constexpr, ROWS: tl.constexpr,
                   TIMES: tl.constexpr):
    c = tl.arange(0, PADDED)
    b = tl.load(bias + c, mask=c < C, other=0.0)[None, :]
    s = tl.load(scale + c, mask=c < C, other=0.0)[None, :]
    biases = tl.zeros((PADDED,), tl.float32)
    scales = tl.zeros((PADDED,), tl.float32)
    for i in range(TIMES):
        at = (tl.program_id(0) * TIMES + i) * ROWS + tl.arange(0, ROWS)
        inside = (at < rows)[:, None] & (c < C)[None, :]
        place = at[:, None] * C + c[None, :]
        g = tl.load(gradient + place, mask=inside, other=0.0)
        scales += tl.sum(g * (tl.load(o + place, mask=inside, other=0.0).to(tl.float32) + b), 0)
        g = g * s
        biases += tl.sum(g, 0)
        tl.store(by_o + place, g.to(by_o.dtype.element_ty), mask=inside)
    tl.atomic_add(by_bias + c, biases, mask=c < C)
    tl.atomic_add(by_scale + c, scales, mask=c < C)


@triton.jit
def _round_weights(weights, out, places, rows_of, columns_of, on, ROWS: tl.constexpr, COLUMNS: tl.constexpr):
    """COLUMNS columns of a product's weight, rounded as an export rounds them."""
    job = tl.program_id(0)
    place, rows, columns = tl.load(places + job), tl.load(rows_of + job), tl.load(columns_of + job)
    c = tl.arange(0, COLUMNS)
    largest = tl.zeros((COLUMNS,), tl.float32)
    sums = tl.zeros((COLUMNS,), tl.float32)
    for first in range(0, rows, ROWS):
        r = first + tl.arange(0, ROWS)
        w = tl.abs(tl.load(weights + place + r[:, None] * columns + c[None, :], mask=(r < rows)[:, None], other=0.0))
        largest = tl.maximum(largest, tl.max(w, 0))
        sums += tl.sum(w, 0)
    most = 2147483647.0 / 32767.0 - rows.to(tl.float32) / 2.0
    step = tl.maximum(largest / 127.0, sums / most)
    step = tl.where(step > 0.0, step, 1.0)
    rounds = tl.load(on) > 0.5
    for first in range(0, rows, ROWS):
        r = first + tl.arange(0, ROWS)
        at = place + r[:, None] * columns + c[None, :]
        w = tl.load(weights + at, mask=(r < rows)[:, None], other=0.0)
        # Adding and taking away 1.5 · 2²³ rounds to even.
        rounded = ((w / step[None, :] + 12582912.0) - 12582912.0) * step[None, :]
        tl.store(out + at, tl.where(rounds, rounded, w), mask=(r < rows)[:, None])


def _tile(width):
    columns = min(triton.next_power_of_2(width), 32)
    return 64 // columns, columns


def depthwise(x, taps, bias=None, residual=None, mirrored=False, dtype=torch.bfloat16):
    """`x` `[B, H, W, C]`, `taps` `[K², C]` in single precision. MIRRORED: correlation with the taps the other way round."""
    B, H, W, C = x.shape
    K = round(taps.shape[0] ** 0.5)
    out = torch.empty(x.shape, dtype=dtype, device=x.device)
    rows, columns = _tile(W)
    grid = (B * triton.cdiv(H, rows) * triton.cdiv(W, columns), C // 64)
    _depthwise[grid](x, taps, bias if bias is not None else taps, residual if residual is not None else taps, out, H, W, C, K, rows,
                     columns, 64, mirrored, bias is not None, residual is not None, num_warps=4)
    return out


def depthwise_taps(x, gradient, by_taps, by_bias):
    B, H, W, C = x.shape
    K = round(by_taps.shape[0] ** 0.5)
    rows = B * H
    each = max(1, min(H, rows // 256))
    columns = max(4, min(triton.next_power_of_2(W), 32))
    _depthwise_taps[(triton.cdiv(rows, each), C // 64, K)](x, gradient, by_taps, by_bias, rows, H, W, C, K, each, columns, 64, num_warps=4)


def _padded(channels):
    return triton.next_power_of_2(channels)


def _times(rows, each, most=8):
    """How many tiles a program takes, so that there are enough programs."""
    return max(1, min(most, rows // (each * 264)))


def normalise(h, modulation):
    B, H, W, C = h.shape
    out = torch.empty(h.shape, dtype=torch.bfloat16, device=h.device)
    rows = min(16, H * W)
    _normalise[(B * H * W // rows,)](h, modulation, out, H * W, C, _padded(C), rows, num_warps=4)
    return out


def normalise_back(h, modulation, gradient, by_modulation):
    B, H, W, C = h.shape
    out = torch.empty_like(h)
    rows = min(16, H * W)
    times = 1
    while times < 8 and H * W % (rows * times * 2) == 0 and B * H * W // (rows * times * 2) >= 264:
        times *= 2
    _normalise_back[(B * H * W // (rows * times),)](h, modulation, gradient, out, by_modulation, H * W, C, _padded(C), rows, times, num_warps=4)
    return out


def gelu(u, bias):
    rows, C = u.shape
    out = torch.empty_like(u)
    _gelu[(triton.cdiv(rows, 16),)](u, bias, out, rows, C, _padded(C), 16, num_warps=4)
    return out


def gelu_back(u, bias, gradient, by_bias):
    rows, C = u.shape
    out, times = torch.empty_like(u), _times(rows, 16)
    _gelu_back[(triton.cdiv(rows, 16 * times),)](u, bias, gradient, out, by_bias, rows, C, _padded(C), 16, times, num_warps=4)
    return out


def residual(x, o, bias, scale):
    C = x.shape[-1]
    rows, out = x.numel() // C, torch.empty_like(x)
    _residual[(triton.cdiv(rows, 16),)](x, o, bias, scale, out, rows, C, _padded(C), 16, num_warps=4)
    return out


def residual_back(o, bias, scale, gradient, by_bias, by_scale):
    rows, C = o.shape
    out, times = torch.empty_like(o), _times(rows, 16)
    _residual_back[(triton.cdiv(rows, 16 * times),)](o, bias, scale, gradient, out, by_bias, by_scale, rows, C, _padded(C), 16, times,
                                                     num_warps=4)
    return out


class RoundedWeights:
    """Rounds all products of a flat buffer at once. `products` lists (offset, rows, columns)."""

    COLUMNS = 16

    def __init__(self, products, device):
        jobs = [(offset + first, rows, columns) for offset, rows, columns in products for first in range(0, columns, self.COLUMNS)]
        self.count = len(jobs)
        self.places, self.rows, self.columns = (torch.tensor(list(part), dtype=torch.int32, device=device) for part in zip(*jobs))

    def __call__(self, weights, out, on):
        _round_weights[(self.count,)](weights, out, self.places, self.rows, self.columns, on, 64, self.COLUMNS, num_warps=4)
