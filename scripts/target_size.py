#!/usr/bin/env python3
"""Measure `encode --target-size`: whether files keep the size, what they leave of it, and the time.

    target_size.py [--sizes 20000,60000,200000] [--program heirloom] IMAGE|FOLDER ...

Encodes each image for each size, and once plainly at the quality that was found. Prints for each
size: files above it, the median and the largest shortfall of those whose size the model can make,
and the time of all searches by that of the plain encodings (processor time of both).
"""

import argparse
import pathlib
import re
import resource
import statistics
import subprocess
import tempfile


def run(command):
    """Whether the command succeeded, and the seconds of processor time that it took."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(command, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return done.returncode == 0, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def lambda_of(program, file):
    """λ of a file, and whether some of it is stored without loss."""
    said = subprocess.run([program, "info", str(file)], capture_output=True, text=True, check=True).stdout
    return float(re.search(r"λ +([0-9.]+)", said).group(1)), "lossless" in said


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("inputs", nargs="+", type=pathlib.Path)
    parser.add_argument("--sizes", default="20000,60000,200000")
    parser.add_argument("--program", default="heirloom")
    options = parser.parse_args()
    images = []
    for path in options.inputs:
        images += sorted(p for p in path.iterdir() if p.is_file()) if path.is_dir() else [path]
    print(f"{len(images)} images")
    print("bytes    coded  refused  above  median short  largest short  time  of")
    with tempfile.TemporaryDirectory() as folder:
        file = pathlib.Path(folder, "file.hlm")
        encode = [options.program, "encode", "--force", "-o", str(file)]
        run([*encode, "-q", "100", str(images[0])])
        highest, _ = lambda_of(options.program, file)
        for size in map(int, options.sizes.split(",")):
            short, above, refused, search, plain = [], 0, 0, 0.0, 0.0
            for image in images:
                done, seconds = run([*encode, "--target-size", str(size), str(image)])
                if not done:
                    refused += 1
                    continue
                search += seconds
                (found, lossless), length = lambda_of(options.program, file), file.stat().st_size
                above += length > size
                if found < highest and not lossless:
                    short.append((100 * (1 - length / size), image.name))
                plain += run([*encode, "--lambda", str(found), str(image)])[1]
            short = short or [(float("nan"), "")]
            print(
                f"{size:7}  {len(images) - refused:5}  {refused:7}  {above:5}"
                f"  {statistics.median(value for value, _ in short):10.2f} %  {max(short)[0]:11.2f} %"
                f"  {search / plain if plain else 0:4.2f}  {max(short)[1]}",
                flush=True,
            )


if __name__ == "__main__":
    main()
