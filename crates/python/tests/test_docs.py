"""Every example in the documents and docstrings runs, and the type stubs are those of the module."""

import ast
import doctest
import importlib
import inspect
import re
from pathlib import Path

import numpy as np
import pytest

import heirloom
from conftest import run_python
from heirloom import _heirloom

ROOT = Path(__file__).parents[3]
FLAGS = doctest.ELLIPSIS | doctest.IGNORE_EXCEPTION_DETAIL


@pytest.mark.parametrize("name", ["heirloom", "heirloom._chunks", "heirloom.files", "heirloom.zarr", "heirloom.numcodecs"])
def test_docstrings(name):
    for needed in ("zarr", "numcodecs"):
        if name.endswith(needed):
            pytest.importorskip(needed)
    module = importlib.import_module(name)
    results = doctest.testmod(module, extraglobs={"np": np, "heirloom": heirloom}, optionflags=FLAGS)
    assert results.attempted > 0 and results.failed == 0


@pytest.mark.parametrize("document", ["README.md", "crates/python/README.md", "docs/PYTHON.md"])
def test_examples_of_documents(document, tmp_path):
    if "PYTHON" in document:
        pytest.importorskip("zarr", minversion="3.1")
    blocks = re.findall(r"^```python\n(.*?)^```", (ROOT / document).read_text(), re.MULTILINE | re.DOTALL)
    assert blocks
    sample = (ROOT / "assets/sample.png").read_bytes()
    (tmp_path / "photo.png").write_bytes(sample)
    # The examples of one document build on each other.
    run_python("\n".join(blocks), cwd=tmp_path)


def test_stubs_are_those_of_the_module():
    stubs = ast.parse((Path(heirloom.__file__).parent / "_heirloom.pyi").read_text())
    stubbed = {}
    for node in stubs.body:
        if isinstance(node, ast.FunctionDef):
            stubbed[node.name] = [argument.arg for argument in node.args.args]
        elif isinstance(node, ast.ClassDef):
            members = {member.name for member in node.body if isinstance(member, ast.FunctionDef)} - {"__new__"}
            found = {name for name in vars(getattr(_heirloom, node.name)) if not name.startswith("__")}
            assert members == found, node.name
            stubbed[node.name] = None
        elif isinstance(node, ast.AnnAssign):
            stubbed[node.target.id] = None
    public = {name for name in vars(_heirloom) if not name.startswith("__")} | {"__version__"}
    assert set(stubbed) == public
    for name, arguments in stubbed.items():
        if arguments is not None:
            assert list(inspect.signature(getattr(_heirloom, name)).parameters) == arguments, name


def test_everything_public_is_documented():
    for name in heirloom.__all__:
        if name not in ("__version__", "errors"):
            assert getattr(heirloom, name).__doc__, name
    assert (Path(heirloom.__file__).parent / "py.typed").exists()
