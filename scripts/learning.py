#!/usr/bin/env python3
"""Runs the experiments in continual learning and leaves one JSON per result, for the tables of docs/RESULTS.md.

    cargo build --release && cargo build --release -p heirloom-train
    python3 scripts/screens.py data/screens/train --count 400 --seed 1      # needs Pillow
    python3 scripts/screens.py data/screens/test --count 24 --seed 2
    python3 scripts/learning.py --coco data/coco/train --faces data/celebahq256/train --screens data/screens/train \\
        --kodak data/kodak --faces-test data/celebahq256/test --screens-test data/screens/test \\
        --base GENERATION0.safetensors --work runs/learning [--results runs/learning/results] [--only NAME …]
    python3 scripts/learning.py --dry-run | --tables

Each experiment learns from generation 0 of a lineage (or from an earlier one of this list), exports a model, and has `heirloom models
verify` write and decode real files of it. What is there already is not done again, and a run that was broken off is resumed, so the
same command goes on. Results say how long learning and measuring took, and on what machine.
"""
import argparse
import json
import os
import platform
import subprocess
import sys
import time
import tomllib
from dataclasses import dataclass, field
from pathlib import Path

LAMBDAS = {"old": "32,100,320,1024", "up": "1024,1625,2580,4096", "down": "4,8,16,32", "top": "4096", "ends": "4,4096"}


@dataclass
class Experiment:
    """A run of `heirloom learn` and what is measured of its model."""

    name: str
    data: str
    steps: int
    # Names of experiments; `generation-0` is that of the default lineage.
    parent: str = "generation-0"
    strategy: str = "replay"
    replay: str | None = "coco"
    share: float | None = None
    rates: str | None = None
    settings: dict = field(default_factory=dict)
    # Sets of images on which the model is proved against models, by name; a third member names other λ than the old ones.
    proofs: list = field(default_factory=list)
    # Beyond the old range: (set of images, name of λ list).
    beyond: list = field(default_factory=list)


def experiments(options):
    """The whole list, parents before children."""
    long, short = options.data_steps, options.rate_steps
    old = [("kodak", "generation-0")]
    # A quarter is the smallest share of replay that the paper tries.
    faces = {"share": 0.25}
    # Crops as large as the faces, which are all cut alike: shrinking an image stops at the crop, so faces stay as they are.
    whole = {"phases": [{"from_step": 0, "crop": 256, "batch": 4}]}
    # Screens cost four times as much as photographs, and pull as much harder: with half a batch of them and twice the rate, old files
    # lost 0.2 dB.
    screens = {"share": 0.75, "settings": {"balance": 0.0, "learning_rate": 4e-4}}

    def after(generation):
        names = ["generation-0", "faces-replay", "chain-2-up", "chain-3-down"]
        wider = [("kodak", "chain-2-up", "top"), ("kodak", "chain-3-down", "ends")]
        return [("kodak", parent) for parent in names[:generation]] + wider[: max(0, generation - 2)]

    both = [("faces", "generation-0"), ("screens", "generation-0"), *old]
    return [
        Experiment("faces-replay", "faces", long, **faces, proofs=[("faces", "generation-0"), *old]),
        Experiment("faces-replay-whole", "faces", long, **faces, settings=whole, proofs=[("faces", "generation-0"), *old]),
        Experiment("faces-end-to-end-whole", "faces", long, strategy="end-to-end", replay=None, settings=whole, proofs=[("faces", "generation-0"), *old]),
        # What the paper has: half of a batch, and every image with its own weight.
        Experiment("faces-replay-half", "faces", long, share=0.5, settings={"balance": 0.0}, proofs=[("faces", "generation-0"), *old]),
        Experiment("generation-1", "coco", options.shipped_steps, rates="4:4096", proofs=old, beyond=[("kodak", "down"), ("kodak", "up")]),
        Experiment(
            "generation-2", "coco", options.longer_steps, "generation-1", rates="4:4096", proofs=[*old, ("kodak", "generation-1"), ("kodak", "generation-1", "ends")],
            beyond=[("kodak", "down"), ("kodak", "up")],
        ),
        Experiment("rate-up", "coco", short, rates="32:4096", proofs=old, beyond=[("kodak", "up")]),
        Experiment("rate-down", "coco", short, rates="4:1024", proofs=old, beyond=[("kodak", "down")]),
        Experiment("chain-2-up", "coco", short, "faces-replay", rates="32:4096", proofs=after(2), beyond=[("kodak", "up")]),
        Experiment("chain-3-down", "coco", short, "chain-2-up", rates="4:4096", proofs=after(3), beyond=[("kodak", "down")]),
        Experiment("chain-4-screens", "screens", options.screens_steps, "chain-3-down", share=0.75, settings={"learning_rate": 4e-4}, proofs=[*after(4), ("screens", "chain-3-down")]),
        Experiment("screens-replay", "screens", options.screens_steps, **screens, proofs=[("screens", "generation-0"), *old]),
        Experiment("screens-archive", "screens", options.screens_steps, replay="archive", **screens, proofs=[("screens", "generation-0"), *old]),
        Experiment("control", "coco", long, **faces, proofs=both),
        # As the control, for learning end to end: probabilities that had not been trained to the end gain from that alone.
        Experiment("control-end-to-end", "coco", long, strategy="end-to-end", replay=None, proofs=both),
        Experiment("faces-end-to-end", "faces", long, strategy="end-to-end", replay=None, proofs=[("faces", "generation-0"), *old]),
        Experiment("screens-end-to-end", "screens", options.screens_steps, strategy="end-to-end", replay=None, settings={"balance": 0.0}, proofs=[("screens", "generation-0"), *old]),
    ]


