"""Threads, processes, memory, and how long an import takes."""

import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import heirloom
from conftest import make_image, run_python

forks = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
needs_proc = pytest.mark.skipif(not os.path.exists("/proc/self/status"), reason="no /proc here")


def environment(**variables):
    """This environment without what says how many threads there are."""
    names = ("HEIRLOOM_THREADS", "OMP_NUM_THREADS", "HEIRLOOM_MODELS")
    return {name: value for name, value in os.environ.items() if name not in names} | variables


def test_8_threads_at_once():
    images = [make_image(96, 96, seed=seed) for seed in range(8)]
    files = [heirloom.encode(image) for image in images]
    expected = [heirloom.decode(data) for data in files]

    def work(number):
        for step in range(6):
            assert np.array_equal(heirloom.decode(files[number]), expected[number])
            if step == 0:
                assert heirloom.encode(images[number]) == files[number]
        return True

    with ThreadPoolExecutor(8) as threads:
        assert all(threads.map(work, range(8), timeout=300))


def test_other_threads_run_meanwhile():
    data = heirloom.encode(make_image(512, 512))
    heirloom.decode(data)
    steps, done = [0], threading.Event()

    def count():
        while not done.is_set():
            steps[0] += 1
            done.wait(0.001)

    counter = threading.Thread(target=count)
    counter.start()
    before = steps[0]
    for _ in range(5):
        heirloom.decode(data)
    counted = steps[0] - before
    done.set()
    counter.join()
    assert counted >= 5


def test_number_of_threads():
    code = "import heirloom; print(heirloom.threads())"
    cores = str(len(os.sched_getaffinity(0))) if hasattr(os, "sched_getaffinity") else None
    if cores:
        assert int(run_python(code, env=environment())) <= int(cores)
    assert run_python(code, env=environment(HEIRLOOM_THREADS="3")) == "3"
    assert run_python(code, env=environment(OMP_NUM_THREADS="5,2")) == "5"
    assert run_python(code, env=environment(OMP_NUM_THREADS="5", HEIRLOOM_THREADS="2")) == "2"
    call = "import heirloom; heirloom.set_threads(4); print(heirloom.threads())"
    assert run_python(call, env=environment(HEIRLOOM_THREADS="2")) == "4"
    wrong = "import heirloom\ntry: heirloom.threads()\nexcept heirloom.BadParameterError as error: print(error)"
    assert "'many'" in run_python(wrong, env=environment(HEIRLOOM_THREADS="many"))
    with pytest.raises(heirloom.BadParameterError):
        heirloom.set_threads(0)


def test_set_threads_changes_the_pool(image):
    expected = heirloom.encode(image)
    before = heirloom.threads()
    try:
        for count in (1, 3):
            heirloom.set_threads(count)
            assert heirloom.threads() == count and heirloom.encode(image) == expected
    finally:
        heirloom.set_threads(None)
    assert heirloom.threads() == before


IN_WORKERS = """
import multiprocessing, sys, hashlib
import numpy as np, heirloom

def work(data):
    return heirloom.threads(), hashlib.sha256(heirloom.decode(data).tobytes()).hexdigest()

if __name__ == "__main__":
    image = np.arange(96 * 96 * 3, dtype=np.uint32).reshape(96, 96, 3).astype(np.uint8)
    data = heirloom.encode(image)
    here = work(data)[1]
    with multiprocessing.get_context(sys.argv[1]).Pool(2) as pool:
        results = pool.map(work, [data] * 6)
    print(all(digest == here for _, digest in results), {threads for threads, _ in results})
"""


@pytest.mark.parametrize("method", [pytest.param("fork", marks=forks), "spawn"])
def test_workers_have_one_thread_each(method, tmp_path):
    script = tmp_path / "workers.py"
    script.write_text(IN_WORKERS)
    # A file, since `spawn` imports it.
    done = subprocess.run(
        [sys.executable, script, method], capture_output=True, text=True, timeout=300, env=environment()
    )
    assert done.stdout.strip() == "True {1}", done.stderr


FORK_WHILE_BUSY = """
import os, sys, threading, time
import numpy as np, heirloom

data = heirloom.encode(np.arange(200 * 200, dtype=np.uint32).reshape(200, 200).astype(np.uint8), 90)
expected = heirloom.decode(data)
stop = threading.Event()

def busy():
    while not stop.is_set():
        heirloom.decode(data)

threads = [threading.Thread(target=busy) for _ in range(3)]
[thread.start() for thread in threads]
children = []
for _ in range(8):
    time.sleep(0.02)
    child = os.fork()
    if child == 0:
        good = np.array_equal(heirloom.decode(data), expected) and heirloom.threads() == 1
        heirloom.set_threads(2)
        good = good and np.array_equal(heirloom.decode(data), expected)
        os._exit(0 if good else 1)
    children.append(child)
statuses = [os.waitpid(child, 0)[1] for child in children]
stop.set()
[thread.join() for thread in threads]
print(statuses == [0] * 8 and np.array_equal(heirloom.decode(data), expected))
"""


@forks
def test_fork_while_other_threads_decode():
    assert run_python(FORK_WHILE_BUSY, env=environment(), timeout=200) == "True"


FIRST_USE_BY_FORK = """
import os, threading
import numpy as np, heirloom

# The model is unpacked by one thread while another one forks.
threads = [threading.Thread(target=lambda: heirloom.encode(np.zeros((64, 64), np.uint8))) for _ in range(2)]
[thread.start() for thread in threads]
child = os.fork()
if child == 0:
    os._exit(0 if heirloom.decode(heirloom.encode(np.zeros((64, 64), np.uint8))).shape == (64, 64) else 1)
print(os.waitpid(child, 0)[1])
[thread.join() for thread in threads]
"""


@forks
def test_fork_while_the_model_is_unpacked():
    # What goes wrong here does so seldom.
    for _ in range(12):
        assert run_python(FIRST_USE_BY_FORK, env=environment(), timeout=100) == "0"


MEMORY = """
import sys
import numpy as np, heirloom

def resident():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))

image = (np.arange(128 * 128 * 3) % 251).astype(np.uint8).reshape(128, 128, 3)
data = heirloom.encode(image)
small = heirloom.encode(image[:40, :30])
damaged = data[:-1]
def step():
    heirloom.decode(data)
    heirloom.decode(small)
    heirloom.info(data)
    try: heirloom.decode(damaged)
    except heirloom.CutShortError: pass
for _ in range(60): step()
before = resident()
for _ in range(int(sys.argv[1])): step()
print(resident() - before)
"""


@needs_proc
def test_memory_is_flat():
    # 250 arrays of 48 KiB would be 12 MiB.
    assert int(run_python(MEMORY, 250, env=environment())) < 6 << 10


IMPORT = """
import time
begin = time.process_time()
import heirloom
print(time.process_time() - begin)
"""


def test_importing_takes_a_tenth_of_a_second():
    # Time of the processor: other processes do not count. The best of a few runs.
    assert min(float(run_python(IMPORT)) for _ in range(5)) <= 0.1


def test_the_model_store_is_used_as_by_the_command(tmp_path, image):
    model = heirloom.Model("default")
    # A file in the store that is no model is left out.
    (tmp_path / "broken.safetensors").write_bytes(b"no model")
    code = "import sys, heirloom; print(len(heirloom.models()), heirloom.decode(sys.argv[1]).shape)"
    (tmp_path / "a.hlm").write_bytes(heirloom.encode(image, model=model))
    assert run_python(code, tmp_path / "a.hlm", env=environment(HEIRLOOM_MODELS=str(tmp_path))) == "1 (96, 144, 3)"
