#!/usr/bin/env python3
"""Compare the readers of heirloom-io with Pillow on folders of image files.

    corpora.py [--list] FOLDER ...

Needs Pillow and numpy. Builds the example `read_all` of heirloom-io, runs it on every file below the
folders whose content an independent reader could know, and prints a table: how many of the files
that Pillow opens are read, how far colours are off (in 8 bits, both upright, on a background of
nothing: colour beneath full transparency does not count), and whether metadata is equal. Exits with
1 if a reader panicked or took longer than 10 s, or a file was read with other colours.
"""

import argparse
import collections
import pathlib
import resource
import subprocess
import sys
import tempfile
import warnings

import numpy
from PIL import Image, ImageOps

LIMIT_MS = 10_000
MEMORY = 6 << 30
CHANNELS = {"grey": 1, "grey-alpha": 2, "rgb": 3, "rgba": 4}
IMAGE_ENDINGS = set(
    "png apng jpg jpeg jfif mpo gif webp tif tiff bmp dib qoi tga pbm pgm ppm pnm pam jxl".split()
)


def rgba(array):
    """An array of 1 to 4 channels as RGBA of floats in units of 8 bits."""
    array = array.reshape(array.shape[0], array.shape[1], -1).astype(numpy.float32)
    channels = array.shape[2]
    alpha = array[:, :, -1:] if channels in (2, 4) else numpy.full(array.shape[:2] + (1,), 255, numpy.float32)
    colour = array[:, :, :1] if channels < 3 else array[:, :, :3]
    return numpy.concatenate([numpy.broadcast_to(colour, colour.shape[:2] + (3,)), alpha], 2)


def pillow(path):
    """The first frame as RGBA, its mode, ICC profile and Exif; raises whatever Pillow raises."""
    image = Image.open(path)
    if getattr(image, "n_frames", 1) > 1:
        image.seek(0)
    image.load()
    icc, mode = image.info.get("icc_profile"), image.mode
    exif = image.info.get("exif")
    image = ImageOps.exif_transpose(image)
    if mode in ("P", "PA") or mode == "RGB" and "transparency" in image.info:
        image = image.convert("RGBA")
    elif "transparency" in image.info:
        return None, mode, icc, exif  # Pillow does not apply it to grey of all depths
    array = numpy.asarray(image)
    if mode.startswith("I;16") or mode == "I":
        array = array.astype(numpy.float32) / 257
    elif mode == "1":
        array = array.astype(numpy.float32) * 255
    elif mode not in ("L", "LA", "RGB", "RGBA", "P", "PA"):
        return None, mode, icc, exif
    return rgba(array), mode, icc, exif


def ours(folder, number, fields):
    width, height, name = int(fields[0]), int(fields[1]), fields[2]
    kind, deep = name.rstrip("0123456789"), name.endswith("16")
    raw = numpy.fromfile(folder / f"{number}.raw", numpy.uint16 if deep else numpy.uint8)
    array = raw.reshape(height, width, CHANNELS[kind])
    return rgba(array.astype(numpy.float32) / 257 if deep else array)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--list", action="store_true", help="name every file that is not read as Pillow reads it")
    parser.add_argument("folders", nargs="+", type=pathlib.Path)
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    Image.MAX_IMAGE_PIXELS = None
    root = pathlib.Path(__file__).resolve().parent.parent
    build = ["cargo", "build", "--release", "-p", "heirloom-io", "--example", "read_all"]
    subprocess.run(build, cwd=root, check=True)
    program = root / "target/release/examples/read_all"
    # A hostile file may make Pillow take all memory there is.
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    failed = False
    print(f"{'folder':<28}{'files':>6}{'Pillow':>8}{'read':>6}{'%':>7}{'exact':>7}{'≤ 1':>6}{'wrong':>6}"
          f"{'ICC':>10}{'Exif':>10}{'also':>6}{'panic':>6}{'slow':>5}")
    for top in arguments.folders:
        paths = [p for p in sorted(top.rglob("*")) if p.is_file() and p.suffix[1:].lower() in IMAGE_ENDINGS]
        counts = collections.Counter(files=len(paths))
        with tempfile.TemporaryDirectory() as scratch:
            scratch = pathlib.Path(scratch)
            names = "".join(f"{path}\n" for path in paths)
            run = subprocess.run([program, scratch], input=names, capture_output=True, text=True, check=True)
            for line in run.stdout.splitlines():
                number, milliseconds, status, *fields = line.split("\t")
                path = paths[int(number)]
                say = lambda what: arguments.list and print(f"  {path.relative_to(top)}: {what}")
                counts["slow"] += int(milliseconds) > LIMIT_MS
                counts["panic"] += status == "panic"
                try:
                    expected, mode, icc, exif = pillow(path)
                except Exception as error:
                    counts["also"] += status == "ok"
                    if status == "ok":
                        say(f"read, Pillow says {str(error)[:80]}")
                    continue
                counts["pillow"] += 1
                if status != "ok":
                    say(f"{status}: {fields[0]}")
                    continue
                counts["read"] += 1
                found = ours(scratch, number, fields)
                if icc:
                    blob = scratch / f"{number}.icc"
                    counts["icc"] += 1
                    same = blob.exists() and blob.read_bytes() == icc
                    counts["icc_same"] += same
                    if not same:
                        say(f"another ICC profile ({mode}; {fields[3]})")
                if exif and path.suffix.lower() not in (".tif", ".tiff"):
                    blob = scratch / f"{number}.exif"
                    counts["exif"] += 1
                    # The orientation was applied, and so reset.
                    same = blob.exists() and abs(len(blob.read_bytes()) - len(exif.removeprefix(b"Exif\0\0"))) == 0
                    counts["exif_same"] += same
                    if not same:
                        say("other Exif")
                if expected is None:
                    counts["converted"] += 1
                elif expected.shape != found.shape:
                    counts["wrong"] += 1
                    say(f"{found.shape} instead of {expected.shape}")
                else:
                    seen = numpy.maximum(expected[:, :, 3:], found[:, :, 3:]) > 0
                    error = numpy.abs(expected - found) * numpy.where(seen, 1, 0)
                    mean, most = error.mean(), error.max()
                    kind = "exact" if most < 0.51 else "near" if mean <= 1 and most < 16 else "wrong"
                    counts[kind] += 1
                    if kind == "wrong":
                        say(f"colours differ by {mean:.2f}, at most {most:.0f} ({mode} as {fields[2]})")
        share = 100 * counts["read"] / max(1, counts["pillow"])
        print(f"{top.name[:27]:<28}{counts['files']:>6}{counts['pillow']:>8}{counts['read']:>6}{share:>7.1f}"
              f"{counts['exact']:>7}{counts['near']:>6}{counts['wrong']:>6}"
              f"{counts['icc_same']:>5}/{counts['icc']:<4}{counts['exif_same']:>5}/{counts['exif']:<4}"
              f"{counts['also']:>6}{counts['panic']:>6}{counts['slow']:>5}", flush=True)
        failed |= bool(counts["panic"] or counts["slow"] or counts["wrong"])
    sys.exit(int(failed))


if __name__ == "__main__":
    main()
