"""Hands the files of a tree to the workers of Ray, and gathers what became of them."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, NamedTuple

import ray
from pyarrow import fs

from ._report import Progress, Report
from ._trees import PRIVATE, items
from ._work import Outcome, work_on

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ._trees import Item
    from ._work import Work

# Files of a task: enough to read ahead, few enough that the last tasks end at about the same time.
_BATCH = 8
# Seconds between two looks at how many processors there are.
_LOOK = 10
# What says that a worker has ended, or all of its machine. Other errors are no image's fault, and end the run.
_LOST = (
    ray.exceptions.WorkerCrashedError,
    ray.exceptions.OutOfMemoryError,
    ray.exceptions.NodeDiedError,
    ray.exceptions.LocalRayletDiedError,
    ray.exceptions.ObjectLostError,
)


class _Task(NamedTuple):
    items: "list[Item]"
    # How often a worker has ended while it had these files.
    lost: int = 0


def run(
    work: "Work",
    name: "Callable[[str], str | None]",
    settings: "dict[str, Any]",
    model: "bytes | None",
    retries: int,
    progress: bool,
    task_options: "dict[str, Any] | None",
) -> Report:
    """Does the work on all files that `name` has a result's name for."""
    begin = time.monotonic()
    if work.source.filesystem.get_file_info(work.source.path).type != fs.FileType.Directory:
        raise FileNotFoundError(f"{work.source.path} is no folder, or cannot be seen from here")
    work.target.claim(settings, work.run)
    if not ray.is_initialized():
        ray.init()
    report, shown = Report(), Progress(progress)
    try:
        for outcome in _outcomes(work, name, model, retries, task_options or {}, report):
            report.add(outcome)
            report.seconds = time.monotonic() - begin
            shown.show(report)
    finally:
        work.target.leave(work.run)
    report.seconds = time.monotonic() - begin
    shown.end(report)
    work.target.write(f"{PRIVATE}/report.json", report.json(), work.run)
    work.target.leave(work.run)
    return report


def _outcomes(
    work: "Work",
    name: "Callable[[str], str | None]",
    model: "bytes | None",
    retries: int,
    task_options: "dict[str, Any]",
    report: Report,
) -> "Iterator[Outcome]":
    """What became of each file, in any order. Files that are done already are counted in the report."""
    # A worker that ends is dealt with below: Ray would do all files of its task again, and give them up together.
    remote = ray.remote(work_on).options(**{"num_cpus": 1, **task_options, "max_retries": 0})
    shared = ray.put(work), ray.put(model)
    fresh = _tasks(work, name, report)
    again: "list[_Task]" = []
    running: "dict[Any, _Task]" = {}
    limit, looked = 0, 0.0
    try:
        while True:
            if time.monotonic() - looked > _LOOK:
                # The cluster may grow, and does so for tasks that wait.
                limit, looked = 2 * int(ray.cluster_resources().get("CPU", 1)) + 2, time.monotonic()
            while len(running) < limit and (task := again.pop() if again else next(fresh, None)) is not None:
                running[remote.remote(shared[0], task.items, shared[1])] = task
            if not running:
                return
            ready, _ = ray.wait(list(running), timeout=_LOOK)
            for reference in ready:
                task = running.pop(reference)
                try:
                    yield from ray.get(reference)
                except _LOST as error:
                    report.lost_workers += 1
                    if len(task.items) > 1 or task.lost < retries:
                        # One by one, since one of them may be what ends workers.
                        again.extend(_Task([item], task.lost + 1) for item in task.items)
                    else:
                        reason = f"its worker ended {task.lost + 1} times: {str(error).splitlines()[0]}"
                        yield Outcome(task.items[0], error=(type(error).__name__, reason))
    finally:
        for reference in running:
            ray.cancel(reference, force=True)


def _tasks(work: "Work", name: "Callable[[str], str | None]", report: Report) -> "Iterator[_Task]":
    batch: "list[Item]" = []
    for item, done in items(work.source, work.target, name):
        if done:
            report.skipped += 1
            continue
        batch.append(item)
        if len(batch) == _BATCH:
            yield _Task(batch)
            batch = []
    if batch:
        yield _Task(batch)
