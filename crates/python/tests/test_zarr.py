"""Zarr and numcodecs."""

import numpy as np
import pytest

import heirloom
from conftest import make_image, run_python

zarr = pytest.importorskip("zarr", minversion="3.1")
numcodecs = pytest.importorskip("numcodecs")


def create(path, shape, chunks, dtype="uint8", **options):
    from heirloom.zarr import HeirloomCodec

    return zarr.create_array(
        path, shape=shape, chunks=chunks, dtype=dtype, serializer=HeirloomCodec(**options), compressors=None
    )


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
@pytest.mark.parametrize(
    "shape, chunks",
    [
        ((100, 130), (64, 64)),
        ((100, 130, 3), (64, 64, 3)),
        ((3, 70, 90), (1, 70, 90)),
        ((2, 2, 64, 64, 4), (1, 1, 64, 64, 4)),
        ((2, 3, 64, 3), (1, 1, 64, 3)),
    ],
)
def test_arrays_open_in_another_process(shape, chunks, dtype, tmp_path):
    channels = shape[-1] if shape[-1] <= 4 else 1
    flat = make_image(int(np.prod(shape)) // channels // shape[1], shape[1], channels, np.dtype(dtype))
    array = create(tmp_path / "a.zarr", shape, chunks, dtype, lossless=True)
    array[...] = flat.reshape(shape)
    np.save(tmp_path / "a.npy", flat.reshape(shape))
    # Without an import: Zarr finds the codec by its entry point.
    code = """
import sys, zarr, numpy as np
assert "heirloom" not in sys.modules
array, expected = zarr.open(sys.argv[1], mode="r"), np.load(sys.argv[2])
print(array.dtype == expected.dtype and np.array_equal(array[...], expected))
"""
    assert run_python(code, tmp_path / "a.zarr", tmp_path / "a.npy") == "True"


def test_chunks_are_heirloom_files(tmp_path):
    image = make_image(64, 64)
    array = create(tmp_path / "a.zarr", (128, 64, 3), (64, 64, 3), quality=40)
    array[:64] = image
    assert (tmp_path / "a.zarr/c/0/0/0").read_bytes() == heirloom.encode(image, 40)
    assert np.array_equal(array[:64], heirloom.decode(heirloom.encode(image, 40)))
    assert not (tmp_path / "a.zarr/c/1/0/0").exists() and not array[64:].any()
    assert array.metadata.to_dict()["codecs"][0] == {"name": "heirloom", "configuration": {"quality": 40}}


def test_dtypes_and_chunks_that_are_not_images_are_refused(tmp_path):
    for dtype in ("float32", "int16", "uint32", "bool"):
        with pytest.raises(heirloom.UnsupportedError, match=dtype):
            create(tmp_path / f"{dtype}.zarr", (64, 64), (64, 64), dtype)
    for number, chunks in enumerate([(64,), (2, 64, 64), (2, 2, 64, 3)]):
        with pytest.raises(heirloom.BadParameterError, match="no images"):
            create(tmp_path / f"{number}.zarr", chunks, chunks)


def test_chunks_of_another_shape_are_an_error(tmp_path):
    array = create(tmp_path / "a.zarr", (64, 64), (64, 64))
    array[...] = 9
    (tmp_path / "a.zarr/c/0/0").write_bytes(heirloom.encode(np.zeros((32, 64), np.uint8)))
    with pytest.raises(heirloom.BadParameterError, match="32, 64"):
        array[...]
    (tmp_path / "a.zarr/c/0/0").write_bytes(b"damaged")
    with pytest.raises(heirloom.HeirloomError):
        array[...]


def test_numcodecs(tmp_path):
    code = "import numcodecs; print(numcodecs.get_codec({'id': 'heirloom', 'lossless': True}).get_config()['lossless'])"
    assert run_python(code) == "True"
    codec = numcodecs.get_codec({"id": "heirloom", "lossless": True})
    for shape in [(64, 70), (64, 70, 3), (1, 1, 64, 70)]:
        image = make_image(64, 70, shape[-1] if shape[-1] <= 4 else 1).reshape(shape)
        data = codec.encode(image)
        assert np.array_equal(codec.decode(data).reshape(shape), image)
        out = np.zeros(shape, np.uint8)
        assert codec.decode(data, out=out) is out and np.array_equal(out, image)
    assert numcodecs.get_codec(codec.get_config()).lossless is True
    with pytest.raises(heirloom.UnsupportedError, match="float64"):
        codec.encode(np.zeros((64, 64)))
    with pytest.raises(heirloom.BadParameterError):
        codec.decode(data, out=np.zeros((3, 3), np.uint8))


def test_version_2_of_zarr(tmp_path):
    image = make_image(64, 64)
    codec = numcodecs.get_codec({"id": "heirloom", "lossless": True})
    array = zarr.create_array(
        tmp_path / "a.zarr", shape=(2, 64, 64, 3), chunks=(1, 64, 64, 3), dtype="uint8", compressors=codec, zarr_format=2
    )
    array[1] = image
    code = "import sys, zarr; print(int(zarr.open(sys.argv[1], mode='r')[1].astype(int).sum()))"
    assert run_python(code, tmp_path / "a.zarr") == str(image.astype(int).sum())
