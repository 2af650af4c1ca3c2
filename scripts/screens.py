#!/usr/bin/env python3
"""Draws images like screenshots: windows with text, code, tables, charts and controls.

    python3 -m venv venv && venv/bin/pip install pillow
    venv/bin/python scripts/screens.py FOLDER [--count 400] [--seed 1]

They are a kind of image that differs much from photographs, for experiments in learning; see docs/LEARNING.md. Sharp edges, flat
areas, small text: nothing of it is in a photograph. The text is made of syllables, the font is Pillow's own, so nothing has to be
fetched. A seed and a version of Pillow give the same images; two seeds share none.
"""
import argparse
import colorsys
import math
import random
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

SIZE = (384, 384)
SYLLABLES = "ka lo mi ne ra su ti vo an el or un sta pre con ber ing ed ly tion mar den fel gor his jun".split()


class Style:
    """Colours and sizes that an image keeps."""

    def __init__(self, rng):
        self.dark = rng.random() < 0.4
        hue = rng.random()
        paper, ink = (0.12, 0.88) if self.dark else (0.97, 0.1)
        self.paper = colour(hue, 0.15 if self.dark else 0.03, paper)
        self.ink = colour(hue, 0.05, ink)
        self.faint = colour(hue, 0.08, (paper * 2 + ink) / 3)
        self.accents = [colour(hue + k / 5, rng.uniform(0.5, 0.9), rng.uniform(0.55, 0.9)) for k in range(5)]
        self.text = ImageFont.load_default(rng.choice([10, 11, 12, 13, 15]))
        self.title = ImageFont.load_default(rng.choice([16, 20, 26]))


def colour(hue, saturation, value):
    return tuple(round(255 * c) for c in colorsys.hsv_to_rgb(hue % 1.0, saturation, value))


def word(rng):
    return "".join(rng.choices(SYLLABLES, k=rng.choice([1, 1, 2, 2, 3])))


def paragraph(draw, rng, style, box):
    """Ragged lines of words under a heading."""
    left, top, right, bottom = box
    if rng.random() < 0.5:
        draw.text((left, top), " ".join(word(rng) for _ in range(3)).capitalize(), style.accents[0], style.title)
        top += style.title.size + 6
    step = round(style.text.size * 1.35)
    for y in range(top, bottom - step, step):
        x = left
        while True:
            piece = word(rng)
            width = draw.textlength(piece + " ", style.text)
            if x + width > right or rng.random() < 0.02:
                break
            draw.text((x, y), piece, style.ink, style.text)
            x += width


def code(draw, rng, style, box):
    """Indented lines in the colours of an editor, with line numbers."""
    left, top, right, bottom = box
    step, depth = round(style.text.size * 1.4), 0
    for number, y in enumerate(range(top, bottom - step, step), 1):
        draw.text((left, y), f"{number:3}", style.faint, style.text)
        x = left + 28 + 14 * depth
        for piece in [word(rng) for _ in range(rng.randint(0, 6))] + [rng.choice(["{", "}", ");", ""])]:
            piece += rng.choice([" ", "(", " = ", ".", ", "])
            width = draw.textlength(piece, style.text)
            if x + width > right:
                break
            draw.text((x, y), piece, rng.choice([style.ink, style.ink] + style.accents), style.text)
            x += width
        depth = min(max(depth + rng.choice([-1, 0, 0, 1]), 0), 4)


