#!/usr/bin/env python3
"""How good a run has become, against the hours it has trained: adds a point to a JSON file, and draws all of them.

    cargo build --release -p heirloom-train
    python3 scripts/training_curve.py runs/third KODAK --json results/training/third-lineage.json \\
        --figure docs/images/third-lineage.svg

Measures the newest checkpoint's averaged weights by `heirloom-train validate`, so rates are estimates and weights are floats. The
BD-rate is over the PSNR that both curves share (PCHIP of log rate). Hours are the sum of what the lines of metrics say, so they are
those of the machine as busy as it was.
"""
import argparse
import json
import math
import subprocess
from pathlib import Path

ANCHOR = Path(__file__).parent.parent / "crates/eval/anchors/kodak-avif.json"


def slopes(x, y):
    """Slopes of the monotone cubic interpolation of Fritsch and Carlson."""
    h = [b - a for a, b in zip(x, x[1:])]
    d = [(b - a) / w for a, b, w in zip(y, y[1:], h)]
    inner = [
        0.0 if a * b <= 0 else 3 * (v + w) / ((2 * w + v) / a + (w + 2 * v) / b)
        for a, b, v, w in zip(d, d[1:], h, h[1:])
    ]
    end = lambda h0, h1, d0, d1: max(min(((2 * h0 + h1) * d0 - h0 * d1) / (h0 + h1), 3 * d0), 0.0)
    return [end(h[0], h[1], d[0], d[1]), *inner, end(h[-1], h[-2], d[-1], d[-2])]


def curve(points):
    """Log of the rate as a function of PSNR, of (bpp, psnr) that rise together."""
    y, x = zip(*sorted((math.log(bpp), psnr) for bpp, psnr in points))
    m = slopes(x, y)

    def at(psnr):
        i = max(i for i in range(len(x) - 1) if x[i] <= psnr or i == 0)
        h = x[i + 1] - x[i]
        t = (psnr - x[i]) / h
        a, b, c, d = (1 + 2 * t) * (1 - t) ** 2, t * (1 - t) ** 2, t * t * (3 - 2 * t), t * t * (t - 1)
        return a * y[i] + b * h * m[i] + c * y[i + 1] + d * h * m[i + 1]

    return at, x[0], x[-1]


def bd_rate(points, anchor, count=2000):
    """Mean difference in rate at equal PSNR, in per cent, and the range of PSNR."""
    (ours, low, high), (theirs, low2, high2) = curve(points), curve(anchor)
    low, high = max(low, low2), min(high, high2)
    at = [low + (high - low) * (i + 0.5) / count for i in range(count)]
    return 100 * math.expm1(sum(ours(p) - theirs(p) for p in at) / count), low, high


def hours(run, step):
    """Hours of training up to a step, and the step of the last line before it."""
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    lines = [line for line in lines if line["kind"] == "train" and line["step"] <= step]
    steps = [0, *(line["step"] for line in lines)]
    return sum((b - a) / line["steps_per_second"] for a, b, line in zip(steps, steps[1:], lines)) / 3600


def figure(entries, title):
    """BD-rate against hours, as SVG."""
    width, height, left, bottom = 640, 360, 64, 48
    xs, ys = [e["hours"] for e in entries], [e["bd_rate"] for e in entries]
    x_end, y_low, y_high = max(*xs, 1) * 1.05, min(*ys, 0) - 2, max(*ys, 0) + 2
    x = lambda v: left + (width - left - 16) * v / x_end
    y = lambda v: 16 + (height - bottom - 16) * (y_high - v) / (y_high - y_low)
    step = next(s for s in (1, 2, 5, 10, 20, 50) if (y_high - y_low) / s <= 8)
    every = next(s for s in (0.5, 1, 2, 5, 10, 20) if x_end / s <= 10)
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="12">']
    parts.append(f'<title>{title}</title><rect width="{width}" height="{height}" fill="white"/>')
    for i in range(math.ceil(y_low / step), math.floor(y_high / step) + 1):
        colour = "#444" if i == 0 else "#ddd"
        parts.append(f'<path d="M{left} {y(i * step):.1f}H{width - 16}" stroke="{colour}"/>')
        parts.append(f'<text x="{left - 6}" y="{y(i * step) + 4:.1f}" text-anchor="end">{i * step:+d} %</text>')
    for i in range(math.floor(x_end / every) + 1):
        parts.append(f'<text x="{x(i * every):.1f}" y="{height - bottom + 18}" text-anchor="middle">{i * every:g}</text>')
    line = "L".join(f"{x(a):.1f} {y(b):.1f}" for a, b in zip(xs, ys))
    parts.append(f'<path d="M{line}" fill="none" stroke="#0b62a4" stroke-width="2"/>')
    parts += [f'<circle cx="{x(a):.1f}" cy="{y(b):.1f}" r="3" fill="#0b62a4"/>' for a, b in zip(xs, ys)]
    parts.append(f'<text x="{(left + width) / 2}" y="{height - 10}" text-anchor="middle">hours of training</text>')
    parts.append(f'<text x="{left}" y="12">{title}</text></svg>')
    return "\n".join(parts) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path)
    parser.add_argument("images", type=Path, help="the 24 Kodak images, which the anchor was measured on")
    parser.add_argument("--json", type=Path, required=True, help="file of points, which grows")
    parser.add_argument("--figure", type=Path)
    parser.add_argument("--lambdas", default="8,32,128,512,2048,8192")
    parser.add_argument("--program", type=Path, default=Path("target/release/heirloom-train"))
    options = parser.parse_args()
    anchor = json.loads(ANCHOR.read_text())
    entries = json.loads(options.json.read_text())["points"] if options.json.exists() else []
    step = max(int(p.stem.split("-")[1]) for p in options.run.glob("checkpoint-*.bin"))
    if all(e["step"] != step for e in entries):
        checkpoint = options.run / f"checkpoint-{step:09}.bin"
        command = [options.program, "validate", checkpoint, "--data", options.images, "--json"]
        command += [f"--lambda={value}" for value in options.lambdas.split(",")]
        lines = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout.splitlines()
        points = [{key: round(p[key], 5) for key in ("lambda", "bpp", "psnr")} for p in map(json.loads, lines)]
        rate, low, high = bd_rate([(p["bpp"], p["psnr"]) for p in points], list(zip(anchor["bpp"], anchor["psnr"])))
        entries.append({
            "step": step, "hours": round(hours(options.run, step), 2), "bd_rate": round(rate, 2),
            "psnr_range": [round(low, 2), round(high, 2)], "points": points,
        })
    entries.sort(key=lambda e: e["step"])
    text = ",\n".join("  " + json.dumps(e) for e in entries)
    options.json.write_text(f'{{\n "anchor": "{anchor["codec"]}",\n "points": [\n{text}\n ]\n}}\n')
    if options.figure:
        options.figure.write_text(figure(entries, f"Kodak: rate against {anchor['codec'].upper()} at equal PSNR, by estimate"))
    for e in entries:
        print(f"step {e['step']}: {e['hours']} h, {e['bd_rate']:+.2f} % ({e['psnr_range'][0]} to {e['psnr_range'][1]} dB)")


if __name__ == "__main__":
    main()