def toml(value):
    """A value as TOML writes it, tables inline."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {toml(v)}" for key, v in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(toml, value)) + "]"
    return json.dumps(value)


class Runner:
    """Carries experiments out in a work folder, and leaves results in another."""

    def __init__(self, options):
        self.options = options
        self.sets = {
            "coco": options.coco,
            "faces": options.faces,
            "screens": options.screens,
            "kodak-test": options.kodak,
            "faces-test": options.faces_test,
            "screens-test": options.screens_test,
        }
        self.work = options.work
        self.results = options.results
        for folder in (self.work, self.results):
            folder.mkdir(parents=True, exist_ok=True)

    def call(self, program, *arguments, allowed=(0,)):
        """Runs one of the two programs and gives the seconds it took and what it printed."""
        command = [str(self.options.programs / program), *map(str, arguments)]
        print("+", " ".join(command), flush=True)
        start = time.time()
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True)
        if done.returncode not in allowed:
            sys.exit(f"{program} ended with status {done.returncode}")
        return time.time() - start, done.stdout

    def model(self, name):
        return self.options.base if name == "generation-0" else self.work / f"{name}.safetensors"

    def archive(self):
        """Files of old images, as a user would have them: written by generation 0, at many λ."""
        folder = self.work / "archive"
        if (self.work / "archive.done").exists():
            return folder
        images = sorted(p for p in self.sets["coco"].iterdir() if p.suffix in (".jpg", ".png"))[: self.options.archived]
        low, high, lists = 32.0, 1024.0, 8
        for k in range(lists):
            share = folder / f"{k}"
            share.mkdir(parents=True, exist_ok=True)
            value = low * (high / low) ** (k / (lists - 1))
            self.call("heirloom", "encode", *images[k::lists], "-o", share, "--model", self.options.base, "--lambda", f"{value:.4g}", "--force")
        (self.work / "archive.done").touch()
        return folder

    def learn(self, e):
        """Learns and exports, unless the model is there. Gives the seconds of learning, over all its parts."""
        model, run, clock = self.model(e.name), self.work / e.name, self.work / f"{e.name}.seconds"
        if not model.exists():
            settings = {"preset": "learn-small", "precision": self.options.precision, "learning_rate": self.options.rate, "final_ratio": 0.03, "log_every": 50, **e.settings}
            config = self.work / f"{e.name}.toml"
            lines = [f"{key} = {toml(value)}" for key, value in settings.items()]
            config.write_text("\n".join([*lines, "", "[augmentation]", "shrink = [0.7, 1.0]", "flip = true"]) + "\n")
            arguments = ["--data", self.sets[e.data], "--out", run, "--quiet"]
            arguments += ["--threads", self.options.threads] if self.options.threads else []
            if e.replay == "archive":
                arguments += ["--replay-archive", self.archive()]
            elif e.replay:
                arguments += ["--replay-data", self.sets[e.replay]]
            if run.exists():
                arguments += ["--resume"]
            else:
                arguments += ["--from", self.model(e.parent), "--config", config, "--steps", e.steps, "--strategy", e.strategy]
                arguments += ["--lambda", e.rates] if e.rates else []
                arguments += ["--replay-share", e.share] if e.share else []
                for ancestor in self.ancestors(e):
                    arguments += ["--ancestor", ancestor]
            seconds, _ = self.call("heirloom-train", "learn", *arguments)
            clock.write_text(f"{seconds}")
            self.call("heirloom-train", "export", run, "-o", model)
        return float(clock.read_text()) if clock.exists() else None

    def precision(self, e):
        """What the run's settings say, whatever this call was given."""
        settings = (self.work / f"{e.name}.toml").read_text()
        return tomllib.loads(settings).get("precision", "f32")

    def ancestors(self, e):
        """Files of all generations before the parent."""
        by_name = {x.name: x for x in experiments(self.options)}
        found, name = [], e.parent
        while name != "generation-0":
            name = by_name[name].parent
            found.append(self.model(name))
        return found

    def prove(self, e, images, parent, rates="old"):
        """Proof of a model against an older one. The models named in the results are those of this list."""
        suffix = "" if rates == "old" else f"-{rates}"
        path = self.results / f"{e.name}-on-{images}-against-{parent}{suffix}.json"
        if not path.exists():
            part = self.work / "proof.json"
            self.call(
                "heirloom", "models", "verify", self.model(parent), self.model(e.name), "--images", self.sets[f"{images}-test"],
                "--lambdas", LAMBDAS[rates], "--json", part, "--force", allowed=(0, 5, 6),
            )
            proof = json.loads(part.read_text())
            for side, name in (("old", parent), ("new", e.name)):
                proof[side]["name"] = name
            # A file's numbers on one line: they are thousands.
            files = ",\n".join("    " + json.dumps(f, ensure_ascii=False) for f in proof.pop("files"))
            text = json.dumps(proof, indent=2, ensure_ascii=False)
            path.write_text(text[: text.rindex("\n}")] + ',\n  "files": [\n' + files + "\n  ]\n}\n")
        return json.loads(path.read_text())

    def beyond(self, e, images, rates):
        """Rates and qualities outside of the old range."""
        path = self.results / f"{e.name}-on-{images}-{rates}.json"
        if not path.exists():
            part = self.work / "eval.json"
            self.call(
                "heirloom", "eval", self.sets[f"{images}-test"], "--model", self.model(e.name), "--lambdas", LAMBDAS[rates],
                "--json", part, "--force",
            )
            report = json.loads(part.read_text()) | {"model": e.name}
            path.write_text(json.dumps({key: report[key] for key in ("model", "dataset", "images", "points")}, indent=2) + "\n")
        return json.loads(path.read_text())

    def run(self, e):
        """One experiment to its end, and its entry in the summary."""
        seconds = self.learn(e)
        entry = {
            "name": e.name, "parent": e.parent, "strategy": e.strategy, "data": e.data, "replay": e.replay, "share": e.share, "lambda": e.rates,
            "steps": e.steps, "precision": self.precision(e), "learning_seconds": seconds and round(seconds), "proofs": [], "beyond": [],
        }
        for images, parent, *rates in e.proofs:
            proof = self.prove(e, images, parent, *rates)
            differences = [p["difference"] for p in proof["points"]]
            entry["proofs"].append({
                "on": images, "against": parent, "decodable": proof["decodable"], "stable": proof["stable"],
                "old_files_db": dict(zip(LAMBDAS[rates[0] if rates else "old"].split(","), differences)),
                "bd_rate": proof["bd_rate"] and round(proof["bd_rate"]["percent"], 2),
            })
        for images, rates in e.beyond:
            points = self.beyond(e, images, rates)["points"]
            entry["beyond"].append({"on": images, "points": [{k: p[k] for k in ("lambda", "bpp", "psnr")} for p in points]})
        (self.results / f"{e.name}.json").write_text(json.dumps(entry | {"machine": machine()}, indent=2) + "\n")
        return entry


