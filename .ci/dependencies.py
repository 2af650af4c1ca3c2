#!/usr/bin/env python3
"""Checks licences and sources of all dependencies against deny.toml, for machines without cargo-deny.

cargo-deny checks more; this needs nothing but Python and what Cargo has already fetched.
"""
import re
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def allowed(expression, licences):
    """Whether an SPDX expression can be met: its names are replaced by truth values and the rest is Boolean algebra."""
    expression = expression.replace("/", " OR ")
    tokens = re.findall(r"\(|\)|\bAND\b|\bOR\b|[\w.+-]+(?: WITH [\w.-]+)?", expression)
    words = {"AND": "and", "OR": "or", "(": "(", ")": ")"}
    try:
        return bool(eval(" ".join(words.get(token, str(token in licences)) for token in tokens), {"__builtins__": {}}))
    except SyntaxError:
        return False


def main():
    rules = tomllib.loads((ROOT / "deny.toml").read_text())
    licences = set(rules["licenses"]["allow"])
    exceptions = {rule["crate"]: set(rule["allow"]) for rule in rules["licenses"].get("exceptions", [])}
    registries = {f"registry+{address}" for address in rules["sources"]["allow-registry"]}
    problems = []

    tree = ["cargo", "tree", "--workspace", "--locked", "--edges", "normal,build,dev", "--target", "all", "--prefix", "none"]
    tree += ["--features", "heirloom-cli/peers", "--format", "{p}|{l}"]
    lines = set(subprocess.run(tree, cwd=ROOT, check=True, capture_output=True, text=True).stdout.split("\n")) - {""}
    for line in sorted(lines):
        package, licence = line.removesuffix(" (*)").split("|")
        name = package.split()[0]
        if not allowed(licence, licences | exceptions.get(name, set())):
            problems.append(f"{package}: the licence '{licence}' is not allowed by deny.toml")

    for package in tomllib.loads((ROOT / "Cargo.lock").read_text())["package"]:
        source = package.get("source")
        if source not in registries and not (source is None and package["name"].startswith(("heirloom", "cuda-without-llvm"))):
            problems.append(f"{package['name']} {package['version']}: the source '{source}' is not allowed by deny.toml")

    print("\n".join(problems) or f"{len(lines)} dependencies: licences and sources are allowed")
    return bool(problems)


if __name__ == "__main__":
    sys.exit(main())
