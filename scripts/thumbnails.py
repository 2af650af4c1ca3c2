#!/usr/bin/env python3
"""Measures `heirloom decode --quick`: PSNR against the means of the original's squares, and time against the same
scale without it.

    scripts/thumbnails.py HEIRLOOM IMAGE...

Needs NumPy and Pillow. Images are coded by the network alone. Times are those of the processor, start included.
"""

import resource
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image


def run(*command) -> float:
    """Seconds of processor time that a command takes."""
    used = lambda: sum(resource.getrusage(resource.RUSAGE_CHILDREN)[:2])  # noqa: E731
    before = used()
    subprocess.run([str(part) for part in command], check=True)
    return used() - before


def pixels(path: Path) -> np.ndarray:
    return np.asarray(Image.open(path).convert("RGB"), dtype=np.float64)


def main() -> None:
    heirloom, images = sys.argv[1], sys.argv[2:]
    if not images:
        sys.exit(__doc__)
    with tempfile.TemporaryDirectory() as folder:
        coded, exact, small = (Path(folder) / name for name in ("a.hlm", "b.png", "c.png"))
        for strength in (32, 128, 512, 2048):
            for scale in ("1/8", "1/16"):
                psnr, times = [], np.zeros(2)
                for image in images:
                    decode = (heirloom, "decode", coded, "--quiet", "--force", "--scale", scale, "-o")
                    run(heirloom, "encode", image, "--quiet", "--force", "--lossless", "-o", coded)
                    run(*decode, exact)
                    truth = pixels(exact)
                    run(heirloom, "encode", image, "--quiet", "--force", "--lossless=never", "--lambda", strength, "-o", coded)
                    times += [run(*decode, exact), run(*decode, small, "--quick")]
                    psnr.append(10 * np.log10(255**2 / np.mean((truth - pixels(small)) ** 2)))
                print(f"λ {strength:4}  {scale:>4}  {np.mean(psnr):.2f} dB  {times[0] / times[1]:.1f} × faster")


main()
