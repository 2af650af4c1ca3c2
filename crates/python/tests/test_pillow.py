"""Pillow's own ways of use."""

import io
import pickle

import numpy as np
import pytest
from PIL import Image, ImageFile, ImageSequence, UnidentifiedImageError

import heirloom
from conftest import make_image, run_python


def pillow_image(mode, size=(144, 96)):
    width, height = size
    if mode.startswith("I;16"):
        grey = Image.fromarray(make_image(height, width, 1, np.uint16))
        return grey if mode == "I;16" else grey.convert("I").convert(mode)
    channels = {"L": 1, "LA": 2, "RGB": 3, "RGBA": 4}[mode]
    image = Image.fromarray(make_image(height, width, channels))
    assert image.mode == mode
    return image


@pytest.fixture
def path(tmp_path):
    """A colour image of 96 × 144 pixels in a file."""
    path = tmp_path / "a.hlm"
    pillow_image("RGB").save(path, quality=60)
    return path


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA", "I;16"])
def test_modes_come_back(mode, tmp_path):
    image = pillow_image(mode)
    path = tmp_path / "a.hlm"
    image.save(path, quality=80)
    data = path.read_bytes()
    with Image.open(path) as opened:
        assert (opened.format, opened.mode, opened.size) == ("HEIRLOOM", mode, (144, 96))
        assert opened.get_format_mimetype() == "image/x-heirloom"
        pixels = np.asarray(opened)
    assert np.array_equal(pixels, heirloom.decode(data)) and pixels.dtype == heirloom.decode(data).dtype
    assert data == heirloom.encode(image, 80) == heirloom.encode(np.asarray(image), 80)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_byte_orders_of_16_bits():
    image = pillow_image("I;16")
    data = image.tobytes("raw", "I;16B")
    big = Image.frombytes("I;16B", image.size, data)
    assert heirloom.encode(big) == heirloom.encode(image)


@pytest.mark.parametrize("mode", ["1", "P", "CMYK", "YCbCr", "LAB", "HSV", "I", "F", "PA", "RGBX", "La", "RGBa"])
def test_other_modes_are_refused(mode, tmp_path):
    image = Image.new(mode, (8, 8))
    with pytest.raises(OSError, match=f"cannot write mode {mode} as HEIRLOOM"):
        image.save(tmp_path / "a.hlm")
    assert not (tmp_path / "a.hlm").exists()
    with pytest.raises(heirloom.UnsupportedError, match=mode):
        heirloom.encode(image)


@pytest.mark.parametrize("channels, mode", [(2, "LA"), (3, "RGB"), (4, "RGBA")])
def test_16_bits_that_pillow_lacks_are_rounded_to_8(channels, mode):
    data = heirloom.encode(make_image(64, 64, channels, np.uint16))
    opened = Image.open(io.BytesIO(data))
    assert opened.mode == mode
    assert np.abs(np.asarray(opened) - heirloom.decode(data) / 257).max() <= 0.5 + 1e-9


def test_metadata(tmp_path):
    image = pillow_image("RGB")
    exif = image.getexif()
    exif[0x010E] = "a description"
    path = tmp_path / "a.hlm"
    image.save(path, icc_profile=b"profile", exif=exif, xmp=b"<x/>")
    opened = Image.open(path)
    assert opened.info["icc_profile"] == b"profile" and opened.info["xmp"] == b"<x/>"
    assert opened.info["exif"] == exif.tobytes() and opened.getexif()[0x010E] == "a description"
    # Pillow's other formats keep what an image carries, and so does this one.
    opened.save(tmp_path / "b.hlm")
    again = Image.open(tmp_path / "b.hlm")
    assert again.info == opened.info
    assert heirloom.info(heirloom.encode(opened)).icc == b"profile"
    opened.save(tmp_path / "c.hlm", icc_profile=b"", exif=b"", xmp=b"")
    assert Image.open(tmp_path / "c.hlm").info == {}
    # To another format and back.
    opened.save(tmp_path / "d.png", icc_profile=None, exif=opened.info["exif"])
    assert Image.open(tmp_path / "d.png").getexif()[0x010E] == "a description"


