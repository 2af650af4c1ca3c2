"""The command in the wheel, and that it and the library do the same."""

import signal
import subprocess
import sys
import sysconfig
from pathlib import Path

import numpy as np
import pytest

import heirloom
from conftest import FORMATS, make_image, run_command

TUPLE_TYPES = {1: "GRAYSCALE", 2: "GRAYSCALE_ALPHA", 3: "RGB", 4: "RGB_ALPHA"}


def write_pam(path, image):
    """Writes a PAM file, which holds every pixel format."""
    height, width, channels = image.shape if image.ndim == 3 else (*image.shape, 1)
    maximum = np.iinfo(image.dtype).max
    header = f"P7\nWIDTH {width}\nHEIGHT {height}\nDEPTH {channels}\nMAXVAL {maximum}\n"
    header += f"TUPLTYPE {TUPLE_TYPES[channels]}\nENDHDR\n"
    path.write_bytes(header.encode() + image.astype(image.dtype.newbyteorder(">")).tobytes())


def read_pnm(path):
    """Reads a binary PGM, PPM or PAM file as the command writes it."""
    data = path.read_bytes()
    if data[:2] == b"P7":
        header, data = data.split(b"ENDHDR\n", 1)
        fields = dict(line.split(b" ", 1) for line in header.splitlines()[1:] if b" " in line)
        width, height, channels, maximum = (int(fields[key]) for key in (b"WIDTH", b"HEIGHT", b"DEPTH", b"MAXVAL"))
    else:
        kind, width, height, maximum = data.split(maxsplit=4)[:4]
        start = data.index(maximum, len(kind) + len(width) + len(height) + 2) + len(maximum) + 1
        data, channels = data[start:], {b"P5": 1, b"P6": 3}[kind]
        width, height, maximum = int(width), int(height), int(maximum)
    dtype = np.dtype(">u2" if maximum > 255 else "u1")
    image = np.frombuffer(data, dtype).astype(dtype.newbyteorder("="))
    return image.reshape((height, width) if channels == 1 else (height, width, channels))


def test_200_images_are_the_commands_to_the_bit(tmp_path):
    rng = np.random.default_rng(20)
    quality = {}
    for number in range(200):
        channels, dtype = FORMATS[number % 8]
        height, width = rng.integers(1, 90, 2)
        write_pam(tmp_path / f"{number}.pam", make_image(height, width, channels, dtype, number))
        quality[number] = (0, 35, 50, 90, 100)[number // 8 % 5]
    for q in sorted(set(quality.values())):
        names = [tmp_path / f"{number}.pam" for number in quality if quality[number] == q]
        run_command("encode", "--quiet", "-q", q, "-o", f"{tmp_path}/", *names)
    run_command("decode", "--quiet", "--format", "ppm", "-o", f"{tmp_path}/", *(tmp_path / f"{n}.hlm" for n in quality))
    for number, q in quality.items():
        image = read_pnm(tmp_path / f"{number}.pam")
        data = (tmp_path / f"{number}.hlm").read_bytes()
        assert heirloom.encode(image, q) == data, (number, image.shape, image.dtype)
        decoded = heirloom.decode(data)
        expected = read_pnm(tmp_path / f"{number}.ppm")
        assert decoded.dtype == expected.dtype and np.array_equal(decoded, expected), (number, image.shape, image.dtype)


def test_options_mean_the_same(tmp_path, image):
    write_pam(tmp_path / "a.pam", image)
    options = [
        (["--lambda", "200"], {"lam": 200}),
        (["--target-size", "2000"], {"target_size": 2000}),
        (["--target-psnr", "34"], {"target_psnr": 34}),
        (["--lossless=always", "--keep-hidden-colour"], {"lossless": True}),
        (["--lossless=never"], {"lossless": False}),
        (["--effort", "2"], {"effort": 2}),
    ]
    for flags, arguments in options:
        run_command("encode", "--quiet", "--force", *flags, "-o", tmp_path / "a.hlm", tmp_path / "a.pam")
        assert heirloom.encode(image, **arguments) == (tmp_path / "a.hlm").read_bytes(), flags
    for flags, arguments in [
        (["--crop", "20,10,70,60"], {"crop": (20, 10, 70, 60)}),
        (["--crop", "20,10,70,60", "--scale", "1/4"], {"crop": (20, 10, 70, 60), "scale": 1 / 4}),
        (["--scale", "1/8", "--quick"], {"scale": 1 / 8, "quick": True}),
        (["--exact"], {"exact": True}),
    ]:
        run_command("decode", "--quiet", "--force", *flags, "-o", tmp_path / "b.ppm", tmp_path / "a.hlm")
        assert np.array_equal(heirloom.decode(tmp_path / "a.hlm", **arguments), read_pnm(tmp_path / "b.ppm")), flags


def test_the_command_is_on_the_path_and_reports_as_it_should(tmp_path):
    script = Path(sysconfig.get_path("scripts")) / "heirloom"
    version = subprocess.run([script, "--version"], capture_output=True, text=True, check=True).stdout
    assert version == run_command("--version") == f"heirloom {heirloom.__version__}\n"
    (tmp_path / "no.hlm").write_bytes(b"no file of this kind")
    assert "no.hlm" in run_command("info", tmp_path / "no.hlm", status=4)
    assert "missing.hlm" in run_command("info", tmp_path / "missing.hlm", status=1)
    run_command("encode", status=2)


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_the_command_ends_when_interrupted():
    command = [sys.executable, "-m", "heirloom", "encode", "-"]

    def heed():
        # Whoever runs these tests in the background may have them ignore signals, which children inherit.
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_DFL)

    pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    process = subprocess.Popen(command, preexec_fn=heed, **pipes)
    # More than a pipe holds: once it is written, the command is at work.
    process.stdin.write(bytes(1 << 20))
    process.stdin.flush()
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=60) == 130
