#!/usr/bin/env python3
"""Makes a run of `heirloom-train` of weights that `train.py` wrote.

    heirloom-train train --config CONFIG --init MODEL --data IMAGES --stop-at 1 --out RUN   # a run of the same network
    python3 scripts/gpu/to_run.py RUN WEIGHTS_FOLDER --steps N

The weights become those of the run's newest checkpoint, with N steps done: `validate`, `export` and `train --resume` take it from there.
"""
import argparse
import glob

import numpy as np

import checkpoint


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("run")
    parser.add_argument("weights")
    parser.add_argument("--steps", type=int, required=True)
    arguments = parser.parse_args()
    newest = sorted(glob.glob(f"{arguments.run}/checkpoint-*.bin"))[-1]
    header, buffers = checkpoint.read(newest)
    weights = np.concatenate([np.load(path) for path in sorted(glob.glob(f"{arguments.weights}/weights*.npy"))])
    if weights.shape != buffers["weights"].shape or not np.isfinite(weights).all():
        raise SystemExit("these are not the weights of the run's network")
    zeros = np.zeros_like(weights)
    header |= {"step": arguments.steps, "updates": arguments.steps}
    header["config"]["steps"] = max(header["config"]["steps"], arguments.steps)
    checkpoint.write(
        f"{arguments.run}/checkpoint-{arguments.steps:09}.bin", header, {"weights": weights, "m": zeros, "v": zeros, "ema": weights}
    )


if __name__ == "__main__":
    main()