def test_options_of_saving(tmp_path):
    image = pillow_image("RGB")
    def size(**options):
        file = io.BytesIO()
        image.save(file, "heirloom", **options)
        assert file.getvalue() == heirloom.encode(image, **options)
        return len(file.getvalue())

    assert size(quality=10) < size() < size(quality=95)
    assert size(target_size=2000) <= 2000
    assert size(lossless=True) > size(lam=100)
    with pytest.raises(ValueError, match="quality 101"):
        image.save(tmp_path / "a.hlm", quality=101)


def test_pixels_are_decoded_when_they_are_used(path, monkeypatch):
    calls = []
    from heirloom import _pillow

    real = _pillow.decode_pixels
    monkeypatch.setattr(_pillow, "decode_pixels", lambda *a: (calls.append(a), real(*a))[1])
    image = Image.open(path)
    assert image.size == (144, 96) and not calls
    image.load()
    image.load()
    assert image.getpixel((3, 4)) and len(calls) == 1
    image.close()


def test_thumbnails_decode_a_smaller_copy(path):
    data = path.read_bytes()
    image = Image.open(path)
    assert image.draft(None, (36, 24)) == ("RGB", (0, 0, 36, 24))
    assert image.size == (36, 24)
    assert np.array_equal(np.asarray(image), heirloom.decode(data, scale=1 / 4))
    image = Image.open(path)
    image.thumbnail((20, 20))
    assert image.size == (20, 13)
    plain = Image.open(path)
    plain.load()
    plain.thumbnail((20, 20))
    assert np.abs(np.asarray(image).astype(int) - np.asarray(plain)).mean() < 3
    # Odd sizes, sides of 1, and sizes that are larger than the image.
    for size in [(1, 1), (1, 50), (33, 17), (129, 65)]:
        small = io.BytesIO()
        pillow_image("RGB", size).save(small, "heirloom")
        for target in [(1, 1), (16, 16), (500, 500)]:
            image = Image.open(small)
            image.thumbnail(target)
            assert max(image.size) <= max(target[0], 1)
            image.load()


def test_verify(path):
    data = path.read_bytes()
    Image.open(path).verify()
    damaged = bytearray(data)
    damaged[-5] ^= 1
    for bad in (bytes(damaged), data[:-1]):
        image = Image.open(io.BytesIO(bad))
        with pytest.raises(SyntaxError):
            image.verify()
        with pytest.raises(OSError, match="LOAD_TRUNCATED_IMAGES"):
            Image.open(io.BytesIO(bad)).load()
    for bad in (data[:8], data[:20], b"x" * 100):
        with pytest.raises(UnidentifiedImageError):
            Image.open(io.BytesIO(bad))


def test_truncated_files_load_in_part(monkeypatch):
    image = pillow_image("RGB")
    data = heirloom.encode(image, lossless=False)
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", True)
    for length in (len(data) - 1, len(data) * 3 // 4):
        opened = Image.open(io.BytesIO(data[:length]))
        with pytest.warns(heirloom.DamagedWarning):
            expected = heirloom.decode(data[:length], partial=True)
        assert np.array_equal(np.asarray(opened), expected)


def test_other_ways_of_use(path):
    with Image.open(path) as image:
        frames = [frame.copy() for frame in ImageSequence.Iterator(image)]
        assert len(frames) == 1
        with pytest.raises(EOFError):
            image.seek(1)
        again = pickle.loads(pickle.dumps(image))
        assert np.array_equal(np.asarray(again), np.asarray(image))
        assert image.copy().resize((10, 10)).convert("L").size == (10, 10)
        assert image.crop((5, 6, 20, 30)).size == (15, 24)
    parser = ImageFile.Parser()
    parser.feed(path.read_bytes())
    assert parser.close().size == (144, 96)


def test_the_order_of_imports_does_not_matter(path):
    show = "print(Image.open(sys.argv[1]).size)"
    assert run_python(f"import sys, heirloom; from PIL import Image; {show}", path) == "(144, 96)"
    assert run_python(f"import sys; from PIL import Image; import heirloom; {show}", path) == "(144, 96)"


def test_pillow_and_numpy_are_not_needed_where_they_are_not_used(path):
    block = "import sys; sys.modules['PIL'] = None; import heirloom; print(heirloom.decode(sys.argv[1]).shape)"
    assert run_python(block, path) == "(96, 144, 3)"
    block = "import sys; sys.modules['numpy'] = None; import heirloom; from PIL import Image; "
    assert run_python(block + "print(Image.open(sys.argv[1]).convert('L').getbbox())", path) == "(0, 0, 144, 96)"
