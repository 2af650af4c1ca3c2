#!/usr/bin/env python3
"""Draws graphics of few, strong colours with sharp edges: blocks, pixel art, shapes, stripes, large letters.

    python3 -m venv venv && venv/bin/pip install pillow
    venv/bin/python scripts/saturated.py FOLDER [--count 350] [--seed 1]

No photograph has such colours beside one another, so a model that has never seen them ruins them. The images have the size of a crop
to learn from, 256 x 256, so that the trainer does not shrink them and their edges stay sharp. A seed and a version of Pillow give the
same images; docs/TRAINING.md tells which ones the third lineage has learned from.
"""
import argparse
import colorsys
import random
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

SIDE = 256
LETTERS = "ABDEFGHKMNPRSTWXYZ23456789&?"


def palette(rng):
    """2 to 12 colours: corners of the RGB cube, or any hue, with more or less grey in it."""
    count = rng.choice([2, 3, 4, 6, 8, 12])
    if rng.random() < 0.6:
        corners = [tuple(255 * (k >> bit & 1) for bit in range(3)) for k in range(8)]
        return rng.sample(corners, min(count, 8))
    saturation, value = rng.uniform(0.7, 1.0), rng.uniform(0.6, 1.0)
    colours = [tuple(round(255 * c) for c in colorsys.hsv_to_rgb(rng.random(), saturation, value)) for _ in range(count)]
    return colours + rng.sample([(0, 0, 0), (255, 255, 255)], 1)


def blocks(rng, colours, cell):
    """A grid of cells, at any offset."""
    across = SIDE // cell + 2
    small = Image.new("RGB", (across, across))
    small.putdata([rng.choice(colours) for _ in range(across * across)])
    left, top = rng.randrange(cell), rng.randrange(cell)
    return small.resize((across * cell, across * cell), Image.Resampling.NEAREST).crop((left, top, left + SIDE, top + SIDE))


def sprites(rng, colours, cell):
    """Symmetric figures of square pixels on one colour, as in pixel art."""
    ground, *inks = colours
    across = SIDE // cell + 1
    small = Image.new("RGB", (across, across), ground)
    side = rng.choice([5, 7, 8, 9])
    for top in range(0, across, side + 1):
        for left in range(0, across, side + 1):
            ink = rng.sample(inks, min(2, len(inks)))
            for y in range(side):
                for x in range((side + 1) // 2):
                    if rng.random() < 0.55:
                        colour = rng.choice(ink)
                        for at in (x, side - 1 - x):
                            if left + at < across and top + y < across:
                                small.putpixel((left + at, top + y), colour)
    return small.resize((across * cell, across * cell), Image.Resampling.NEAREST).crop((0, 0, SIDE, SIDE))


def shapes(rng, colours, cell):
    """Rectangles, ellipses, triangles and lines, one over the other; half of them with smooth edges."""
    scale = rng.choice([1, 4])
    image = Image.new("RGB", (SIDE * scale, SIDE * scale), rng.choice(colours))
    draw = ImageDraw.Draw(image)
    for _ in range(rng.randint(10, 1200 // cell)):
        x, y = (rng.randrange(-cell, SIDE) * scale for _ in range(2))
        width, height = (rng.randint(2, 6 * cell) * scale for _ in range(2))
        box, colour = (x, y, x + width, y + height), rng.choice(colours)
        kind = rng.randrange(4)
        if kind == 0:
            draw.rectangle(box, colour)
        elif kind == 1:
            draw.ellipse(box, colour)
        elif kind == 2:
            draw.polygon([(x, y + height), (x + width // 2, y), (x + width, y + height)], colour)
        else:
            draw.line(box, colour, rng.randint(1, 4) * scale)
    return image.resize((SIDE, SIDE), Image.Resampling.BOX) if scale > 1 else image


def stripes(rng, colours, cell):
    """Bands of uneven widths, upright, lying or slanted, or a chessboard."""
    slant = rng.choice([(1, 0), (0, 1), (1, 1), (1, -1), (2, 1)])
    edges, at = [], 0
    while at < 4 * SIDE:
        at += rng.randint(1, 2 * cell)
        edges += [rng.choice(colours)] * (at - len(edges))
    if rng.random() < 0.3:
        first, second = colours[:2]
        values = [(first, second)[(x // cell + y // cell) % 2] for y in range(SIDE) for x in range(SIDE)]
    else:
        values = [edges[slant[0] * x + slant[1] * y + SIDE] for y in range(SIDE) for x in range(SIDE)]
    image = Image.new("RGB", (SIDE, SIDE))
    image.putdata(values)
    return image


def letters(rng, colours, cell):
    """Large letters in colours on fields of others."""
    image = blocks(rng, colours[:3], rng.choice([32, 64, 128]))
    draw = ImageDraw.Draw(image)
    for _ in range(rng.randint(6, 60)):
        font = ImageFont.load_default(rng.randint(10, 60))
        text = "".join(rng.choices(LETTERS, k=rng.randint(1, 4)))
        draw.text((rng.randrange(-20, SIDE), rng.randrange(-20, SIDE)), text, rng.choice(colours), font)
    return image


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--count", type=int, default=350)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    for index in range(arguments.count):
        rng = random.Random(f"{arguments.seed} {index}")
        kind = rng.choices([blocks, sprites, shapes, stripes, letters], weights=[4, 2, 3, 1, 2])[0]
        image = kind(rng, palette(rng), rng.choice([3, 4, 5, 6, 8, 8, 10, 12, 16, 16, 24, 32]))
        image.save(arguments.folder / f"{index:04}-{kind.__name__}.png")


if __name__ == "__main__":
    main()
