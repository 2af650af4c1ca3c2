"""Image files in, Heirloom files out, and back, as by the command."""

import io
import warnings
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import heirloom
import heirloom.files
from conftest import make_image, run_command

SAMPLE = (Path(__file__).parents[3] / "assets/sample.png").read_bytes()


def as_file(format, image, **options):
    """The bytes of an image file that Pillow writes."""
    file = io.BytesIO()
    Image.fromarray(image).save(file, format, **options)
    return file.getvalue()


def test_files_are_the_commands(tmp_path):
    exif = Image.Exif()
    exif[0x010E] = "a description"
    inputs = {
        "a.png": as_file("PNG", make_image(60, 80, 4), icc_profile=b"profile"),
        "b.jpg": as_file("JPEG", make_image(60, 80), exif=exif),
        "c.webp": as_file("WEBP", make_image(60, 80)),
        "d.tif": as_file("TIFF", make_image(60, 80, 1)),
        "e.png": as_file("PNG", make_image(60, 80, 1, np.uint16)),
    }
    for name, data in inputs.items():
        path = tmp_path / name
        path.write_bytes(data)
        run_command("encode", "--quiet", "-q", 70, "-o", tmp_path / "a.hlm", "--force", path)
        encoded = heirloom.files.encode(data, 70)
        assert encoded == (tmp_path / "a.hlm").read_bytes(), name
        assert heirloom.files.encode(io.BytesIO(data), lam=100) != encoded
        for format in heirloom.files.FORMATS:
            result = tmp_path / f"result.{format}"
            run_command("decode", "--quiet", "-o", result, "--force", tmp_path / "a.hlm")
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", heirloom.NotKeptWarning)
                assert heirloom.files.decode(encoded, format) == result.read_bytes(), (name, format)


def test_what_is_not_kept_is_said():
    animated = io.BytesIO()
    frames = [Image.fromarray(make_image(32, 40, seed=seed)) for seed in range(3)]
    frames[0].save(animated, "GIF", save_all=True, append_images=frames[1:])
    with pytest.warns(heirloom.NotKeptWarning, match="frames"):
        data = heirloom.files.encode(animated.getvalue())
    with pytest.raises(heirloom.UnsupportedError, match="frames"):
        heirloom.files.encode(animated.getvalue(), strict=True)
    with pytest.warns(heirloom.NotKeptWarning, match="16"):
        heirloom.files.decode(heirloom.encode(make_image(32, 40, 1, np.uint16)), "jpg")
    with pytest.warns(heirloom.NotKeptWarning, match="3 of 4 latents"):
        heirloom.files.decode(heirloom.files.encode(SAMPLE, lossless=False)[:-1], partial=True)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert heirloom.files.decode(data, "PNG") == heirloom.files.decode(data, ".png")


def test_errors_have_their_kinds():
    with pytest.raises(heirloom.DamagedError, match="the image"):
        heirloom.files.encode(SAMPLE[: len(SAMPLE) // 2])
    for other in (b"", b"plain text", b"%PDF-1.7"):
        with pytest.raises(heirloom.HeirloomError):
            heirloom.files.encode(other)
    with pytest.raises(heirloom.NotHeirloomError):
        heirloom.files.decode(SAMPLE)
    with pytest.raises(heirloom.BadParameterError, match="gif"):
        heirloom.files.decode(heirloom.files.encode(SAMPLE), "gif")
    with pytest.raises(heirloom.BadParameterError):
        heirloom.files.encode(SAMPLE, 101)
    for call in (heirloom.files.encode, heirloom.files.decode):
        with pytest.raises(TypeError, match="not as paths"):
            call("a.png")
