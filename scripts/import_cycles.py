#!/usr/bin/env python3
"""Finds circles of files that import each other, in each crate under crates/.

An import of a re-exported name counts as an import of the file that defines it, or of none if that
is in another crate. Modules that only
declare and re-export others (mod.rs, lib.rs, main.rs) may be on no circle either. Tests inside files
(`#[cfg(test)] mod tests`) are left out.

    scripts/import_cycles.py [CRATE...]     exit status 1 if there is a circle
"""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent / "crates"
USE = re.compile(r"^\s*(?:pub(?:\([^)]*\))? )?use ([^;]+);", re.MULTILINE)
PATH = re.compile(r"\b((?:crate|super|self)(?:::\w+)+)")


def modules(source):
    """Files of a crate by module path: ("data", "folder") -> src/data/folder.rs."""
    found = {}
    for file in sorted(source.rglob("*.rs")):
        parts = file.relative_to(source).with_suffix("").parts
        if parts[-1] == "mod":
            parts = parts[:-1]
        elif parts in (("lib",), ("main",)):
            parts = () if parts == ("lib",) or not (source / "lib.rs").exists() else ("bin main",)
        found[parts] = file
    return found


def split(group):
    """The parts of "a, b::{c, d}" between top-level commas."""
    depth, start = 0, 0
    for i, char in enumerate(group):
        depth += (char == "{") - (char == "}")
        if char == "," and depth == 0:
            yield group[start:i]
            start = i + 1
    yield group[start:]


def expand(tree, prefix=()):
    """Paths of a use tree, each with the name that it gets: (("crate", "data", "Folder"), "Folder")."""
    tree = tree.strip()
    if not tree:
        return
    head, brace, rest = tree.partition("{")
    if brace:
        prefix = prefix + tuple(p for p in head.strip().split("::") if p)
        for part in split(rest.rsplit("}", 1)[0]):
            yield from expand(part, prefix)
        return
    path, _, alias = tree.partition(" as ")
    path = prefix + tuple(path.strip().split("::"))
    if path[-1] == "self":
        path = path[:-1]
    yield path, alias.strip() or path[-1]


def code(file):
    text = re.sub(r"//[^\n]*", "", file.read_text())
    return re.split(r"#\[cfg\(test\)\]\s*(?:pub )?mod \w+ \{", text)[0]


def absolute(path, module):
    """A path from the crate's root, or None if it leads elsewhere."""
    if path[0] == "crate":
        return path[1:]
    base = module
    if path[0] == "self":
        return base + path[1:]
    if path[0] != "super":
        return None
    while path and path[0] == "super":
        base, path = base[:-1], path[1:]
    return base + path


def graph(source):
    files = modules(source)
    texts = {module: code(file) for module, file in files.items()}
    reexports = {}
    for module, text in texts.items():
        for match in re.finditer(r"pub(?:\([^)]*\))? use ([^;]+);", text):
            for path, name in expand(match.group(1)):
                # None for a name of another crate.
                reexports[module, name] = absolute(path, module) or (
                    module + path if module + path[:1] in files else None
                )

    def target(path, depth=0):
        """The file that a path leads to."""
        for length in range(len(path), -1, -1):
            if path[:length] in files:
                name = path[length] if length < len(path) else None
                if depth < 9 and (path[:length], name) in reexports:
                    full = reexports[path[:length], name]
                    return None if full is None else target(full + path[length + 1:], depth + 1)
                return path[:length]
        return None

    edges = {}
    for module, text in texts.items():
        paths = [path for match in USE.finditer(text) for path, _ in expand(match.group(1))]
        paths += [tuple(match.split("::")) for match in PATH.findall(USE.sub("", text))]
        full = [absolute(path, module) for path in paths]
        edges[module] = {target(path) for path in full if path is not None} - {module, None}
    return files, edges


def circles(edges):
    """Strongly connected components of more than one file (Tarjan)."""
    index, low, stack, found = {}, {}, [], []

    def visit(node):
        index[node] = low[node] = len(index)
        stack.append(node)
        for other in sorted(edges.get(node, ())):
            if other not in index:
                visit(other)
                low[node] = min(low[node], low[other])
            elif other in stack:
                low[node] = min(low[node], index[other])
        if low[node] == index[node]:
            component = []
            while not component or component[-1] != node:
                component.append(stack.pop())
            if len(component) > 1:
                found.append(component)

    for node in edges:
        if node not in index:
            visit(node)
    return found


def main():
    names = sys.argv[1:] or sorted(path.name for path in ROOT.iterdir() if (path / "src").is_dir())
    failed = False
    for name in names:
        files, edges = graph(ROOT / name / "src")
        for component in circles(edges):
            failed = True
            print(f"{name}: these files import each other:")
            for module in sorted(component):
                others = ", ".join("::".join(o) or "lib" for o in sorted(edges[module] & set(component)))
                print(f"  {files[module].relative_to(ROOT)} -> {others}")
    return failed


if __name__ == "__main__":
    sys.exit(main())
