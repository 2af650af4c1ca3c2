"""Every example of docs/CLUSTER.md runs, on Ray and Daft."""

import re
from pathlib import Path

from conftest import run_python

ROOT = Path(__file__).parents[4]


def test_examples_of_the_document(tmp_path):
    blocks = re.findall(r"^```python\n(.*?)^```", (ROOT / "docs/CLUSTER.md").read_text(), re.MULTILINE | re.DOTALL)
    assert len(blocks) == 4
    sample = (ROOT / "assets/sample.png").read_bytes()
    (tmp_path / "photos/a").mkdir(parents=True)
    (tmp_path / "photos/a/b.png").write_bytes(sample)
    (tmp_path / "photos/cut.png").write_bytes(sample[:9000])
    # Ray with two processors, and without programs that only show what it does.
    begin = "import ray; ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)"
    checks = """
assert report.done == 1, report
assert len(done["path"]) == 1 and done["heirloom"][0] == Path("archive/a/b.png.hlm").read_bytes()
assert (Path("archive/a/b.png.hlm").exists(), Path("thumbnails/a/b.png.jpg").exists()) == (True, True)
"""
    # The pages' first report has the failure of the image that is cut short.
    first = blocks[0].replace("report = heirloom.ray.decode_files", "assert len(report.failed) == 1\nreport = heirloom.ray.decode_files")
    run_python("\n".join(["from pathlib import Path", begin, first, *blocks[1:], checks]), cwd=tmp_path)