def machine():
    """The processor and the system in words."""
    name = platform.processor() or platform.machine()
    if Path("/proc/cpuinfo").exists():
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        name = next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), name)
    return f"{name}, {os.cpu_count()} threads, {platform.system()}"


def show(entry):
    """What came of an experiment, in a few lines."""
    print(f"\n{entry['name']}: {entry['steps']} steps, {entry['learning_seconds']} s")
    for proof in entry["proofs"]:
        lost = [d for d in proof["old_files_db"].values() if d is not None]
        change = f"{min(lost):+.3f} to {max(lost):+.3f} dB" if lost else "no image"
        verdict = "stable" if proof["stable"] else "decodable" if proof["decodable"] else "broken"
        rate = "-" if proof["bd_rate"] is None else f"{proof['bd_rate']:+.2f} %"
        print(f"  {proof['on']:8} against {proof['against']:14} old files {change:24} {verdict:10} new files {rate}")
    for part in entry["beyond"]:
        print(f"  {part['on']:8} " + "  ".join(f"{p['lambda']:g}: {p['bpp']:.3f}/{p['psnr']:.2f}" for p in part["points"]))


def tables(results, names):
    """The tables of docs/RESULTS.md, as Markdown, from what is there."""
    entries = {e.stem: json.loads(e.read_text()) for e in results.glob("*.json") if "-on-" not in e.stem}
    order = [name for name in names if name in entries]
    lines = ["| learned | steps | minutes | images | files against | old files, dB by λ " + LAMBDAS["old"] + " unless told | verdict | new files, BD-rate |",
             "|---|---|---|---|---|---|---|---|"]
    for name in order:
        e = entries[name]
        for proof in e["proofs"]:
            changes = proof["old_files_db"]
            change = " ".join("-" if c is None else f"{c:+.2f}" for c in changes.values())
            change += "" if ",".join(changes) == LAMBDAS["old"] else f" (λ {', '.join(changes)})"
            verdict = "stable" if proof["stable"] else "decodable" if proof["decodable"] else "**broken**"
            rate = "-" if proof["bd_rate"] is None else f"{proof['bd_rate']:+.1f} %"
            minutes = "-" if e["learning_seconds"] is None else f"{e['learning_seconds'] / 60:.0f}"
            lines.append(f"| {name} | {e['steps']} | {minutes} | {proof['on']} | {proof['against']} | {change} | {verdict} | {rate} |")
    lines += ["", "| learned | λ | bpp | PSNR, dB |", "|---|---|---|---|"]
    for name in order:
        for part in entries[name]["beyond"]:
            for p in part["points"]:
                lines.append(f"| {name} | {p['lambda']:g} | {p['bpp']:.3f} | {p['psnr']:.2f} |")
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    folders = ("coco", "faces", "screens", "kodak", "faces-test", "screens-test", "work")
    for name in folders:
        parser.add_argument(f"--{name}", type=Path)
    parser.add_argument("--base", type=Path, help="model file of generation 0")
    parser.add_argument("--results", type=Path, default=Path("runs/learning/results"))
    parser.add_argument("--programs", type=Path, default=Path("target/release"), help="folder of heirloom and heirloom-train")
    parser.add_argument("--data-steps", type=int, default=2500, help="steps for faces, and for the control")
    parser.add_argument("--screens-steps", type=int, default=1000, help="steps for screens")
    parser.add_argument("--rate-steps", type=int, default=600, help="steps for new rates, and for the links of the chain")
    parser.add_argument("--shipped-steps", type=int, default=1800, help="steps for the generation that is shipped")
    parser.add_argument("--longer-steps", type=int, default=6000, help="steps for the generation after it")
    parser.add_argument("--precision", default="bf16", help="f32 or bf16")
    parser.add_argument("--rate", type=float, default=8e-4, help="learning rate at the beginning")
    parser.add_argument("--archived", type=int, default=400, help="number of files in the archive")
    parser.add_argument("--threads", type=int, help="threads of learning, so that two copies of this can learn side by side [default: all]")
    parser.add_argument("--only", nargs="*", metavar="NAME")
    parser.add_argument("--tables", action="store_true", help="print the results that are there as Markdown")
    parser.add_argument("--dry-run", action="store_true", help="print the list and what is there of it")
    options = parser.parse_args()
    chosen = [e for e in experiments(options) if not options.only or e.name in options.only]
    if options.tables:
        print(tables(options.results, [e.name for e in chosen]))
        return
    if options.dry_run:
        for e in chosen:
            there = "done" if (options.results / f"{e.name}.json").exists() else "to do"
            print(f"{there:6} {e.name:18} {e.steps} steps from {e.parent}: {e.strategy}, {e.data}, λ {e.rates or 'as the parent'}")
        return
    missing = [f"--{name}" for name in (*folders, "base") if getattr(options, name.replace("-", "_")) is None]
    if missing:
        parser.error(f"give {', '.join(missing)}")
    runner = Runner(options)
    for e in chosen:
        show(runner.run(e))


if __name__ == "__main__":
    main()
