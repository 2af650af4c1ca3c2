#!/usr/bin/env python3
"""Times Heirloom and PyTorch in turn, on the same network and the same machine, and prints ratios.

    python3 -m venv venv && venv/bin/pip install torch
    cargo build --release -p heirloom-train --example timing
    venv/bin/python scripts/against_torch.py [--rounds 7] [--threads 2] [--only encode:base,step:64] [--json FILE]

Each round times every case once on either side, one right after the other, so that a change of the machine's speed meets both. A
case's ratio is the median over rounds of PyTorch's time / ours. PyTorch runs in its faster memory layout, tried in the first round,
without entropy coding or files; our encode and decode include both. Cases in bf16 multiply matrices in it; there PyTorch runs in
single precision or under its automatic mixed precision in bf16, whichever is faster.
"""
import argparse
import json
import math
import platform
import statistics
import time

import torch
import torch.nn.functional as F
from torch import nn

from timing import BINARY, CASES, WARM_UP, Timing


class Block(nn.Module):
    """The λ-conditioned ConvNeXt block."""

    def __init__(self, channels, kernel, embedding):
        super().__init__()
        self.depthwise = nn.Conv2d(channels, channels, kernel, padding=kernel // 2, groups=channels)
        self.modulation = nn.Linear(embedding, 2 * channels)
        self.expand = nn.Linear(channels, 2 * channels)
        self.project = nn.Linear(2 * channels, channels)
        self.layer_scale = nn.Parameter(torch.full((channels,), 0.2))

    def forward(self, x, condition):
        y = self.depthwise(x).permute(0, 2, 3, 1)
        y = F.layer_norm(y, y.shape[-1:], eps=1e-6)
        shift, scale = self.modulation(condition)[:, None, None].chunk(2, -1)
        y = self.project(F.gelu(self.expand(y * (1 + scale) + shift)))
        return x + (y * self.layer_scale).permute(0, 3, 1, 2)


class Blocks(nn.ModuleList):
    def __init__(self, count, channels, kernel, embedding):
        super().__init__(Block(channels, kernel, embedding) for _ in range(count))

    def forward(self, x, condition):
        for block in self:
            x = block(x, condition)
        return x


def up(inputs, outputs, r):
    return nn.Sequential(nn.Conv2d(inputs, outputs * r * r, 1), nn.PixelShuffle(r))


class Level(nn.Module):
    def __init__(self, s, i):
        super().__init__()
        c, k, z, e = s["widths"][4 - i], s["kernels"][4 - i], s["latents"][i], s["embedding"]
        finer = s["widths"][3 - i]
        self.entropy_in = Blocks(s["entropy_in"][i], c, k, e)
        self.prior = nn.Conv2d(c, 2 * z, 1)
        self.feature, self.entropy, self.mixed = Block(c, k, e), Block(c, k, e), Block(c, k, e)
        self.mix, self.mean = nn.Conv2d(2 * c, c, 1), nn.Conv2d(c, z, 3, padding=1)
        self.latent = nn.Conv2d(z, c, 1)
        self.entropy_out = Blocks(s["entropy_out"][i], c, k, e)
        self.entropy_up = up(c, finer, 2) if i < 3 else None
        self.reconstruction_in = Blocks(s["reconstruction_in"][i], c, k, e)
        self.merge = nn.Conv2d(2 * c + z, c, 1)
        self.reconstruction_out = Blocks(s["reconstruction_out"][i], c, k, e)
        self.reconstruction_up = up(c, finer, 2)


class Network(nn.Module):
    def __init__(self, s):
        super().__init__()
        w, e = s["widths"], s["embedding"]
        stages = zip([3] + w[:4], w, [4, 2, 2, 2, 2], s["kernels"], s["encoder_blocks"])
        self.downs, self.stages = nn.ModuleList(), nn.ModuleList()
        for inputs, c, r, k, count in stages:
            self.downs.append(nn.Conv2d(inputs, c, r, r))
            self.stages.append(Blocks(count, c, k, e))
        self.levels = nn.ModuleList(Level(s, i) for i in range(4))
        self.lambdas = nn.ModuleList(nn.Sequential(nn.Linear(e, e), nn.GELU(), nn.Linear(e, e), nn.GELU()) for _ in range(3))
        self.start = nn.Parameter(torch.zeros(w[4]))
        self.tail, self.image = Blocks(s["tail_blocks"], w[0], s["kernels"][0], e), up(w[0], 3, 4)
        self.embedding = e

    def conditions(self, values):
        v = 64 * values.log() / math.log(8192)
        a = v[:, None] * 64.0 ** -torch.linspace(0, 1, self.embedding // 2)[None]
        features = torch.cat([a.cos(), a.sin()], 1)
        return [mlp(features) for mlp in self.lambdas]

    def features(self, x, condition):
        out = []
        for down, blocks in zip(self.downs, self.stages):
            x = blocks(down(x), condition)
            out.append(x)
        return out[::-1]

    def entropy(self, grid, entropy, encoder=None, features=None, latents=None, noise=False):
        """Latents, what the merges read, and bits; `latents` given: the decoder's walk."""
        e = torch.zeros(grid[0], self.start.numel(), *grid[1:])
        out, reads, bits = [], [], []
        for i, level in enumerate(self.levels):
            e = level.entropy_in(e, entropy)
            mean, raw = level.prior(e).chunk(2, 1)
            scale = (F.softplus(raw + 2.3) - 2.3).exp()
            if latents is None:
                pair = torch.cat([level.entropy(e, encoder), level.feature(features[i], encoder)], 1)
                q = level.mean(level.mixed(level.mix(pair), encoder))
                z = q + torch.empty_like(q).uniform_(-0.5, 0.5) if noise else torch.round(q - mean) + mean
                if noise:
                    cdf = lambda x: 0.5 * torch.erfc(-x / math.sqrt(2))
                    d = (z - mean).abs()
                    p = cdf((0.5 - d) / scale) - cdf((-0.5 - d) / scale)
                    bits.append(-p.clamp_min(1e-6).log2().sum())
            else:
                z = latents[i]
            e = e + level.latent(z)
            out.append(z)
            reads.append((z, e))
            if level.entropy_up is not None:
                e = level.entropy_up(level.entropy_out(e, entropy))
        return out, reads, bits

    def reconstruct(self, reads, condition):
        z, _ = reads[0]
        r = self.start.view(1, -1, 1, 1).expand(z.shape[0], -1, *z.shape[2:])
        for level, (z, e) in zip(self.levels, reads):
            r = level.merge(torch.cat([level.reconstruction_in(r, condition), z, e], 1))
            r = level.reconstruction_up(level.reconstruction_out(r, condition))
        return self.image(self.tail(r, condition))


class Torch:
    """One network, and the cases to time on it."""

    def __init__(self, spec, channels_last):
        self.layout = torch.channels_last if channels_last else torch.contiguous_format
        torch.manual_seed(0)
        self.model = Network(spec).to(memory_format=self.layout)
        self.image = (torch.rand(1, 3, 512, 768) * 2 - 1).to(memory_format=self.layout)
        self.crops = (torch.rand(8, 3, 128, 128) * 2 - 1).to(memory_format=self.layout)
        self.optimiser = torch.optim.Adam(self.model.parameters(), lr=1e-5)
        self.latents = None

    @torch.inference_mode()
    def encode(self):
        m = self.model
        entropy, encoder, _ = m.conditions(torch.full((1,), 256.0))
        self.latents, _, _ = m.entropy((1, 8, 12), entropy, encoder, m.features(self.image, encoder))

    @torch.inference_mode()
    def decode(self):
        if self.latents is None:
            self.encode()
        m = self.model
        entropy, _, reconstruction = m.conditions(torch.full((1,), 256.0))
        _, reads, _ = m.entropy((1, 8, 12), entropy, latents=self.latents)
        m.reconstruct(reads, reconstruction)

    def step(self):
        m, x = self.model, self.crops
        values = torch.full((8,), 256.0)
        entropy, encoder, reconstruction = m.conditions(values)
        _, reads, bits = m.entropy((8, 2, 2), entropy, encoder, m.features(x, encoder), noise=True)
        squared = (m.reconstruct(reads, reconstruction) - x).square().mean((1, 2, 3))
        loss = sum(bits) / (8 * 128 * 128) + (values * squared).mean()
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(m.parameters(), 2.0)
        self.optimiser.step()

    def mixed_step(self):
        with torch.autocast("cpu", torch.bfloat16):
            self.step()


def clock(call):
    begin = time.perf_counter()
    call()
    return time.perf_counter() - begin


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--only", default=",".join(CASES), help="cases, separated by commas")
    parser.add_argument("--binary", default=BINARY)
    parser.add_argument("--json", help="write all times here")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    ours = Timing(args.threads, args.binary)
    peers, times = {}, {}
    for case in args.only.split(","):
        verb, name, *precision = case.split(":")
        answer = json.loads(ours.ask(f"spec {name}"))
        if name not in peers:
            candidates = [Torch(answer["spec"], last) for last in (False, True)]
            weights = sum(p.numel() for p in candidates[0].model.parameters())
            assert weights == answer["weights"], f"{name}: PyTorch has {weights} weights, not {answer['weights']}"
            peers[name] = candidates
        calls = {f"{verb}, {peer.layout}": getattr(peer, verb) for peer in peers[name]}
        if precision:
            calls |= {f"mixed, {peer.layout}": peer.mixed_step for peer in peers[name]}
        for call in calls.values():
            call()
        faster = min(calls, key=lambda which: min(clock(calls[which]) for _ in range(2)))
        for _ in range(WARM_UP):
            ours.seconds(case)
            calls[faster]()
        times[case] = {"peer": calls[faster], "which": faster, "ours": [], "torch": []}
    for _ in range(args.rounds):
        for case, of in times.items():
            of["ours"].append(ours.seconds(case))
            of["torch"].append(clock(of["peer"]))
    ours.close()

    print(f"{'':16} {'ours, s':>9} {'PyTorch, s':>11} {'ratio':>6}   (medians of {args.rounds} rounds, {args.threads} threads, PyTorch {torch.__version__})")
    for case, of in times.items():
        of.pop("peer")
        of["ratio"] = statistics.median(t / o for o, t in zip(of["ours"], of["torch"]))
        print(f"{case:16} {statistics.median(of['ours']):9.3f} {statistics.median(of['torch']):11.3f} {of['ratio']:6.2f}   PyTorch: {of['which']}")
    if args.json:
        machine = {"processor": platform.processor() or platform.machine(), "torch": torch.__version__, "threads": args.threads}
        with open(args.json, "w") as file:
            json.dump({"machine": machine, "cases": times}, file, indent=1)


if __name__ == "__main__":
    main()
