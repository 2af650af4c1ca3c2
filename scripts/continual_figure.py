#!/usr/bin/env python3
"""Draws what becomes of old files in a chain of generations, from a result of scripts/continual.py.

    python3 scripts/continual_figure.py results/continual/replay.json docs/images/continual.svg

A row for each generation that wrote files, a column for each that decodes them. The number is the change of mean PSNR in dB where it is
worst: of all λ, and of the images of the writer's own task and the old ones.
"""
import json
import sys
from pathlib import Path

CELL, LEFT, TOP = (62, 30), 190, 74
WORST = 0.1
TEXT = 'font-family="sans-serif" fill="#222"'


def colour(change):
    """From red at -WORST over white to green at +WORST."""
    share = max(-1.0, min(1.0, change / WORST))
    fade = lambda full: round(255 - abs(share) * (255 - full))
    red, green, blue = (fade(214), fade(90), fade(80)) if share < 0 else (fade(90), fade(174), fade(110))
    return f"#{red:02x}{green:02x}{blue:02x}"


def task(entry):
    return entry.get("images") or f"λ {entry['lambda'].replace(':', ' to ')}"


def figure(result):
    tasks = ["photographs", *map(task, result["tasks"])]
    kinds = [None, *(entry.get("images") for entry in result["tasks"])]
    last = len(tasks) - 1
    worst = {}
    for proof in result["proofs"]:
        old, changes = proof["old"], [d for d in proof["difference_db"].values() if d is not None]
        if proof["images"] in (kinds[old] or "old", "old"):
            worst[old, proof["new"]] = min([*changes, worst.get((old, proof["new"]), 9.0)])
    width, height = LEFT + last * CELL[0] + 20, TOP + last * CELL[1] + 20
    lines = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}">']
    lines.append('<rect width="100%" height="100%" fill="white"/>')
    lines.append(f'<text x="{LEFT - 10}" y="24" {TEXT} font-size="14">decoded by generation, change of PSNR in dB at the worst λ</text>')
    for new in range(1, last + 1):
        x = LEFT + (new - 1) * CELL[0] + CELL[0] / 2
        lines.append(f'<text x="{x}" y="48" {TEXT} font-size="13" text-anchor="middle">{new}</text>')
        lines.append(f'<text x="{x}" y="64" {TEXT} font-size="9" text-anchor="middle">{tasks[new]}</text>')
    for old in range(last):
        y = TOP + old * CELL[1]
        lines.append(f'<text x="{LEFT - 10}" y="{y + 20}" {TEXT} font-size="13" text-anchor="end">files of {old}: {tasks[old]}</text>')
        for new in range(old + 1, last + 1):
            if (change := worst.get((old, new))) is None:
                continue
            x = LEFT + (new - 1) * CELL[0]
            lines.append(f'<rect x="{x}" y="{y}" width="{CELL[0] - 2}" height="{CELL[1] - 2}" fill="{colour(change)}"/>')
            lines.append(f'<text x="{x + CELL[0] / 2 - 1}" y="{y + 19}" {TEXT} font-size="12" text-anchor="middle">{change:+.2f}</text>')
    return "\n".join([*lines, "</svg>", ""])


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    Path(sys.argv[2]).write_text(figure(json.loads(Path(sys.argv[1]).read_text())))


if __name__ == "__main__":
    main()
