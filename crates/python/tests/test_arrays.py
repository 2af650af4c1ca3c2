"""Arrays in, arrays out."""

import io

import numpy as np
import pytest

import heirloom
from conftest import FORMATS, make_image


def error(a, b):
    """Mean absolute difference, of a range of 1."""
    assert a.shape == b.shape and a.dtype == b.dtype
    return np.abs(a.astype(float) - b).mean() / np.iinfo(a.dtype).max


@pytest.mark.parametrize("channels, dtype", FORMATS)
def test_all_formats_come_back(channels, dtype):
    image = make_image(70, 90, channels, dtype)
    data = heirloom.encode(image, 80)
    decoded = heirloom.decode(data)
    assert error(decoded, image) < 0.03
    if channels in (2, 4):
        assert np.array_equal(decoded[..., -1], image[..., -1]), "alpha is lossless"
    about = heirloom.info(data)
    assert about.shape == image.shape and about.dtype == image.dtype.name and about.file_bytes == len(data)
    exact = heirloom.decode(heirloom.encode(image, lossless=True))
    assert np.array_equal(exact, image) and exact.dtype == image.dtype


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_strides_and_byte_order_do_not_matter(dtype):
    image = make_image(80, 100, 3, dtype)
    expected = heirloom.encode(image)
    wide = np.zeros((160, 300, 5), dtype)
    wide[::2, ::3, 1:4] = image
    field = np.zeros(image.shape, np.dtype([("pad", "u1"), ("value", dtype)]))
    field["value"] = image
    readonly = image.copy()
    readonly.flags.writeable = False
    variants = {
        "Fortran order": np.asfortranarray(image),
        "a view": wide[::2, ::3, 1:4],
        "negative strides": image[::-1, ::-1].copy()[::-1, ::-1],
        "channels first": np.ascontiguousarray(image.transpose(2, 0, 1)).transpose(1, 2, 0),
        "another byte order": image.astype(image.dtype.newbyteorder(">")),
        "not aligned": field["value"],
        "not writeable": readonly,
        "nested lists": image if dtype == np.uint16 else [list(map(list, row)) for row in image],
    }
    for name, variant in variants.items():
        if isinstance(variant, list):
            variant = np.array(variant, dtype)
        assert heirloom.encode(variant) == expected, name
    grey = image[..., 0]
    assert heirloom.encode(grey[..., None]) == heirloom.encode(grey)
    broadcast = np.broadcast_to(dtype(9), (64, 64, 3))
    assert heirloom.encode(broadcast) == heirloom.encode(np.full((64, 64, 3), 9, dtype))


@pytest.mark.parametrize("dtype", ["float32", "int16", "uint32", "bool", "object", "complex64"])
def test_other_dtypes_are_refused_by_name(dtype):
    with pytest.raises(TypeError, match=dtype):
        heirloom.encode(np.zeros((8, 8), dtype))


@pytest.mark.parametrize("shape", [(), (8,), (8, 8, 0), (8, 8, 5), (2, 8, 8, 3), (0, 8), (8, 0, 3)])
def test_other_shapes_are_refused(shape):
    with pytest.raises(heirloom.BadParameterError):
        heirloom.encode(np.zeros(shape, np.uint8))


def test_out_is_written_in_place(image):
    data = heirloom.encode(image)
    expected = heirloom.decode(data)
    out = np.zeros_like(image)
    assert heirloom.decode(data, out=out) is out
    assert np.array_equal(out, expected)
    volume = np.zeros((2, *image.shape[:2], 6), np.uint8)
    heirloom.decode(data, out=volume[1, ..., ::2])
    assert np.array_equal(volume[1, ..., ::2], expected)
    assert not volume[0].any() and not volume[1, ..., 1::2].any()
    grey = np.zeros((64, 64, 1), np.uint8)
    heirloom.decode(heirloom.encode(np.full((64, 64), 7, np.uint8)), out=grey)
    assert grey.max() > 0

    with pytest.raises(heirloom.BadParameterError, match="shape"):
        heirloom.decode(data, out=np.zeros((96, 144), np.uint8))
    with pytest.raises(TypeError, match="uint16"):
        heirloom.decode(data, out=np.zeros(image.shape, np.uint16))
    out.flags.writeable = False
    with pytest.raises(heirloom.BadParameterError, match="writeable"):
        heirloom.decode(data, out=out)


def test_files_of_all_kinds(image, tmp_path):
    data = heirloom.encode(image)
    expected = heirloom.decode(data)
    path = tmp_path / "größe.hlm"
    path.write_bytes(data)
    in_memory = (data, bytearray(data), memoryview(data), np.frombuffer(data, np.uint8), io.BytesIO(data))
    for source in (*in_memory, path, str(path)):
        assert np.array_equal(heirloom.decode(source), expected), type(source)
        if not hasattr(source, "read"):
            assert heirloom.info(source).width == 144
    with path.open("rb") as file:
        assert np.array_equal(heirloom.decode(file), expected)
    crop = (10, 20, 50, 40)
    assert np.array_equal(heirloom.decode(path, crop=crop), heirloom.decode(data, crop=crop))
    with pytest.raises(FileNotFoundError):
        heirloom.decode(tmp_path / "missing.hlm")
    with pytest.raises(FileNotFoundError):
        heirloom.decode(tmp_path / "missing.hlm", crop=crop)
    with pytest.raises(TypeError, match="int"):
        heirloom.decode(5)


