#!/usr/bin/env python3
"""Compare the JPEG reader of heirloom-io with libjpeg-turbo.

    jpeg_readers.py [FOLDER ...]

Needs Pillow, numpy, and the command cjpeg of libjpeg-turbo. Makes JPEG files of every kind that cjpeg
writes, adds those below the folders, reads all by the example `read_all` of heirloom-io and by
Pillow, which reads with libjpeg-turbo, and compares the samples. CMYK is left aside, as the two
convert it by other rules. Exits with 1 if a file was read with samples that differ by more than 4,
or if one that Pillow reads without a complaint was refused.
"""

import collections
import pathlib
import subprocess
import sys
import tempfile
import warnings

import numpy
from PIL import Image

SAMPLING = ["1x1", "2x1", "1x2", "2x2", "4x1", "1x4", "4x2", "2x4", "3x1", "1x1,2x2,2x2", "1x1,2x1,1x1",
            "2x2,1x2,2x1", "2x2,2x1,1x1", "4x4,1x1,2x2", "1x2,1x1,1x2"]
SEPARATE = "0;\n1;\n2;\n"
PROGRESSIVE = """0 1 2: 0-0, 0, 1;
0: 1-5, 0, 2;
2: 1-63, 0, 1;
1: 1-63, 0, 1;
0: 6-63, 0, 2;
0: 1-63, 2, 1;
0 1 2: 0-0, 1, 0;
2: 1-63, 1, 0;
1: 1-63, 1, 0;
0: 1-63, 1, 0;
"""
OPTIONS = ["", "-scans separate", "-progressive", "-arithmetic", "-arithmetic -progressive", "-rgb", "-grayscale",
           "-scans separate -restart 1", "-restart 3B", "-scans progressive", "-scans separate -restart 2B",
           "-progressive -restart 4B", "-smooth 50"]


def make(folder):
    """Files of all combinations of the options, of a pattern with edges in all directions."""
    y, x = numpy.mgrid[0:67, 0:101]
    checks = (x // 10 + y // 10) % 2
    pattern = [127 + 120 * numpy.sin(x / 9) * numpy.cos(y / 7), numpy.where(checks, (5 * x + 3 * y) % 256, 90), 255 * y / 67]
    Image.fromarray(numpy.stack(pattern, 2).astype(numpy.uint8)).save(folder / "in.ppm")
    (folder / "separate").write_text(SEPARATE)
    (folder / "progressive").write_text(PROGRESSIVE)
    for sampling in SAMPLING:
        for options in OPTIONS:
            for quality in ["75", "100"]:
                name = f"{sampling}{options}-{quality}.jpg".replace(" ", "").replace(",", "-")
                command = ["cjpeg", "-quality", quality, "-sample", sampling, *options.split(), "-outfile", name, "in.ppm"]
                made = subprocess.run(command, cwd=folder, capture_output=True)
                if made.returncode != 0:
                    (folder / name).unlink(missing_ok=True)


def reference(path):
    """Samples by Pillow, or None for what it does not read or does not read as grey or RGB."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            image = Image.open(path)
            image.load()
    except Exception:
        return None
    return numpy.asarray(image) if image.format in ("JPEG", "MPO") and image.mode in ("L", "RGB") else None


def complains(path):
    """Whether djpeg warns of corrupt data."""
    run = subprocess.run(["djpeg", "-outfile", "/dev/null", path], capture_output=True)
    return run.returncode != 0


def main():
    root = pathlib.Path(__file__).resolve().parent.parent
    build = ["cargo", "build", "--release", "-p", "heirloom-io", "--example", "read_all"]
    subprocess.run(build, cwd=root, check=True)
    counts = collections.Counter()
    with tempfile.TemporaryDirectory() as scratch:
        scratch = pathlib.Path(scratch)
        made, raw = scratch / "made", scratch / "raw"
        made.mkdir()
        raw.mkdir()
        make(made)
        paths = [path for folder in [made, *map(pathlib.Path, sys.argv[1:])] for path in sorted(folder.rglob("*"))]
        paths = [path for path in paths if path.is_file() and path.open("rb").read(3) == b"\xff\xd8\xff"]
        names = "".join(f"{path}\n" for path in paths)
        program = [root / "target/release/examples/read_all", raw, "as-stored"]
        run = subprocess.run(program, input=names, capture_output=True, text=True, check=True)
        for line in run.stdout.splitlines():
            number, _, status, *fields = line.split("\t")
            path, expected = paths[int(number)], reference(paths[int(number)])
            if expected is None:
                counts["not compared"] += 1
            elif status != "ok":
                damaged = complains(path)
                counts["refused, damaged" if damaged else "refused, though sound"] += 1
                if not damaged:
                    print(f"{path}: {fields[0]}")
            else:
                found = numpy.fromfile(raw / f"{number}.raw", numpy.uint8)
                same = found.size == expected.size
                most = int(numpy.abs(found.astype(int) - expected.reshape(-1)).max()) if same else 255
                counts["the same" if most == 0 else "off by up to 4" if most <= 4 else "wrong"] += 1
                if most > 4:
                    print(f"{path}: differs by up to {most}")
    for what, count in sorted(counts.items()):
        print(f"{count:>6} {what}")
    sys.exit(int(bool(counts["wrong"] or counts["refused, though sound"])))


if __name__ == "__main__":
    main()
