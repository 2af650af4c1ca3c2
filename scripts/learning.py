#!/usr/bin/env python3
"""Runs the experiments in continual learning and leaves one JSON per result, for the tables of docs/RESULTS.md.

    cargo build --release && cargo build --release -p heirloom-train
    python3 scripts/domains.py --clones clones/ --out data/                 # aerial, documents, art and others; needs Pillow
    python3 scripts/learning.py --data data/ --old photos.pack --kodak KODAK --base GENERATION0.safetensors --work runs/learning \\
        [--results runs/learning/results] [--only NAME …]
    python3 scripts/learning.py --dry-run | --tables

`--data` holds NAME/train and NAME/test for each kind of images; `faces` are to be put there beside what domains.py makes. `--old` is a
folder or a pack of images like those that generation 0 learned from.

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

LAMBDAS = {"old": "8,64,512,4096", "up": "8192,16384,32768", "down": "1.5,3,6"}
# Kinds of images that generation 0 has not learned.
KINDS = ("faces", "documents", "aerial", "art")


@dataclass
class Experiment:
    """A run of `heirloom learn` and what is measured of its model."""

    name: str
    data: str
    steps: int
    # Names of experiments; `generation-0` is that of the default lineage.
    parent: str = "generation-0"
    strategy: str = "replay"
    replay: str | None = "old"
    share: float | None = None
    rates: str | None = None
    settings: dict = field(default_factory=dict)
    # Sets of images on which the model is proved against models, by name; a third member names other λ than the old ones.
    proofs: list = field(default_factory=list)
    # Beyond the old range: (set of images, name of λ list).
    beyond: list = field(default_factory=list)


def experiments(options):
    """The whole list, parents before children."""
    old = [("kodak", "generation-0")]
    # Of what is learned from, a quarter is the smallest share of replay that the paper tries. Documents cost more than photographs, and
    # pull as much harder.
    shares = {"faces": 0.25, "documents": 0.75, "aerial": 0.5, "art": 0.5}
    found = []
    for kind in KINDS:
        new = {"data": kind, "steps": options.data_steps, "proofs": [(kind, "generation-0"), *old]}
        found += [
            Experiment(f"{kind}-replay", share=shares[kind], **new),
            Experiment(f"{kind}-add-on", strategy="add-on", share=shares[kind], **new),
            Experiment(f"{kind}-end-to-end", strategy="end-to-end", replay=None, **new),
        ]
    of_all = [*((kind, "generation-0") for kind in KINDS), *old]
    rates = {"data": "old", "steps": options.rate_steps, "proofs": old}
    return [
        *found,
        # Files instead of images of what is old.
        Experiment("documents-archive", "documents", options.data_steps, replay="archive", share=0.75, proofs=[("documents", "generation-0"), *old]),
        # The encoder alone, which cannot harm old files.
        Experiment("faces-encoder", "faces", options.data_steps, strategy="encoder", replay=None, proofs=[("faces", "generation-0"), *old]),
        # As many steps without new images: what longer learning brings by itself.
        Experiment("control", "old", options.data_steps, share=0.5, proofs=of_all),
        Experiment("control-end-to-end", "old", options.data_steps, strategy="end-to-end", replay=None, proofs=of_all),
        Experiment("rate-up", rates="6:32768", beyond=[("kodak", "up")], **rates),
        Experiment("rate-down", rates="1.5:8192", beyond=[("kodak", "down")], **rates),
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
        self.sets = {"old": options.old, "kodak-test": options.kodak}
        for kind in KINDS:
            self.sets |= {kind: options.data / kind / "train", f"{kind}-test": options.data / kind / "test"}
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
        if not self.options.old.is_dir():
            sys.exit("an archive is made of a folder of images: give --old one instead of a pack")
        images = sorted(p for p in self.options.old.iterdir() if p.suffix in (".jpg", ".png"))[: self.options.archived]
        low, high, lists = 8.0, 4096.0, 10
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
            settings = {
                "preset": "learn-small", "precision": self.options.precision, "learning_rate": self.options.rate, "final_ratio": 0.03,
                "log_every": 50, "phases": [{"from_step": 0, "crop": 256, "batch": 4}], **e.settings,
            }
            config = self.work / f"{e.name}.toml"
            lines = [f"{key} = {toml(value)}" for key, value in settings.items()]
            config.write_text("\n".join([*lines, "", "[augmentation]", "shrink = [0.8, 1.0]", "flip = true"]) + "\n")
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
    places = ("data", "old", "kodak", "work")
    for name in places:
        parser.add_argument(f"--{name}", type=Path)
    parser.add_argument("--base", type=Path, help="model file of generation 0")
    parser.add_argument("--results", type=Path, default=Path("runs/learning/results"))
    parser.add_argument("--programs", type=Path, default=Path("target/release"), help="folder of heirloom and heirloom-train")
    parser.add_argument("--data-steps", type=int, default=2000, help="steps for new images, and for the controls")
    parser.add_argument("--rate-steps", type=int, default=600, help="steps for new rates")
    parser.add_argument("--precision", default="bf16", help="f32 or bf16")
    parser.add_argument("--rate", type=float, default=1e-4, help="learning rate at the beginning")
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
    missing = [f"--{name}" for name in (*places, "base") if getattr(options, name) is None]
    if missing:
        parser.error(f"give {', '.join(missing)}")
    runner = Runner(options)
    for e in chosen:
        show(runner.run(e))


if __name__ == "__main__":
    main()
