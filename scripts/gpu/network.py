"""The proposed network in PyTorch: the same graph as `crates/train/src/model`, for a GPU.

Feature maps are NHWC. Names, shapes and order of the parameters are those of `Spec::parameters`.
"""
import math

import torch
import torch.nn.functional as F

import kernels


def parameters(spec):
    """Names and shapes in the order of a checkpoint."""
    listed = []
    e = spec["embedding"]
    add = lambda name, *shape: listed.append((name, shape))

    def dense(name, inputs, outputs):
        add(f"{name}.weight", inputs, outputs)
        add(f"{name}.bias", outputs)

    def block(name, stage):
        width, kernel = spec["widths"][stage], spec["kernels"][stage]
        dense(f"{name}.depthwise", kernel * kernel, width)
        listed[-1] = (listed[-1][0], (width,))
        dense(f"{name}.modulation", e, 2 * width)
        dense(f"{name}.expand", width, 2 * width)
        dense(f"{name}.project", 2 * width, width)
        add(f"{name}.layer_scale", width)

    inputs = 3
    for stage, width in enumerate(spec["widths"]):
        name, ratio = f"encoder.s{4 << stage}", 4 if stage == 0 else 2
        dense(f"{name}.down", ratio * ratio * inputs, width)
        for i in range(spec["encoder_blocks"][stage]):
            block(f"{name}.block{i}", stage)
        inputs = width
    for level in range(4):
        stage, name = 4 - level, f"encoder.z{level + 1}"
        width = spec["widths"][stage]
        for part in ("feature_block", "entropy_block", "mixed_block"):
            block(f"{name}.{part}", stage)
        dense(f"{name}.mix", 2 * width, width)
        dense(f"{name}.mean", 9 * width, spec["latents"][level])
    if spec["linear_path"]:
        dense("encoder.linear", 192, spec["latents"][3])
    for level in range(4):
        stage, name = 4 - level, f"entropy.z{level + 1}"
        width, latent = spec["widths"][stage], spec["latents"][level]
        for i in range(spec["entropy_in"][level]):
            block(f"{name}.in{i}", stage)
        dense(f"{name}.prior", width, 2 * latent)
        dense(f"{name}.latent", latent, width)
        if spec["learned_steps"]:
            add(f"{name}.step", 3, latent)
        if spec["context"][level]:
            hidden = spec["context"][level]
            dense(f"{name}.context.depthwise", 25, latent)
            dense(f"{name}.context.expand", width + latent, hidden)
            dense(f"{name}.context.project", hidden, 2 * latent)
        for i in range(spec["entropy_out"][level]):
            block(f"{name}.out{i}", stage)
        if level < 3:
            dense(f"{name}.up", width, 4 * spec["widths"][stage - 1])
    add("reconstruction.start", spec["widths"][4])
    for level in range(4):
        stage, name = 4 - level, f"reconstruction.z{level + 1}"
        width, latent = spec["widths"][stage], spec["latents"][level]
        for i in range(spec["reconstruction_in"][level]):
            block(f"{name}.in{i}", stage)
        dense(f"{name}.merge", 2 * width + latent, width)
        for i in range(spec["reconstruction_out"][level]):
            block(f"{name}.out{i}", stage)
        dense(f"{name}.up", width, 4 * spec["widths"][stage - 1])
    for i in range(spec["tail_blocks"]):
        block(f"reconstruction.tail{i}", 0)
    dense("reconstruction.image", spec["widths"][0], 48)
    if spec["linear_path"]:
        dense("reconstruction.linear", spec["latents"][3], 192)
    for branch in ("encoder", "reconstruction", "entropy"):
        for layer in ("fc1", "fc2"):
            dense(f"{branch}.lambda.{layer}", e, e)
    return listed


def lambda_features(lambdas, embedding):
    """`[B, E]` of `lambdas` `[B]`; as in `lambda.rs`."""
    half = embedding // 2
    v = 64 * lambdas.double().log() / math.log(8192)
    angles = v[:, None] * 64.0 ** (-torch.arange(half, device=v.device, dtype=torch.float64) / (half - 1))
    return torch.cat([angles.cos(), angles.sin()], 1).float()


