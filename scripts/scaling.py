#!/usr/bin/env python3
"""Times encode, decode and training steps on one thread and on several, in turn, and prints how many times as fast the latter are.

    cargo build --release -p heirloom-train --example timing
    python3 scripts/scaling.py [--rounds 7] [--threads 2] [--only step:64,step:base]

Two processes, one of each number of threads, answer one right after the other, so that a change of the machine's speed meets both. A ratio is
the median over rounds.
"""
import argparse
import statistics

from timing import BINARY, CASES, WARM_UP, Timing


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--only", default=",".join(CASES), help="cases, separated by commas")
    parser.add_argument("--binary", default=BINARY)
    args = parser.parse_args()
    sides = [Timing(threads, args.binary) for threads in (1, args.threads)]
    print(f"{'':20} {'one, s':>8} {f'{args.threads}, s':>8} {'faster':>7}")
    for case in args.only.split(","):
        turns = [[side.seconds(case) for side in sides] for _ in range(WARM_UP + args.rounds)][WARM_UP:]
        one, several = map(statistics.median, zip(*turns))
        ratio = statistics.median(a / b for a, b in turns)
        print(f"{case:20} {one:8.3f} {several:8.3f} {ratio:7.2f}", flush=True)
    for side in sides:
        side.close()


if __name__ == "__main__":
    main()