def test_crops_and_scales(image):
    data = heirloom.encode(image)
    whole = heirloom.decode(data)
    assert np.array_equal(heirloom.decode(data, crop=(30, 10, 64, 50)), whole[10:60, 30:94])
    for divisor in (2, 4, 8, 16):
        small = heirloom.decode(data, scale=1 / divisor)
        assert small.shape == (96 // divisor, 144 // divisor, 3)
        means = whole.reshape(96 // divisor, divisor, 144 // divisor, divisor, 3).mean((1, 3))
        if divisor < 16:
            assert np.abs(small - means).max() <= 0.5 + 1e-9
        else:
            # The finest latent is left out.
            assert 0 < np.abs(small - means).mean() < 4
    for crop in [(0, 0, 0, 5), (140, 0, 5, 5), (-1, 0, 5, 5), (0, 0, 5)]:
        with pytest.raises(heirloom.BadParameterError):
            heirloom.decode(data, crop=crop)
    for scale in (0, 2, 0.3, -1):
        with pytest.raises(heirloom.BadParameterError, match="1/16"):
            heirloom.decode(data, scale=scale)


def test_rates(image):
    sizes = [len(heirloom.encode(image, quality)) for quality in (0, 30, 60, 100)]
    assert sizes == sorted(sizes) and sizes[0] < sizes[-1]
    limit = len(heirloom.encode(image, 50)) * 2 // 3
    assert len(heirloom.encode(image, target_size=limit)) <= limit
    decoded = heirloom.decode(heirloom.encode(image, target_psnr=33))
    assert 10 * np.log10(255**2 / ((decoded.astype(float) - image) ** 2).mean()) >= 33
    low, high = heirloom.models()[0].lambda_range
    assert heirloom.encode(image, lam=low) == heirloom.encode(image, 0)
    assert heirloom.info(heirloom.encode(image, lam=high, lossless=False)).lam == high
    rates = [{"quality": 101}, {"quality": -1}, {"quality": float("nan")}, {"lam": high * 2}, {"target_size": 10}]
    for wrong in [*rates, {"effort": 0}, {"effort": 10}]:
        with pytest.raises(heirloom.BadParameterError):
            heirloom.encode(image, **wrong)
    with pytest.raises(heirloom.BadParameterError, match="exclude"):
        heirloom.encode(image, lam=low, target_size=1000)
    with pytest.raises(heirloom.OverLimitError):
        heirloom.encode(image, max_memory=1000)


def test_metadata_is_carried(image):
    exif = b"II*\0\x08\0\0\0\0\0\0\0\0\0"
    data = heirloom.encode(image, icc=b"profile", exif=b"Exif\0\0" + exif, xmp=b"<x/>")
    about = heirloom.info(data)
    assert (about.icc, about.exif, about.xmp) == (b"profile", exif, b"<x/>")
    about = heirloom.info(heirloom.encode(image))
    assert (about.icc, about.exif, about.xmp) == (None, None, None)


def test_errors_have_their_kinds(image):
    data = heirloom.encode(image)
    damaged = bytearray(data)
    damaged[len(data) * 2 // 3] ^= 1
    cases = [
        (b"", heirloom.HeirloomError),
        (b"not a file of this kind", heirloom.NotHeirloomError),
        (data[:-1], heirloom.CutShortError),
        (damaged, heirloom.DamagedError),
    ]
    for bad, expected in cases:
        for call in (heirloom.decode, heirloom.info):
            with pytest.raises(expected) as caught:
                call(bad)
            assert isinstance(caught.value, heirloom.HeirloomError) and str(caught.value)
    with pytest.raises(heirloom.OverLimitError):
        heirloom.decode(data, max_memory=1000)
    for name in heirloom.errors.__all__:
        parent = UserWarning if name.endswith("Warning") else heirloom.HeirloomError
        assert issubclass(getattr(heirloom, name), parent)


def test_what_is_left_of_damaged_files(image):
    data = heirloom.encode(image, lossless=False)
    whole = heirloom.decode(data)
    assert np.array_equal(heirloom.decode(data, partial=True), whole)
    with pytest.warns(heirloom.DamagedWarning, match="3 of 4 latents"):
        part = heirloom.decode(data[:-1], partial=True)
    assert part.shape == whole.shape and 0 < error(part, whole) < 0.1


def test_models(image, tmp_path):
    default = heirloom.Model("default")
    data = heirloom.encode(image)
    about = heirloom.info(data)
    assert default.wrote(about) and default.decodes(about)
    assert default.generation_id.startswith(about.generation_id) and default.entropy_id.startswith(about.entropy_id)
    assert heirloom.models()[0].generation_id == default.generation_id
    assert heirloom.encode(image, model=default) == heirloom.encode(image, model="default") == data
    assert np.array_equal(heirloom.decode(data, model=default, exact=True), heirloom.decode(data))
    with pytest.raises(heirloom.BadModelError):
        heirloom.Model(b"no model")
    with pytest.raises(FileNotFoundError):
        heirloom.Model(tmp_path / "missing.safetensors")
    (tmp_path / "bad.safetensors").write_bytes(b"no model")
    with pytest.raises(heirloom.BadModelError, match="bad.safetensors"):
        heirloom.encode(image, model=tmp_path / "bad.safetensors")
    with pytest.raises(heirloom.UnknownModelError):
        heirloom.Model("0123456789abcdef")
