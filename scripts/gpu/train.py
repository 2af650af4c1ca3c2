#!/usr/bin/env python3
"""Trains the proposed network on one NVIDIA GPU, from a model file, and writes its averaged weights.

    python3 scripts/gpu/train.py MODEL IMAGES OUT [--seconds 540] [--batch 32] [--check]

It is for a GPU that is there for minutes: all images are decoded into its memory, a step is one CUDA graph, and the number of steps is
what fits into the time. `to_run.py` makes of OUT/weights*.npy a run that `heirloom-train` validates, exports and continues. Loss, rounding and optimiser are
those of docs/TRAINING.md; the feature maps inside blocks, and all operands of their products, are in bf16.

IMAGES is a folder of images of at least 256 × 256 pixels, in formats that Pillow reads. The centres of those in IMAGES/validation are
measured and not learned from. `--check` compares the kernels with PyTorch's own operations and times a few steps.
"""
import argparse
import json
import math
import multiprocessing
import os
import time
from pathlib import Path

import numpy as np
import torch
from PIL import Image

import checkpoint
import kernels
from network import Network, block_in_framework, Block, parameters

STARTED = time.time()
CROP, WINDOW = 256, 384
MOMENTUM, BETA1, BETA2, CLIP = 0.95, 0.9, 0.999, 2.0
MIDDLE = 256.0


def log(*words):
    print(f"{time.time() - STARTED:7.1f}", *words, flush=True)


def decode(path):
    return np.asarray(Image.open(path).convert("RGB"))


def images_in(folder):
    paths = sorted(path for path in Path(folder).iterdir() if path.is_file())
    with multiprocessing.get_context("fork").Pool(os.cpu_count()) as pool:
        return pool.map(decode, paths, chunksize=8)


