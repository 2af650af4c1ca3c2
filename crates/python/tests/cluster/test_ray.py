"""Trees of images on Ray: two local workers, some of which are killed."""

import os
import signal
import threading
import time
from pathlib import Path

import numpy as np
import psutil
import pyarrow.fs
import pytest
import ray
import ray.data
from PIL import Image

import heirloom
import heirloom.files
import heirloom.ray
from conftest import make_image, run_command

ROOT = Path(__file__).parents[4]
# One actor, which leaves room for another one and for reading.
ONE = {"compute": ray.data.ActorPoolStrategy(size=1), "num_cpus": 0.5, "batch_size": 4}


@pytest.fixture(scope="module", autouse=True)
def cluster():
    """Ray with two processors on this machine."""
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
    yield
    ray.shutdown()


def make_tree(folder, count, size=(40, 56)):
    """Images in folders and subfolders, as PNG and JPEG, beside other files; their paths in `folder`."""
    paths = []
    for number in range(count):
        path = folder / ("", "größer", "a b/c", "a b/d/e")[number % 4] / f"{number}.{('png', 'JPG')[number % 2]}"
        path.parent.mkdir(parents=True, exist_ok=True)
        image = Image.fromarray(make_image(*size, seed=number))
        image.save(path, "JPEG" if number % 2 else "PNG")
        paths.append(path.relative_to(folder).as_posix())
    (folder / "notes.txt").write_text("no image")
    (folder / "png").write_text("no extension")
    return paths


def results(folder):
    """Paths and times of modification of all results, and nothing else."""
    files = [path for path in folder.rglob("*") if path.is_file() and ".heirloom" not in path.parts]
    return {path.relative_to(folder).as_posix(): path.stat().st_mtime_ns for path in files}


def private(folder):
    return sorted(path.name for path in (folder / ".heirloom").iterdir())


def working():
    """The processes that have files to work on."""
    titles = ((process, process.info["cmdline"] or [""]) for process in psutil.process_iter(["cmdline"]))
    return [process for process, title in titles if title[0].startswith("ray::work_on")]


def in_background(call):
    """Calls in a thread; the result is that of the function returned."""
    kept = {}

    def keep():
        try:
            kept["result"] = call()
        except BaseException as error:
            kept["error"] = error

    thread = threading.Thread(target=keep)
    thread.start()

    def result():
        thread.join(300)
        assert not thread.is_alive(), "the run hangs"
        if "error" in kept:
            raise kept["error"]
        return kept["result"]

    return thread, result


def test_all_images_are_done_though_a_worker_is_killed(tmp_path):
    source, target = tmp_path / "source", tmp_path / "target"
    good = make_tree(source, 300)
    sample = (ROOT / "assets/sample.png").read_bytes()
    bad = {"cut.png": sample[:5000], "a b/text.jpeg": b"not an image", "empty.tif": b""}
    for name, data in bad.items():
        (source / name).write_bytes(data)

    thread, result = in_background(lambda: heirloom.ray.encode_files(source, target, 40, progress=False))
    killed = False
    while thread.is_alive() and not killed:
        if 100 <= len(results(target)) <= 200 and (busy := working()):
            os.kill(busy[0].pid, signal.SIGKILL)
            killed = True
        # Whatever has its final name is whole, all the time.
        for name in list(results(target))[-5:]:
            heirloom.info(target / name)
        time.sleep(0.01)
    report = result()
    assert killed and report.lost_workers == 1

    assert (report.done, report.skipped) == (300, 0)
    assert {(failed.path, failed.error) for failed in report.failed} == {
        ("cut.png", "DamagedError"),
        ("a b/text.jpeg", "UnsupportedError"),
        ("empty.tif", "DamagedError"),
    }
    assert all(failed.message for failed in report.failed)
    before = results(target)
    assert set(before) == {f"{path}.hlm" for path in good}
    for path in good:
        assert (target / f"{path}.hlm").read_bytes() == heirloom.files.encode((source / path).read_bytes(), 40)
        assert before[f"{path}.hlm"] == (source / path).stat().st_mtime_ns
    assert report.bytes_read == sum((source / path).stat().st_size for path in good)
    assert report.bytes_written == sum((target / path).stat().st_size for path in before)
    assert report.pixels == 300 * 40 * 56 and report.images_per_second > 0
    assert private(target) == ["report.json", "settings.json"], "nothing unfinished is left"

    # A second run does nothing but try the bad ones again.
    report = heirloom.ray.encode_files(source, target, 40, progress=False)
    assert (report.done, report.skipped, len(report.failed)) == (0, 300, 3)
    assert results(target) == before
    # One that has changed is done again.
    (source / good[7]).write_bytes(sample)
    report = heirloom.ray.encode_files(source, target, 40, progress=False)
    assert (report.done, report.skipped) == (1, 299)
    assert heirloom.info(target / f"{good[7]}.hlm").shape == (384, 512, 3)

    # And back.
    report = heirloom.ray.decode_files(target, tmp_path / "decoded", "ppm", scale=1 / 2, progress=False)
    assert report.done == 300 and not report.failed
    decoded = (tmp_path / "decoded" / f"{good[0]}.ppm").read_bytes()
    assert decoded == heirloom.files.decode((target / f"{good[0]}.hlm").read_bytes(), "ppm", scale=1 / 2)


