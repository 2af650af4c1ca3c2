#!/usr/bin/env python3
"""The benchmark of continual compression: a chain of generations, each of which learns one task, and what becomes of all files.

    cargo build --release && cargo build --release -p heirloom-train
    python3 scripts/continual.py --tasks scripts/continual.json --data data/ --base GENERATION0.safetensors --work runs/continual \\
        --strategy replay [--strategy end-to-end …] --out results/continual

A task is a folder of new images, or another range of rates. `--data` holds a folder NAME/train and NAME/test for each that the list
names, and `old/train` and `old/test` with images as those of generation 0. Generation n learns task n from generation n − 1 with one
of these strategies: replay (of images of all earlier tasks), archive (replay of files that earlier generations wrote), add-on, encoder,
end-to-end.

After each generation, `heirloom models verify` lets every earlier one write files of its own task and of the old images, and decodes
them with the new one. What is there already is not done again, so a chain that was broken off goes on. For each strategy OUT has a
JSON with all numbers, and SUMMARY.md a table of these:

    decodable   share of the files of earlier generations that later ones parse to the same latents
    backward    mean change of PSNR, in dB, of each generation's files of its own task when the last generation decodes them
    drift       the largest loss of mean PSNR of any generation's files, under any later one, at any λ
    gain        mean BD-rate of generation n against n − 1 on task n: what learning it brought
    forward     mean BD-rate of generation n − 1 against 0 on task n: what earlier tasks brought to one not yet learned
    kept        mean BD-rate of the last generation against 0 over all tasks: what is left at the end
    growth      bytes of model that decode all files at the end, against those of generation 0
"""
import argparse
import json
import subprocess
import sys
from pathlib import Path

from learning import machine, toml

STRATEGIES = ("replay", "archive", "add-on", "encoder", "end-to-end")
LAMBDAS = "32,128,512,2048"