def step_powers(lambdas):
    t = (lambdas.double() / 256).log() / math.log(32)
    return torch.stack([torch.ones_like(t), t, t * t], 1).float()


class Block(torch.autograd.Function):
    """x + scale · project(gelu(expand(modulate(norm(depthwise(x))))))."""

    @staticmethod
    def forward(ctx, x, modulation, dw, db, we, be, wp, bp, scale, we16, wp16):
        B, H, W, C = x.shape
        h = kernels.depthwise(x, dw, db)
        y = kernels.normalise(h, modulation).view(-1, C)
        u = y @ we16
        v = kernels.gelu(u, be)
        o = v @ wp16
        ctx.save_for_backward(x, modulation, dw, be, bp, scale, we16, wp16, h, y, u, v, o)
        return kernels.residual(x, o, bp, scale)

    @staticmethod
    def backward(ctx, g):
        x, modulation, dw, be, bp, scale, we16, wp16, h, y, u, v, o = ctx.saved_tensors
        C, shape = x.shape[-1], x.shape
        g = g.contiguous()
        # One buffer of zeros for all sums.
        sizes = [modulation.numel(), dw.numel(), C, 2 * C, C, C]
        by_modulation, by_dw, by_db, by_be, by_bp, by_scale = x.new_zeros(sum(sizes)).split(sizes)
        by_dw = by_dw.view_as(dw)
        by_o = kernels.residual_back(o, bp, scale, g, by_bp, by_scale)
        by_wp = v.t() @ by_o
        by_u = kernels.gelu_back(u, be, by_o @ wp16.t(), by_be)
        by_we = y.t() @ by_u
        by_h = kernels.normalise_back(h, modulation, (by_u @ we16.t()).view(shape), by_modulation)
        kernels.depthwise_taps(x, by_h, by_dw, by_db)
        by_x = kernels.depthwise(by_h, dw, residual=g, mirrored=True, dtype=torch.float32)
        return (by_x, by_modulation.view_as(modulation), by_dw, by_db, by_we.float(), by_be, by_wp.float(), by_bp, by_scale, None, None)


class Depthwise(torch.autograd.Function):
    """A depthwise convolution in single precision."""

    @staticmethod
    def forward(ctx, x, taps, bias):
        ctx.save_for_backward(x, taps)
        return kernels.depthwise(x, taps, bias, dtype=torch.float32)

    @staticmethod
    def backward(ctx, g):
        x, taps = ctx.saved_tensors
        g = g.contiguous()
        by_taps, by_bias = torch.zeros_like(taps), x.new_zeros(taps.shape[1])
        kernels.depthwise_taps(x, g, by_taps, by_bias)
        return kernels.depthwise(g, taps, mirrored=True, dtype=torch.float32), by_taps, by_bias