def test_an_image_that_always_ends_its_worker_is_reported(tmp_path):
    make_tree(tmp_path / "source", 3)
    thread, result = in_background(
        lambda: heirloom.ray.encode_files(tmp_path / "source", tmp_path / "target", retries=1, progress=False)
    )
    while thread.is_alive():
        for process in working():
            try:
                process.kill()
            except psutil.NoSuchProcess:
                pass
    report = result()
    assert report.done + len(report.failed) == 3 and report.lost_workers >= 1
    assert {failed.error for failed in report.failed} <= {"WorkerCrashedError", "LocalRayletDiedError"}
    for name in results(tmp_path / "target"):
        heirloom.info(tmp_path / "target" / name)
    report = heirloom.ray.encode_files(tmp_path / "source", tmp_path / "target", progress=False)
    assert report.done + report.skipped == 3 and not report.failed
    assert private(tmp_path / "target") == ["report.json", "settings.json"]


def test_trees_are_the_commands(tmp_path):
    make_tree(tmp_path / "source", 12)
    heirloom.ray.encode_files(tmp_path / "source", tmp_path / "a", 60, progress=False)
    run_command("encode", "--quiet", "-r", "-q", 60, "-o", tmp_path / "b", tmp_path / "source")
    heirloom.ray.decode_files(tmp_path / "a", tmp_path / "c", progress=False)
    run_command("decode", "--quiet", "-r", "-o", tmp_path / "d", tmp_path / "b")
    for ours, theirs in (("a", "b"), ("c", "d")):
        names = {name: time for name, time in results(tmp_path / theirs).items() if name != ".heirloom-journal"}
        assert results(tmp_path / ours) == names and len(names) == 12
        for name in names:
            assert (tmp_path / ours / name).read_bytes() == (tmp_path / theirs / name).read_bytes()


def test_targets_are_refused_that_hold_something_else(tmp_path):
    source, target = tmp_path / "source", tmp_path / "source/target"
    make_tree(source, 2)
    call = heirloom.ray.encode_files
    assert call(source, target, 30, progress=False).done == 2
    assert call(source, target, 30, progress=False).skipped == 2, "the target within the source is not taken for images"
    with pytest.raises(heirloom.BadParameterError, match=r"other settings \(quality\)"):
        call(source, target, 31, progress=False)
    with pytest.raises(heirloom.BadParameterError, match="lies in the target"):
        call(source / "größer", source, progress=False)
    (tmp_path / "other").mkdir()
    (tmp_path / "other/file").write_text("precious")
    with pytest.raises(heirloom.BadParameterError, match="not of an earlier run"):
        call(source, tmp_path / "other", progress=False)
    with pytest.raises(heirloom.BadParameterError, match="lies in the target"):
        call(source, source, progress=False)
    with pytest.raises(FileNotFoundError, match="missing"):
        call(tmp_path / "missing", tmp_path / "new", progress=False)
    for wrong in ({"quality": 101}, {"lam": -1}):
        with pytest.raises(heirloom.BadParameterError):
            call(source, tmp_path / "new", progress=False, **wrong)
    with pytest.raises(heirloom.BadParameterError, match="gif"):
        heirloom.ray.decode_files(source, tmp_path / "new", "gif")
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("kind", ["subtree", "fsspec", "uri"])
def test_other_file_systems(kind, tmp_path):
    paths = make_tree(tmp_path / "source", 5)
    if kind == "uri":
        arguments = ((tmp_path / "source").as_uri(), (tmp_path / "target").as_uri())
        options = {}
    else:
        if kind == "subtree":
            filesystem, prefix = pyarrow.fs.SubTreeFileSystem(str(tmp_path), pyarrow.fs.LocalFileSystem()), ""
        else:
            from fsspec.implementations.local import LocalFileSystem

            filesystem, prefix = LocalFileSystem(), f"{tmp_path}/"
        arguments = (f"{prefix}source", f"{prefix}target")
        options = {"source_filesystem": filesystem, "target_filesystem": filesystem}
    # The second run is of another kind of path.
    assert heirloom.ray.encode_files(*arguments, progress=False, **options).done == 5
    assert set(results(tmp_path / "target")) == {f"{path}.hlm" for path in paths}
    for path in paths:
        expected = heirloom.files.encode((tmp_path / "source" / path).read_bytes())
        assert (tmp_path / "target" / f"{path}.hlm").read_bytes() == expected
    assert heirloom.ray.encode_files(*arguments, progress=False, **options).skipped == 5
    assert private(tmp_path / "target") == ["report.json", "settings.json"]