def centre(image):
    top, left = ((extent - CROP) // 2 for extent in image.shape[:2])
    return image[top : top + CROP, left : left + CROP]


class Layout:
    """Places of all parameters in one buffer: matrices of one shape side by side, then all others."""

    def __init__(self, spec):
        listed = parameters(spec)
        apart = ("lambda", "modulation", "depthwise", ".step", "encoder.s4.down", "reconstruction.image")
        is_matrix = lambda name, shape: len(shape) == 2 and min(shape) >= 32 and not any(part in name for part in apart)
        shapes = sorted({shape for name, shape in listed if is_matrix(name, shape)})
        groups = [[(n, s) for n, s in listed if is_matrix(n, s) and s == shape] for shape in shapes]
        rest = [(n, s) for n, s in listed if not is_matrix(n, s)]
        self.places, self.groups, at = {}, [], 0
        for group in groups:
            self.groups.append((at, len(group), *group[0][1]))
            for name, shape in group:
                self.places[name] = (at, shape)
                at += math.prod(shape)
        self.matrices = at
        for name, shape in rest:
            self.places[name] = (at, shape)
            at += math.prod(shape)
        self.len = at
        order, start = [], 0
        for name, shape in listed:
            order.append((self.places[name][0], start, math.prod(shape)))
            start += math.prod(shape)
        self.order = order

    def arranged(self, flat):
        """From the order of a checkpoint to that of this buffer."""
        out = np.empty_like(flat)
        for to, start, n in self.order:
            out[to : to + n] = flat[start : start + n]
        return out

    def flat(self, arranged):
        out = np.empty_like(arranged)
        for to, start, n in self.order:
            out[start : start + n] = arranged[to : to + n]
        return out

    def views(self, buffer):
        return {name: buffer[at : at + math.prod(shape)].view(shape) for name, (at, shape) in self.places.items()}

    def products(self):
        return [(at, *shape) for name, (at, shape) in self.places.items() if name.endswith(".weight")]


def orthogonalised(x):
    """Newton–Schulz on a batch of matrices, as in `orthogonal.rs`."""
    wide = x.shape[1] < x.shape[2]
    if wide:
        x = x.transpose(1, 2)
    x = x / (x.square().sum((1, 2), keepdim=True).sqrt() + 1e-20)
    for _ in range(4):
        square = x.transpose(1, 2) @ x
        x = 3.4445 * x + x @ (-4.775 * square + 2.0315 * square @ square)
    return x.transpose(1, 2) if wide else x


def catmull_rom(x):
    x = x.abs()
    near = (1.5 * x - 2.5) * x * x + 1
    far = ((-0.5 * x + 2.5) * x - 4) * x + 2
    return torch.where(x < 1, near, torch.where(x < 2, far, 0.0))


class Images:
    """All images in the GPU's memory, and crops of them."""

    def __init__(self, images, device):
        self.sizes = np.array([image.shape[:2] for image in images])
        areas = self.sizes.prod(1)
        self.offsets = np.concatenate([[0], areas.cumsum()[:-1]])
        pixels = np.concatenate([image.reshape(-1, 3) for image in images])
        self.pixels = torch.from_numpy(pixels).to(device)

    def draw(self, random, steps, batch, low, high):
        """Random choices of all steps, `[steps, batch, 8]`: offset, width, height, left, top, side, mirrored, λ."""
        n = steps * batch
        # Every pass sees each image once.
        order = np.concatenate([random.permutation(len(self.sizes)) for _ in range(-(-n // len(self.sizes)))])[:n]
        height, width = self.sizes[order].T.astype(float)
        shrink = np.where(random.random(n) < 0.3, 1.0, random.uniform(0.7, 1.0, n))
        shrink = np.minimum(np.maximum(shrink, CROP / np.minimum(width, height)), 1.0)
        side = np.minimum(CROP / shrink, np.minimum(width, height))
        left, top = random.random(n) * (width - side), random.random(n) * (height - side)
        whole = shrink >= 1.0
        left, top = np.where(whole, np.round(left), left), np.where(whole, np.round(top), top)
        # λ is stratified within a batch.
        unit = (np.arange(n) % batch + random.random(n)) / batch
        lambdas = low * (high / low) ** unit
        table = [self.offsets[order], width, height, left, top, side, random.integers(0, 2, n), lambdas]
        return np.stack(table, 1).reshape(steps, batch, 8)

    def crops(self, row):
        """`[B, CROP, CROP, 3]` in [-1, 1] of a row of choices `[B, 8]` in double precision."""
        offset, width, _, _, _, _, mirrored, _ = row.unbind(1)
        _, columns, lines, left, top, side, _, _ = row.float().unbind(1)
        i = torch.arange(CROP, device=row.device)
        j = torch.arange(WINDOW, device=row.device)

        def filter(start, extent):
            scale = side / CROP
            first = start.floor() - 4
            source = first[:, None] + j
            centre = start[:, None] + (i + 0.5) * scale[:, None]
            weights = catmull_rom((source[:, None, :] + 0.5 - centre[:, :, None]) / scale[:, None, None])
            inside = (source >= 0) & (source < extent[:, None])
            weights = weights * inside[:, None, :]
            return (weights / weights.sum(2, keepdim=True)).float(), source.clamp_min(0).minimum(extent[:, None] - 1)

        across, x = filter(left, columns)
        down, y = filter(top, lines)
        at = offset.long()[:, None, None] + y.long()[:, :, None] * width.long()[:, None, None] + x.long()[:, None, :]
        window = self.pixels[at].float()
        B = row.shape[0]
        rows = torch.bmm(down, window.reshape(B, WINDOW, WINDOW * 3)).reshape(B, CROP, WINDOW, 3).transpose(1, 2)
        out = torch.bmm(across, rows.reshape(B, WINDOW, CROP * 3)).reshape(B, CROP, CROP, 3).transpose(1, 2)
        out = out.round().clamp(0, 255)
        out = torch.where(mirrored[:, None, None, None] > 0.5, out.flip(2), out)
        return out / 127.5 - 1


class Trainer:
    def __init__(self, spec, flat, images, arguments, device):
        self.device, self.images, self.spec, self.batch = device, images, spec, arguments.batch
        self.layout = layout = Layout(spec)
        self.weights = torch.from_numpy(layout.arranged(flat)).to(device)
        self.used, self.half_buffer = self.weights.clone(), self.weights.bfloat16()
        self.m, self.v = torch.zeros_like(self.weights), torch.zeros_like(self.weights)[layout.matrices :].contiguous()
        self.ema = self.weights.clone()
        self.leaves = {name: view.detach().requires_grad_() for name, view in layout.views(self.used).items()}
        self.round = kernels.RoundedWeights(layout.products(), device)
        self.network = Network(spec, self.leaves, layout.views(self.half_buffer))
        self.step_number = torch.zeros((), dtype=torch.long, device=device)
        self.typical = torch.zeros((), device=device)
        # Sums over steps: loss, bpp, PSNR, norm of the gradient, skipped steps, steps.
        self.sums = torch.zeros(6, device=device)

    def schedule(self, steps, rate, warmup, hold, rounded_from, random, low, high):
        t = np.arange(steps)
        fall = np.clip((t - hold * steps) / ((1 - hold) * steps), 0, 1)
        lr = rate * np.minimum((t + 1) / warmup, 1) * (0.01 + 0.99 * 0.5 * (1 + np.cos(np.pi * fall)))
        n = t + 1.0
        ema = 0.9995 * (1 - np.exp(-n / 500))
        numbers = np.stack([lr, lr / (1 - BETA1**n), 1 / np.sqrt(1 - BETA2**n), 1 - ema, t >= rounded_from * steps], 1)
        self.numbers = torch.tensor(numbers, dtype=torch.float32, device=self.device)
        self.choices = torch.tensor(self.images.draw(random, steps, self.batch, low, high), device=self.device)
        self.step_number.zero_()

    def use(self, weights, rounds):
        """Makes the network compute with `weights`, those of products rounded if `rounds` is 1."""
        self.used.copy_(weights)
        self.round(weights, self.used, rounds)
        self.half_buffer.copy_(self.used)

    def step(self):
        row = self.choices.index_select(0, self.step_number.view(1))[0]
        lr, adam_rate, inverse_root, ema_rate, rounds = self.numbers.index_select(0, self.step_number.view(1))[0].unbind()
        with torch.no_grad():
            torch.backends.cuda.matmul.allow_tf32 = False
            x = self.images.crops(row)
            torch.backends.cuda.matmul.allow_tf32 = True
            self.use(self.weights, rounds)
        lambdas = row[:, 7].float()
        bits, image = self.network(x, lambdas, lambda shape: torch.rand(shape, device=self.device) - 0.5)
        bpp = bits / CROP**2
        mse = (image - x).square().mean((1, 2, 3))
        balance = (MIDDLE / lambdas).sqrt()
        loss = ((bpp + lambdas * mse) * balance).mean()
        names = list(self.layout.places)
        gradients = torch.autograd.grad(loss, [self.leaves[name] for name in names])
        with torch.no_grad():
            g = torch.cat([gradient.reshape(-1) for gradient in gradients])
            self.update(g, lr, adam_rate, inverse_root, ema_rate)
            self.sums += torch.stack([loss, bpp.mean(), mse.log10().mean() * -10 + 10 * math.log10(4), self.norm, 1 - self.usable, self.norm * 0 + 1])
            self.step_number += 1

    def update(self, g, lr, adam_rate, inverse_root, ema_rate):
        norm = g.square().sum().sqrt()
        usable = torch.isfinite(norm) & ((self.typical == 0) | (norm < 20 * self.typical) | (self.step_number < 200))
        kept = torch.where(torch.isfinite(norm), norm, self.typical)
        self.typical.copy_(torch.where(self.typical == 0, kept, 0.98 * self.typical + 0.02 * torch.minimum(kept, 20 * self.typical)))
        factor = torch.where(usable, CLIP / torch.maximum(norm, torch.full_like(norm, CLIP)), 0.0)
        g = torch.where(usable, g * factor, 0.0)
        self.norm, self.usable = norm, usable.float()
        n, w, m, v = self.layout.matrices, self.weights, self.m, self.v
        # Matrices: orthogonalised Nesterov momentum.
        m[:n].mul_(MOMENTUM).add_(g[:n], alpha=1 - MOMENTUM)
        ahead = m[:n] * MOMENTUM + g[:n] * (1 - MOMENTUM)
        for at, count, rows, columns in self.layout.groups:
            part = slice(at, at + count * rows * columns)
            direction = orthogonalised(ahead[part].view(count, rows, columns)).reshape(-1)
            w[part] -= lr * self.usable * (0.2 * math.sqrt(max(rows, columns))) * direction
        # All others: Adam.
        m[n:].mul_(BETA1).add_(g[n:], alpha=1 - BETA1)
        v.mul_(BETA2).addcmul_(g[n:], g[n:], value=1 - BETA2)
        w[n:] -= adam_rate * self.usable * m[n:] / (v.sqrt() * inverse_root + 1e-8)
        self.ema += ema_rate * (w - self.ema)

    def capture(self):
        stream = torch.cuda.Stream()
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            for _ in range(2):
                self.step()
        torch.cuda.current_stream().wait_stream(stream)
        self.graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self.graph):
            self.step()

    @torch.no_grad()
    def measure(self, images, rounds):
        """Means of bpp and PSNR of the averaged weights, rounded or not."""
        self.use(self.ema, torch.tensor(float(rounds), device=self.device))
        out = []
        for value in (8.0, 32.0, 128.0, 512.0, 2048.0, 8192.0):
            bits, decoded = self.network(images, torch.full((len(images),), value, device=self.device))
            decoded = ((decoded.clamp(-1, 1) + 1) * 127.5).round()
            mse = (decoded - (images + 1) * 127.5).square().mean((1, 2, 3))
            psnr = (10 * torch.log10(255**2 / mse)).mean().item()
            out.append((value, bits.mean().item() / images[0, ..., 0].numel(), psnr))
        return out

    def save_state(self, path):
        """Everything that `--resume` needs."""
        torch.save({name: getattr(self, name) for name in ("weights", "m", "v", "ema", "step_number", "typical")}, f"{path}.part")
        os.replace(f"{path}.part", path)

    def restore(self, path):
        for name, value in torch.load(path).items():
            getattr(self, name).copy_(value)

    def save(self, path):
        for i, half in enumerate(np.array_split(self.layout.flat(self.ema.cpu().numpy()), 2)):
            np.save(f"{path}{i}.npy", half)


def show(points):
    return "  ".join(f"{value:.0f}: {bpp:.4f} {psnr:.3f}" for value, bpp, psnr in points)


def check(trainer, validation):
    """Compares the kernels with the framework's own operations: results and gradients of a block and of the whole network."""
    relative = lambda a, b: ((a.float() - b.float()).norm() / (b.float().norm() + 1e-20)).item()
    worst = 0.0
    for name, size in (("encoder.s4.block0", 64), ("encoder.s16.block0", 16), ("encoder.s32.block0", 8), ("encoder.s64.block0", 4)):
        parts = [f"{part}.{kind}" for part in ("depthwise", "expand", "project") for kind in ("weight", "bias")] + ["layer_scale"]
        leaves = [trainer.leaves[f"{name}.{part}"] for part in parts]
        C = leaves[-1].shape[0]
        x = torch.randn(3, size, size, C, device=trainer.device).requires_grad_()
        modulation = (torch.randn(3, 2 * C, device=trainer.device) * 0.5).requires_grad_()
        target = torch.randn_like(x)
        half = [leaves[i].detach().bfloat16() for i in (2, 4)]
        got = Block.apply(x, modulation, *leaves, *half)
        expected = block_in_framework(x, modulation, *leaves)
        errors = {"output": relative(got - x, expected - x)}
        inputs = [x, modulation, *leaves]
        for part, a, b in zip(["x", "modulation", *parts], torch.autograd.grad(got, inputs, target), torch.autograd.grad(expected, inputs, target)):
            errors[part] = relative(a - target if part == "x" else a, b - target if part == "x" else b)
        worst = max(worst, max(errors.values()))
        log(name, max(errors.items(), key=lambda pair: pair[1]))
    rounds = torch.ones((), device=trainer.device)
    trainer.use(trainer.weights, rounds)
    for name, view in list(trainer.layout.views(trainer.weights).items())[:40]:
        if name.endswith(".weight"):
            w = view.double()
            step = torch.maximum(w.abs().amax(0) / 127, w.abs().sum(0) / (2147483647 / 32767 - w.shape[0] / 2))
            error = (trainer.leaves[name].double() - (w / step).round() * step).abs().max() / w.abs().max()
            assert error < 1e-5, (name, error)
    x = validation[:4]
    lambdas = torch.tensor([8.0, 128.0, 1024.0, 8192.0], device=trainer.device)
    trainer.use(trainer.weights, 0 * rounds)
    results = []
    for network in (trainer.network, Network(trainer.spec, trainer.leaves)):
        bits, image = network(x, lambdas)
        loss = (bits / CROP**2 + lambdas * (image - x).square().mean((1, 2, 3))).mean()
        results.append((bits, image, torch.autograd.grad(loss, [trainer.leaves[n] for n in trainer.layout.places])))
    (bits, image, gradients), (bits0, image0, gradients0) = results
    log("bits", (bits / bits0 - 1).abs().max().item(), "image", relative(image, image0))
    per = sorted(((relative(a, b), name) for a, b, name in zip(gradients, gradients0, trainer.layout.places)), reverse=True)
    total = relative(torch.cat([g.flatten() for g in gradients]), torch.cat([g.flatten() for g in gradients0]))
    log("gradient", total, "worst", per[:4])
    assert worst < 0.05 and total < 0.2 and (bits / bits0 - 1).abs().max() < 0.03, "the kernels are wrong"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("model")
    parser.add_argument("images")
    parser.add_argument("out")
    parser.add_argument("--seconds", type=float, default=540.0)
    parser.add_argument("--rate", type=float, default=1.2e-3)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--low", type=float, default=6.0)
    parser.add_argument("--hold", type=float, default=0.25)
    parser.add_argument("--rounded-from", type=float, default=0.55)
    parser.add_argument("--steps", type=int, help="instead of what fits")
    parser.add_argument("--resume", action="store_true", help="continue the run in OUT")
    parser.add_argument("--check", action="store_true", help="check the kernels and time a few steps")
    arguments = parser.parse_args()
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    log(torch.__version__, torch.cuda.get_device_name() if device.type == "cuda" else "CPU", os.cpu_count(), "cores")
    folder = Path(arguments.images)
    images = images_in(folder)
    held_out = np.stack([centre(image) for image in images_in(folder / "validation")])
    validation = torch.from_numpy(held_out).to(device).float() / 127.5 - 1
    log(len(images), "images,", sum(image.shape[0] * image.shape[1] for image in images) / 1e6, "megapixels")
    images = Images(images, device)
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = True
    torch.manual_seed(1)
    spec, flat = checkpoint.of_model_file(arguments.model, parameters)
    trainer = Trainer(spec, flat, images, arguments, device)
    log(trainer.layout.len, "weights")
    random = np.random.default_rng(1)
    if arguments.check:
        check(trainer, validation)
        log("start", show(trainer.measure(validation, False)))
    if device.type == "cpu":
        trainer.schedule(8, arguments.rate, 2, 0.5, 0.5, random, arguments.low, 8192.0)
        for _ in range(arguments.steps or 2):
            trainer.step()
            log(trainer.sums.tolist())
        return
    timing = steps = None
    state = Path(f"{arguments.out}/state.pt")
    if arguments.resume:
        steps = json.loads(Path(f"{arguments.out}/steps.json").read_text())
    else:
        # How long a step takes decides how many there are.
        start = [buffer.clone() for buffer in (trainer.weights, trainer.ema)]
        trainer.schedule(100, arguments.rate, 50, 0.5, 0.0, random, arguments.low, 8192.0)
        trainer.capture()
        log("captured")
        torch.cuda.synchronize()
        before = time.time()
        for _ in range(40):
            trainer.graph.replay()
        torch.cuda.synchronize()
        timing = (time.time() - before) / 40
        speed = arguments.batch * CROP**2 / timing / 1e6
        log(f"{timing * 1e3:.2f} ms a step, {speed:.1f} megapixels a second, {torch.cuda.max_memory_allocated() / 1e9:.1f} GB")
        if arguments.check:
            with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CUDA]) as profile:
                for _ in range(3):
                    trainer.graph.replay()
                torch.cuda.synchronize()
            print(profile.key_averages().table(sort_by="cuda_time_total", row_limit=16, max_name_column_width=60), flush=True)
            return
        for buffer in (trainer.m, trainer.v, trainer.typical):
            buffer.zero_()
        trainer.weights.copy_(start[0])
        trainer.ema.copy_(start[1])
        steps = arguments.steps or int((arguments.seconds - (time.time() - STARTED) - 10) * 0.975 / timing)
        Path(f"{arguments.out}/steps.json").write_text(json.dumps(steps))
    random = np.random.default_rng(2)
    trainer.schedule(steps, arguments.rate, 300, arguments.hold, arguments.rounded_from, random, arguments.low, 8192.0)
    # The graph reads the tables where they are when it is captured. Capturing does steps, which are undone.
    kept = [buffer.clone() for buffer in (trainer.weights, trainer.m, trainer.v, trainer.ema, trainer.typical)]
    trainer.capture()
    for buffer, before in zip((trainer.weights, trainer.m, trainer.v, trainer.ema, trainer.typical), kept):
        buffer.copy_(before)
    trainer.step_number.zero_()
    if arguments.resume and state.exists():
        trainer.restore(state)
    trainer.sums.zero_()
    first = trainer.step_number.item()
    log("from step", first, "to", steps)
    history, every = [], max(1, steps // 12)
    for i in range(first, steps):
        trainer.graph.replay()
        if (i + 1) % 50 == 0:
            torch.cuda.synchronize()
        if (i + 1) % 500 == 0:
            mean = (trainer.sums / trainer.sums[5]).tolist()
            skipped = trainer.sums[4].item()
            log(f"step {i + 1}  loss {mean[0]:.4f}  bpp {mean[1]:.4f}  psnr {mean[2]:.3f}  |g| {mean[3]:.2f}  skipped {skipped:.0f}")
            history.append((i + 1, time.time() - STARTED, *mean[:4]))
            trainer.sums.zero_()
        if (i + 1) % 1000 == 0:
            trainer.save_state(state)
        if (i + 1) % every == 0:
            log("probe", show(trainer.measure(validation, (i + 1) / steps >= arguments.rounded_from)))
            trainer.save(f"{arguments.out}/weights")
        if time.time() - STARTED > arguments.seconds:
            log("out of time at", i + 1)
            break
    for rounds in (False, True):
        log("end, weights rounded:", rounds, show(trainer.measure(validation, rounds)))
    trainer.save(f"{arguments.out}/weights")
    Path(f"{arguments.out}/history.json").write_text(json.dumps({"steps": steps, "batch": arguments.batch, "history": history}))


if __name__ == "__main__":
    main()
