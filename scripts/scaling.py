#!/usr/bin/env python3
"""Times encode, decode and training steps on one thread and on several, in turn, and prints how many times as fast the latter are.

    cargo build --release -p heirloom-train --example timing
    python3 scripts/scaling.py [--rounds 9] [--threads 2] [--only step:64,step:base]

Two processes, one of each number of threads, answer one right after the other, so that a change of the machine's speed meets both. A ratio is
the median over rounds.
"""
import argparse
import os
import statistics
import subprocess

CASES = ["encode:default", "decode:default", "encode:base", "decode:base", "step:64", "step:default", "step:base", "step:64:bf16", "step:default:bf16", "step:base:bf16"]
WARM_UP = 2


def start(binary, threads):
    environment = dict(os.environ, RAYON_NUM_THREADS=str(threads))
    return subprocess.Popen([binary], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment)


def ask(process, case):
    process.stdin.write(case.replace(":", " ") + "\n")
    process.stdin.flush()
    return float(process.stdout.readline())


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--only", default=",".join(CASES))
    parser.add_argument("--binary", default="target/release/examples/timing")
    args = parser.parse_args()
    sides = [start(args.binary, 1), start(args.binary, args.threads)]
    print(f"{'':20s} {'one, s':>8s} {f'{args.threads}, s':>8s} {'faster':>7s}")
    for case in args.only.split(","):
        times = [[], []]
        for turn in range(WARM_UP + args.rounds):
            answers = [ask(side, case) for side in sides]
            if turn >= WARM_UP:
                for kept, answer in zip(times, answers):
                    kept.append(answer)
        one, all_threads = map(statistics.median, times)
        ratio = statistics.median(a / b for a, b in zip(*times))
        print(f"{case:20s} {one:8.3f} {all_threads:8.3f} {ratio:7.2f}", flush=True)
    for side in sides:
        side.stdin.close()


if __name__ == "__main__":
    main()