def test_models_and_notes(tmp_path, capsys):
    source = tmp_path / "source"
    source.mkdir()
    frames = [Image.fromarray(make_image(32, 40, seed=seed)) for seed in range(3)]
    frames[0].save(source / "a.gif", save_all=True, append_images=frames[1:])
    frames[0].save(source / "b.png")
    model = next((ROOT / "crates/default-model").rglob("*.safetensors"))
    report = heirloom.ray.encode_files(source, tmp_path / "a", model=model)
    assert report.done == 2 and sum(report.notes.values()) == 1 and "frames" in next(iter(report.notes))
    assert str(report) in capsys.readouterr().err
    report = heirloom.ray.encode_files(source, tmp_path / "b", strict=True, progress=False)
    assert report.done == 1 and report.failed[0].path == "a.gif" and report.failed[0].error == "UnsupportedError"
    assert (tmp_path / "a/b.png.hlm").read_bytes() == (tmp_path / "b/b.png.hlm").read_bytes()


def test_actors_of_ray_data(tmp_path):
    paths = make_tree(tmp_path, 8)
    (tmp_path / "bad.png").write_bytes(b"not an image")
    Image.fromarray(make_image(30, 44, 2)).save(tmp_path / "grey.png")
    kinds = ["png", "JPG", "jpg"]
    files = ray.data.read_binary_files(str(tmp_path), include_paths=True, file_extensions=kinds)
    encoded = files.map_batches(
        heirloom.ray.Encoder, fn_constructor_kwargs={"quality": 60}, **ONE
    )
    decoded = encoded.map_batches(
        heirloom.ray.Decoder, fn_constructor_kwargs={"column": "heirloom", "error": "second"}, **ONE
    )
    rows = {Path(row["path"]).relative_to(tmp_path).as_posix(): row for row in decoded.take_all()}
    assert set(rows) == {*paths, "bad.png", "grey.png"}
    for path in paths:
        data = heirloom.files.encode((tmp_path / path).read_bytes(), 60)
        assert rows[path]["heirloom"] == data and not rows[path]["error"] and not rows[path]["second"]
        assert np.array_equal(rows[path]["image"], heirloom.decode(data))
    assert rows["bad.png"]["error"].startswith("UnsupportedError: ") and rows["bad.png"]["heirloom"] == b""
    assert rows["bad.png"]["second"] and rows["bad.png"]["image"].size == 0
    grey = heirloom.decode(rows["grey.png"]["heirloom"])
    assert np.array_equal(rows["grey.png"]["image"], np.repeat(grey[..., :1], 3, axis=2))

    images = ray.data.read_images(str(tmp_path / "größer"), mode="RGB")
    arrays = images.map_batches(
        heirloom.ray.Encoder, fn_constructor_kwargs={"column": "image", "lossless": True}, **ONE
    )
    for row in arrays.take_all():
        assert np.array_equal(heirloom.decode(row["heirloom"]), row["image"])