def table(draw, rng, style, box):
    """Ruled cells with words and numbers."""
    left, top, right, bottom = box
    columns, row = rng.randint(2, 5), style.text.size + rng.randint(6, 12)
    width = (right - left) // columns
    for i, y in enumerate(range(top, bottom - row, row)):
        if i == 0 or rng.random() < 0.15:
            draw.rectangle((left, y, left + width * columns, y + row), style.accents[1] if i == 0 else style.faint)
        for c in range(columns):
            x = left + c * width
            draw.rectangle((x, y, x + width, y + row), outline=style.faint)
            cell = word(rng) if c == 0 or i == 0 else f"{rng.uniform(0, 1000):.{rng.randint(0, 2)}f}"
            draw.text((x + 3, y + 2), cell[: max(width // 8, 1)], style.ink, style.text)


def chart(draw, rng, style, box):
    """Axes with lines or bars."""
    left, top, right, bottom = box
    for k in range(5):
        y = bottom - k * (bottom - top) // 5
        draw.line((left, y, right, y), style.faint)
        draw.text((left, y - style.text.size), f"{k * 20}", style.faint, style.text)
    draw.line((left, top, left, bottom), style.ink, 2)
    draw.line((left, bottom, right, bottom), style.ink, 2)
    if rng.random() < 0.5:
        count = rng.randint(4, 12)
        width = (right - left - 20) / count
        for i in range(count):
            x, height = left + 20 + i * width, rng.uniform(0.1, 1) * (bottom - top)
            draw.rectangle((x, bottom - height, x + width * 0.7, bottom), rng.choice(style.accents))
    else:
        for accent in style.accents[: rng.randint(1, 4)]:
            phase, speed, level = rng.uniform(0, 6), rng.uniform(1, 9), rng.uniform(0.3, 0.7)
            xs = range(left + 20, right, 4)
            wave = [level + 0.25 * math.sin(phase + speed * (x - left) / (right - left)) + rng.gauss(0, 0.02) for x in xs]
            draw.line([(x, bottom - v * (bottom - top)) for x, v in zip(xs, wave)], accent, rng.choice([1, 2, 3]))


def controls(draw, rng, style, box):
    """Buttons, boxes to tick, sliders and round icons."""
    left, top, right, bottom = box
    for y in range(top, bottom - 26, 32):
        accent, x = rng.choice(style.accents), left
        kind = rng.randrange(4)
        if kind == 0:
            while x + 90 < right:
                label = word(rng)
                width = draw.textlength(label, style.text) + 18
                draw.rounded_rectangle((x, y, x + width, y + 22), 6, accent, style.ink)
                draw.text((x + 9, y + 4), label, style.paper, style.text)
                x += width + 10
        elif kind == 1:
            draw.rectangle((x, y + 3, x + 14, y + 17), outline=style.ink, width=2)
            if rng.random() < 0.5:
                draw.line((x + 3, y + 9, x + 6, y + 14, x + 12, y + 5), accent, 2)
            draw.text((x + 22, y + 3), " ".join(word(rng) for _ in range(4)), style.ink, style.text)
        elif kind == 2:
            knob = rng.uniform(left + 10, right - 10)
            draw.line((left, y + 10, right, y + 10), style.faint, 4)
            draw.line((left, y + 10, knob, y + 10), accent, 4)
            draw.ellipse((knob - 7, y + 3, knob + 7, y + 17), style.paper, style.ink)
        else:
            while x + 24 < right:
                draw.ellipse((x, y, x + 22, y + 22), rng.choice(style.accents))
                draw.polygon([(x + 7, y + 5), (x + 17, y + 11), (x + 7, y + 17)], style.paper)
                x += 32


def screen(rng):
    """One image: a desk, and windows that lie on one another."""
    style = Style(rng)
    image = Image.new("RGB", SIZE, style.faint)
    for _ in range(rng.randint(1, 3)):
        style = Style(rng) if rng.random() < 0.5 else style
        width, height = rng.randint(220, SIZE[0]), rng.randint(200, SIZE[1])
        x, y = rng.randint(0, SIZE[0] - width), rng.randint(0, SIZE[1] - height)
        window = Image.new("RGB", (width, height), style.paper)
        draw = ImageDraw.Draw(window)
        draw.rectangle((0, 0, width, 20), style.accents[2])
        draw.text((26, 3), f"{word(rng)} - {word(rng)}", style.paper, style.text)
        for k, accent in enumerate(style.accents[:3]):
            draw.ellipse((width - 18 * (k + 1), 5, width - 18 * (k + 1) + 10, 15), accent)
        inside = (10, 28, width - 10, height - 8)
        middle = (inside[1] + inside[3]) // 2
        halves = [inside] if height < 260 else [(*inside[:3], middle - 6), (inside[0], middle + 6, *inside[2:])]
        for half in halves:
            rng.choice([paragraph, code, table, chart, controls])(draw, rng, style, half)
        draw.rectangle((0, 0, width - 1, height - 1), outline=style.ink)
        image.paste(window, (x, y))
    return image


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("folder", type=Path)
    arguments.add_argument("--count", type=int, default=400)
    arguments.add_argument("--seed", type=int, default=1)
    options = arguments.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    for i in range(options.count):
        path = options.folder / f"screen-{options.seed}-{i:04}.png"
        if path.exists():
            raise SystemExit(f"{path} is there already: choose an empty folder")
        screen(random.Random(options.seed * 1_000_003 + i)).save(path)


if __name__ == "__main__":
    main()
