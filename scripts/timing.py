"""Runs the trainer's example `timing`, a process that times one case on request."""
import os
import subprocess
import sys
from pathlib import Path

BINARY = Path("target/release/examples/timing")
# VERB:NETWORK, or step:NETWORK:bf16.
CASES = ["encode:base", "decode:base", "encode:default", "decode:default"]
CASES += ["step:64", "step:default", "step:base", "step:64:bf16", "step:default:bf16", "step:base:bf16"]
# A process keeps the memory of its first steps: until it has all that it needs, they are slower.
WARM_UP = 5


class Timing:
    """One such process, on a number of threads."""

    def __init__(self, threads, binary=BINARY):
        if not Path(binary).exists():
            sys.exit(f"{binary} is not there: cargo build --release -p heirloom-train --example timing")
        environment = dict(os.environ, RAYON_NUM_THREADS=str(threads))
        self.process = subprocess.Popen([binary], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment)

    def ask(self, line):
        """Its answer to a line such as `spec base`."""
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline().strip()
        return answer or sys.exit(f"{self.process.args[0]} did not answer {line!r}")

    def seconds(self, case):
        """Seconds that a case took, once."""
        return float(self.ask(case.replace(":", " ")))

    def close(self):
        """Ends the process."""
        self.process.stdin.close()
        self.process.wait()
