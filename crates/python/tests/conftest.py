"""What the tests share: images from formulas, the command, and processes of their own."""

import subprocess
import sys

import numpy as np
import pytest

# Number of channels and dtype of every pixel format.
FORMATS = [(channels, dtype) for dtype in (np.uint8, np.uint16) for channels in (1, 2, 3, 4)]


def make_image(height, width, channels=3, dtype=np.uint8, seed=0):
    """Gradients, edges and noise, with alpha where there are 2 or 4 channels."""
    rng = np.random.default_rng([seed, height, width, channels])
    y, x = np.mgrid[0:height, 0:width]
    waves = [np.sin(a * x + b * y + c) for a, b, c in rng.uniform(0.02, 0.2, (channels + 1, 3))]
    edges = 0.1 * ((x // 16 + y // 16) % 2)
    # Channels are alike, as in photographs.
    image = np.stack([0.45 + 0.3 * waves[-1] + 0.1 * wave + edges for wave in waves[:-1]], -1)
    image += rng.normal(0, 0.01, image.shape)
    image = (image.clip(0, 1) * np.iinfo(dtype).max).astype(dtype)
    return image[..., 0] if channels == 1 else image


def run_python(code, *arguments, timeout=300, **options):
    """Runs code in a new process and returns what it prints."""
    command = [sys.executable, "-c", code, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=timeout, **options)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def run_command(*arguments, status=0, timeout=300):
    """Runs the command and returns what it prints on both streams."""
    command = [sys.executable, "-m", "heirloom", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=timeout)
    assert done.returncode == status, done.stderr
    return done.stdout + done.stderr


@pytest.fixture
def image():
    """A colour image of 96 × 144 pixels."""
    return make_image(96, 144)
