"""Checkpoints of `heirloom-train`, read and written as `crates/train/src/trainer/checkpoint.rs` does."""
import json
import struct

import numpy as np

MAGIC = b"HEIRTRN1"


def read(path):
    """The header, and the buffers `weights`, `m`, `v` and `ema` as flat arrays."""
    with open(path, "rb") as file:
        data = file.read()
    assert data[:8] == MAGIC, f"{path} is not a checkpoint"
    (length,) = struct.unpack("<Q", data[8:16])
    header = json.loads(data[16 : 16 + length])
    values = np.frombuffer(data[16 + length : -32], "<f4")
    return header, dict(zip(("weights", "m", "v", "ema"), values.reshape(4, -1)))


def write(path, header, buffers):
    import blake3

    text = json.dumps(header).encode()
    body = MAGIC + struct.pack("<Q", len(text)) + text
    body += b"".join(np.asarray(buffers[name], "<f4").tobytes() for name in ("weights", "m", "v", "ema"))
    with open(path, "wb") as file:
        file.write(body + blake3.blake3(body).digest())


def of_model_file(path, parameters):
    """Spec and flat weights that the integers of a model file stand for. A file holds each block's layer scale within its last
    product; it is taken out again, so that the columns of that product have norm 1."""
    with open(path, "rb") as file:
        data = file.read()
    (length,) = struct.unpack("<Q", data[:8])
    tensors = json.loads(data[8 : 8 + length])
    spec = json.loads(tensors.pop("__metadata__")["heirloom"])["spec"]

    def tensor(name):
        entry = tensors[name]
        first, last = (8 + length + at for at in entry["data_offsets"])
        return np.frombuffer(data[first:last], {"I8": "<i1", "F32": "<f4"}[entry["dtype"]]).astype("f4").reshape(entry["shape"])

    values = {}
    for name, shape in parameters(spec):
        product, _, part = name.rpartition(".")
        if part == "weight":
            values[name] = tensor(name) * (tensor(f"{product}.gain") * tensor(f"{product}.input")[0])
        elif part == "layer_scale":
            weight, bias = f"{product}.project.weight", f"{product}.project.bias"
            scale = np.maximum(np.linalg.norm(values[weight], axis=0), 1e-6)
            values[weight], values[bias], values[name] = values[weight] / scale, values[bias] / scale, scale
        else:
            values[name] = tensor(name)
    return spec, np.concatenate([values[name].ravel() for name, _ in parameters(spec)]).astype("f4")