class Chain:
    """One strategy's chain of generations, in a folder of its own."""

    def __init__(self, options, strategy):
        self.options, self.strategy = options, strategy
        self.work = options.work / strategy
        self.work.mkdir(parents=True, exist_ok=True)
        self.tasks = json.loads(options.tasks.read_text())["tasks"][: options.generations]

    def call(self, program, *arguments, allowed=(0,)):
        """Runs one of the two programs."""
        command = [str(self.options.programs / program), *map(str, arguments)]
        print("+", " ".join(command), flush=True)
        status = subprocess.run(command, stdout=subprocess.DEVNULL).returncode
        if status not in allowed:
            sys.exit(f"{program} ended with status {status}")

    def images(self, name, part):
        folder = self.options.data / (name or "old") / part
        return folder if part == "train" or self.options.pieces is None else self.pieces(folder, self.options.work / "test" / (name or "old"))

    def pieces(self, folder, out):
        """The centres of a folder's first images, as large as --pieces says."""
        count, side = self.options.pieces
        if not out.exists():
            from PIL import Image

            part = out.with_suffix(".part")
            part.mkdir(parents=True, exist_ok=True)
            for path in sorted(p for p in folder.iterdir() if p.is_file())[:count]:
                image = Image.open(path).convert("RGB")
                left, top = max(0, image.width - side) // 2, max(0, image.height - side) // 2
                image.crop((left, top, min(image.width, left + side), min(image.height, top + side))).save(part / f"{path.stem}.png")
            part.rename(out)
        return out

    def model(self, number):
        return self.options.base if number == 0 else self.work / f"generation-{number}.safetensors"

    def replayed(self, number):
        """Links to images of all kinds that the generations before `number` have learned, as many of each."""
        out = self.work / f"replayed-{number}"
        if not out.exists():
            part = out.with_suffix(".part")
            for name in dict.fromkeys([None, *(task.get("images") for task in self.tasks[: number - 1])]):
                folder = part / (name or "old")
                folder.mkdir(parents=True, exist_ok=True)
                images = sorted(p for p in self.images(name, "train").iterdir() if p.is_file())
                for path in images[:: -(-len(images) // self.options.replayed)]:
                    if not (folder / path.name).exists():
                        (folder / path.name).symlink_to(path.resolve())
            part.rename(out)
        return out

    def archive(self, number):
        """Files that the generations before `number` wrote of the old images and of their own tasks."""
        for writer in range(number):
            folder = self.work / "archive" / str(writer)
            if (folder / "done").exists():
                continue
            folder.mkdir(parents=True, exist_ok=True)
            name = self.tasks[writer - 1].get("images") if writer else None
            images = sorted(p for p in self.images(name, "train").iterdir() if p.is_file())[: self.options.archived]
            values = LAMBDAS.split(",")
            for i, value in enumerate(values):
                some = images[i :: len(values)]
                if some:
                    self.call("heirloom", "encode", *some, "-o", folder, "--model", self.model(writer), "--lambda", value, "--force")
            (folder / "done").touch()
        return self.work / "archive"

    def learn(self, number):
        """Learns a task and exports the generation."""
        model, task = self.model(number), self.tasks[number - 1]
        if model.exists():
            return
        run = self.work / f"run-{number}"
        data = self.images(task.get("images"), "train")
        replays = self.strategy in ("replay", "archive", "add-on")
        arguments = ["--data", data, "--out", run, "--quiet"]
        if self.strategy == "archive":
            arguments += ["--replay-archive", self.archive(number)]
        elif replays:
            arguments += ["--replay-data", self.replayed(number)]
        if (run / "config.toml").exists():
            arguments += ["--resume"]
        else:
            config = self.work / f"run-{number}.toml"
            settings = {
                "preset": "learn-small", "precision": self.options.precision, "learning_rate": self.options.rate, "final_ratio": 0.03,
                "phases": [{"from_step": 0, "crop": 256, "batch": 4}], **task.get("settings", {}),
            }
            config.write_text("".join(f"{key} = {toml(value)}\n" for key, value in settings.items()))
            strategy = "replay" if self.strategy == "archive" else self.strategy
            steps = task.get("steps", self.options.steps)
            arguments += ["--from", self.model(number - 1), "--strategy", strategy, "--config", config, "--steps", steps]
            arguments += ["--lambda", task["lambda"]] if "lambda" in task else []
            if replays:
                arguments += ["--replay-share", task.get("share", 0.5)]
                for earlier in range(number - 2, -1, -1):
                    arguments += ["--ancestor", self.model(earlier)]
        self.call("heirloom-train", "learn", *arguments)
        self.call("heirloom-train", "export", run, "-o", model, "--calibrate", data)

    def proof(self, old, new, images):
        """What becomes of the files that generation `old` writes of a test set when generation `new` decodes them."""
        path = self.work / f"proof-{old}-{new}-{images or 'old'}.json"
        if not path.exists():
            self.call(
                "heirloom", "models", "verify", self.model(old), self.model(new), "--images", self.images(images, "test"),
                "--lambdas", self.options.lambdas, "--json", path, allowed=(0, 5, 6),
            )
        proof = json.loads(path.read_text())
        files = proof["files"]
        return {
            "old": old, "new": new, "images": images or "old", "files": len(files),
            "identical": sum(f["identical"] for f in files),
            "difference_db": {f"{p['lambda']:g}": rounded(p["difference"]) for p in proof["points"]},
            "bd_rate": proof["bd_rate"] and rounded(proof["bd_rate"]["percent"]),
        }

    def run(self):
        """The whole chain, and all its numbers."""
        last = len(self.tasks)
        own = [None, *(task.get("images") for task in self.tasks)]
        proofs = []
        for number in range(1, last + 1):
            self.learn(number)
            # Files of earlier generations, of the images of their own task and of the old ones.
            for old in range(number):
                proofs += [self.proof(old, number, images) for images in dict.fromkeys([own[old], None])]
            # What learning brought, and what will have been there before the next task is learned.
            proofs += [self.proof(old, number, own[number]) for old in {0, number - 1} if own[number] != own[old]]
            if number < last and own[number + 1] and number > 0:
                proofs.append(self.proof(0, number, own[number + 1]))
        proofs += [self.proof(0, last, images) for images in dict.fromkeys(own)]
        unique = {(p["old"], p["new"], p["images"]): p for p in proofs}
        return {
            "schema": "heirloom-continual/1", "strategy": self.strategy, "tasks": self.tasks, "lambdas": self.options.lambdas,
            "steps": self.options.steps, "rate": self.options.rate, "precision": self.options.precision, "pieces": self.options.pieces,
            "model_bytes": [self.model(n).stat().st_size for n in range(last + 1)],
            "summary": self.summary(unique, own), "proofs": list(unique.values()), "machine": machine(),
        }

    def summary(self, proofs, own):
        last = len(self.tasks)
        name = lambda images: images or "old"
        of = lambda old, new, images: proofs.get((old, new, name(images)))
        changes = lambda p: [d for d in p["difference_db"].values() if d is not None]
        mean = lambda values: round(sum(values) / len(values), 3) if (values := [v for v in values if v is not None]) else None
        rate = lambda old, new, images: p["bd_rate"] if (p := of(old, new, images)) else None
        earlier = [p for p in proofs.values() if p["images"] in (name(own[p["old"]]), "old")]
        bytes_at_end = sum(self.model(n).stat().st_size for n in range(last + 1)) if self.strategy == "end-to-end" else self.model(last).stat().st_size
        domains = [n for n in range(1, last + 1) if own[n]]
        return {
            "decodable": round(sum(p["identical"] for p in earlier) / sum(p["files"] for p in earlier), 4),
            "backward_db": mean([mean(changes(p)) for i in range(last) if (p := of(i, last, own[i]))]),
            "drift_db": min((d for p in earlier for d in changes(p)), default=None),
            "gain": mean([rate(n - 1, n, own[n]) for n in domains]),
            "forward": mean([rate(0, n - 1, own[n]) for n in domains if n > 1]),
            "kept": mean([rate(0, last, own[n]) for n in domains]),
            "growth": bytes_at_end / self.model(0).stat().st_size,
        }


def rounded(number):
    return None if number is None else round(number, 3)


def table(out):
    """SUMMARY.md of all strategies that are there."""
    lines = ["| strategy | decodable | backward, dB | drift, dB | gain | forward | kept | growth |", "|---|---|---|---|---|---|---|---|"]
    percent = lambda value: "–" if value is None else f"{value:+.1f} %"
    decibel = lambda value: "–" if value is None else f"{value:+.3f}"
    for strategy in STRATEGIES:
        if (path := out / f"{strategy}.json").exists():
            s = json.loads(path.read_text())["summary"]
            lines.append(
                f"| {strategy} | {100 * s['decodable']:.1f} % | {decibel(s['backward_db'])} | {decibel(s['drift_db'])} | {percent(s['gain'])} "
                f"| {percent(s['forward'])} | {percent(s['kept'])} | × {s['growth']:.2f} |"
            )
    return "\n".join(lines) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tasks", type=Path, default=Path(__file__).with_name("continual.json"), help="the list of tasks")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--base", type=Path, required=True, help="model file of generation 0")
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--strategy", action="append", choices=STRATEGIES, help="may be given several times [default: all]")
    parser.add_argument("--generations", type=int, default=10, help="length of the chain, at most that of the list")
    parser.add_argument("--steps", type=int, default=1000, help="steps of a task that names none")
    parser.add_argument("--rate", type=float, default=1e-4, help="learning rate at the beginning, where a task names none")
    parser.add_argument("--precision", default="bf16", help="f32 or bf16")
    parser.add_argument("--archived", type=int, default=200, help="files that each generation adds to the archive")
    parser.add_argument(
        "--pieces", type=int, nargs=2, metavar=("COUNT", "SIDE"),
        help="test on the centres, SIDE x SIDE, of each kind's first COUNT images, which takes far less time; needs Pillow [default: on all]",
    )
    parser.add_argument("--replayed", type=int, default=600, help="images of each kind that are replayed, at most")
    parser.add_argument("--lambdas", default=LAMBDAS, help="λ of the measured files, four or more for a BD-rate")
    parser.add_argument("--programs", type=Path, default=Path("target/release"), help="folder of heirloom and heirloom-train")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    for strategy in options.strategy or STRATEGIES:
        result = Chain(options, strategy).run()
        # A proof's numbers on one line: there are more than a hundred.
        proofs = ",\n".join("  " + json.dumps(proof) for proof in result.pop("proofs"))
        text = json.dumps(result, indent=1, ensure_ascii=False)
        (options.out / f"{strategy}.json").write_text(text[: text.rindex("\n}")] + ',\n "proofs": [\n' + proofs + "\n ]\n}\n")
        (options.out / "SUMMARY.md").write_text(table(options.out))
        print(table(options.out))


if __name__ == "__main__":
    main()