def block_in_framework(x, modulation, dw, db, we, be, wp, bp, scale):
    """The same in PyTorch's own operations and single precision."""
    C = x.shape[-1]
    K = round(dw.shape[0] ** 0.5)
    h = F.conv2d(x.permute(0, 3, 1, 2), dw.t().reshape(C, 1, K, K), db, padding=K // 2, groups=C).permute(0, 2, 3, 1)
    h = h - h.mean(-1, keepdim=True)
    h = h / (h.square().mean(-1, keepdim=True) + 1e-6).sqrt()
    shift, factor = modulation[:, None, None].chunk(2, -1)
    return x + (F.gelu((h * (1 + factor) + shift) @ we + be) @ wp + bp) * scale


def depthwise_in_framework(x, taps, bias):
    C, K = x.shape[-1], round(taps.shape[0] ** 0.5)
    return F.conv2d(x.permute(0, 3, 1, 2), taps.t().reshape(C, 1, K, K), bias, padding=K // 2, groups=C).permute(0, 2, 3, 1)


class Bits(torch.autograd.Function):
    """Bits of residuals, in steps, under deviations: as in `rate.rs`, with the derivatives written out."""

    @staticmethod
    def forward(ctx, residual, scale):
        distance, inverse = residual.abs(), 1 / scale
        upper, lower = (0.5 - distance) * inverse, (-0.5 - distance) * inverse
        phi = lambda a: 0.5 * torch.special.erfc(a * -math.sqrt(0.5))
        density = lambda a: torch.exp(-0.5 * a * a) * (1 / math.sqrt(2 * math.pi))
        p = phi(upper) - phi(lower)
        tail = p <= 1e-6
        p = p.clamp_min(1e-6)
        factor = inverse / p
        du, dl = density(upper), density(lower)
        standard = distance * inverse
        bits = torch.where(tail, 0.5 * standard * standard - inverse.log() + 0.5 * math.log(2 * math.pi), -p.log())
        by_distance = torch.where(tail, standard * inverse, (du - dl) * factor)
        by_scale = torch.where(tail, (1 - standard * standard) * inverse, (upper * du - lower * dl) * factor)
        ctx.save_for_backward(by_distance * residual.sign() / math.log(2), by_scale / math.log(2))
        return bits / math.log(2)

    @staticmethod
    def backward(ctx, g):
        by_residual, by_scale = ctx.saved_tensors
        return g * by_residual, g * by_scale


def down(x, weight, bias, r):
    B, H, W, C = x.shape
    patches = x.reshape(B * H // r, r, W // r, r * C).permute(0, 2, 1, 3).reshape(B, H // r, W // r, r * r * C)
    return F.linear(patches, weight.t(), bias)


def up(x, weight, bias, r):
    B, H, W, _ = x.shape
    out = bias.shape[0] // (r * r)
    y = F.linear(x, weight.t(), bias)
    return y.reshape(B * H, W, r, r * out).permute(0, 2, 1, 3).reshape(B, H * r, W * r, out)


def conv3x3(x, weight, bias):
    C = x.shape[-1]
    taps = weight.reshape(3, 3, C, -1).permute(3, 2, 0, 1)
    return F.conv2d(x.permute(0, 3, 1, 2), taps, bias, padding=1).permute(0, 2, 3, 1)


class Network:
    """The network of `spec`. `w` maps the names of parameters to tensors, and `half` those of the blocks' two products to bf16
    copies; without `half`, everything runs in the framework's own operations."""

    def __init__(self, spec, w, half=None):
        self.spec, self.w, self.half = spec, w, half

    def dense(self, name, *maps):
        return F.linear(torch.cat(maps, -1) if len(maps) > 1 else maps[0], self.w[f"{name}.weight"].t(), self.w[f"{name}.bias"])

    def block(self, name, activated, x):
        w = self.w
        arguments = [x.contiguous(), self.dense(f"{name}.modulation", activated)]
        arguments += [w[f"{name}.{part}.{kind}"] for part in ("depthwise", "expand", "project") for kind in ("weight", "bias")]
        arguments.append(w[f"{name}.layer_scale"])
        if self.half is None:
            return block_in_framework(*arguments)
        return Block.apply(*arguments, self.half[f"{name}.expand.weight"], self.half[f"{name}.project.weight"])

    def blocks(self, name, count, activated, x):
        for i in range(count):
            x = self.block(f"{name}{i}", activated, x)
        return x

    def embed(self, branch, features):
        return F.gelu(self.dense(f"{branch}.lambda.fc2", F.gelu(self.dense(f"{branch}.lambda.fc1", features))))

    def __call__(self, images, lambdas, noise=None, rounded=True):
        """Bits `[B]` and images `[B, H, W, 3]` of `images` in [-1, 1]. `noise(shape)` draws from [-1/2, 1/2) for the rate; without
        it, latents are rounded as in coding. `rounded`: both branches see rounded latents."""
        spec, w = self.spec, self.w
        features = lambda_features(lambdas, spec["embedding"])
        powers = step_powers(lambdas)
        entropy, encoder, reconstruction = (self.embed(branch, features) for branch in ("entropy", "encoder", "reconstruction"))
        x, stages = images, []
        for s in range(5):
            name = f"encoder.s{4 << s}"
            x = down(x, w[f"{name}.down.weight"], w[f"{name}.down.bias"], 4 if s == 0 else 2)
            x = self.blocks(f"{name}.block", spec["encoder_blocks"][s], encoder, x)
            stages.append(x)
        B, H, W, _ = stages[4].shape
        e = images.new_zeros(B, H, W, spec["widths"][4])
        r = images.new_zeros(B, H, W, spec["widths"][4]) + w["reconstruction.start"]
        bits = 0
        for level in range(4):
            n, stage = f"z{level + 1}", 4 - level
            e = self.blocks(f"entropy.{n}.in", spec["entropy_in"][level], entropy, e)
            prior = self.dense(f"entropy.{n}.prior", e)
            a = self.block(f"encoder.{n}.feature_block", encoder, stages[stage])
            b = self.block(f"encoder.{n}.entropy_block", encoder, e)
            mixed = self.block(f"encoder.{n}.mixed_block", encoder, self.dense(f"encoder.{n}.mix", b, a))
            q = conv3x3(mixed, w[f"encoder.{n}.mean.weight"], w[f"encoder.{n}.mean.bias"])
            if level == 3:
                q = q + down(images, w["encoder.linear.weight"], w["encoder.linear.bias"], 8)
            delta = (powers @ w[f"entropy.{n}.step"]).exp()[:, None, None]
            drawn = noise(q.shape) if noise else None

            def quantised(prior):
                """The residual in steps, the error of rounding it, and the raw scales."""
                mean, raw = prior.chunk(2, -1)
                residual = (q - mean) / delta
                error = (residual.round() - residual).detach() if rounded or drawn is None else drawn
                return residual, error, raw

            if spec["context"][level]:
                residual, error, _ = quantised(prior)
                at = torch.arange(q.shape[1], device=q.device)[:, None] + torch.arange(q.shape[2], device=q.device)
                first = (at % 2 == 0).to(q.dtype)[None, :, :, None]
                name = f"entropy.{n}.context"
                depthwise = depthwise_in_framework if self.half is None else Depthwise.apply
                seen = depthwise(((residual + error) * first).contiguous(), w[f"{name}.depthwise.weight"], w[f"{name}.depthwise.bias"])
                hidden = F.gelu(self.dense(f"{name}.expand", e, seen))
                prior = prior + self.dense(f"{name}.project", hidden) * (1 - first)
            residual, error, raw = quantised(prior)
            latent = q + error * delta
            scale = (F.softplus(raw + 2.3) - 2.3).exp()
            bits = bits + Bits.apply(residual + (error if drawn is None else drawn), scale).sum((1, 2, 3))
            e = e + self.dense(f"entropy.{n}.latent", latent)
            r = self.blocks(f"reconstruction.{n}.in", spec["reconstruction_in"][level], reconstruction, r)
            r = self.dense(f"reconstruction.{n}.merge", r, latent, e)
            r = self.blocks(f"reconstruction.{n}.out", spec["reconstruction_out"][level], reconstruction, r)
            r = up(r, w[f"reconstruction.{n}.up.weight"], w[f"reconstruction.{n}.up.bias"], 2)
            if level < 3:
                e = self.blocks(f"entropy.{n}.out", spec["entropy_out"][level], entropy, e)
                e = up(e, w[f"entropy.{n}.up.weight"], w[f"entropy.{n}.up.bias"], 2)
        r = self.blocks("reconstruction.tail", spec["tail_blocks"], reconstruction, r)
        image = up(r, w["reconstruction.image.weight"], w["reconstruction.image.bias"], 4)
        return bits, image + up(latent, w["reconstruction.linear.weight"], w["reconstruction.linear.bias"], 8)
