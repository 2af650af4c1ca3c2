#!/usr/bin/env bash
# Uses the library as a stranger would, and compares its speed with the command's: scripts/stranger.sh [ROUNDS]
#
# Makes a project outside the workspace with `cargo new`, one path dependency on crates/heirloom and no profile of its own.
# It encodes and decodes the sample photograph in turn with the command; both are whole processes that read and write PPM and
# .hlm files, and must write the same bytes. Fails if the library has less than 0.9 times the command's speed.
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD
rounds=${1:-9}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

cargo build --quiet --release --locked -p heirloom-cli
cargo new --quiet --vcs none --name stranger "$folder/stranger"
cp Cargo.lock "$folder/stranger/" # the same versions of everything else
echo "heirloom = { path = \"$root/crates/heirloom\" }" >>"$folder/stranger/Cargo.toml"
cat >"$folder/stranger/src/main.rs" <<'END'
use heirloom::{EncodeOptions, Image, PixelFormat};
use std::{env, fs};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let [verb, input, output] = env::args().skip(1).collect::<Vec<_>>().try_into().expect("three arguments");
    let bytes = fs::read(input)?;
    if verb == "encode" {
        // A PPM whose header is three lines.
        let lines: Vec<&[u8]> = bytes.splitn(4, |&byte| byte == b'\n').collect();
        let (width, height) = std::str::from_utf8(lines[1])?.split_once(' ').expect("a width and a height");
        let image = Image::new(width.parse()?, height.parse()?, PixelFormat::Rgb8, lines[3].to_vec())?;
        fs::write(output, heirloom::encode(&image, &EncodeOptions::default())?)?;
    } else {
        let image = heirloom::decode(&bytes)?;
        let header = format!("P6\n{} {}\n255\n", image.width(), image.height());
        fs::write(output, [header.as_bytes(), image.data()].concat())?;
    }
    Ok(())
}
END
CARGO_TARGET_DIR=$root/target/stranger cargo build --quiet --release --manifest-path "$folder/stranger/Cargo.toml"

# No store of the user's, which could hold another model.
export HEIRLOOM_MODELS=$folder/models
target/release/heirloom encode --quiet assets/sample.png -o "$folder/sample.hlm"
target/release/heirloom decode --quiet "$folder/sample.hlm" -o "$folder/tile.ppm"
python3 - "$root/target" "$folder" "$rounds" <<'END'
import statistics
import subprocess
import sys
import time
from pathlib import Path

target, folder, rounds = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
programs = {"command": target / "release/heirloom", "library": target / "stranger/release/stranger"}


def run(name, verb, source, result):
    result = folder / f"{name}-{result}"
    call = [programs[name], verb, folder / source]
    call += ["-o", result, "--force", "--quiet"] if name == "command" else [result]
    begin = time.perf_counter()
    subprocess.run(call, check=True)
    return time.perf_counter() - begin


# Nine copies of the photograph, so that starting a process matters little.
magic, size, depth, pixels = (folder / "tile.ppm").read_bytes().split(b"\n", 3)
width, height = map(int, size.split())
rows = [3 * pixels[3 * width * y : 3 * width * (y + 1)] for y in range(height)]
(folder / "large.ppm").write_bytes(b"P6\n%d %d\n255\n" % (3 * width, 3 * height) + b"".join(3 * rows))

slow = False
for verb, source, result in [("encode", "large.ppm", "out.hlm"), ("decode", "command-out.hlm", "out.ppm")]:
    for name in programs:  # warm caches
        run(name, verb, source, result)
    outputs = [(folder / f"{name}-{result}").read_bytes() for name in programs]
    if outputs[0] != outputs[1]:
        sys.exit(f"{verb}: command and library write different bytes")
    times = [{name: run(name, verb, source, result) for name in programs} for _ in range(rounds)]
    command, library = (statistics.median(t[name] for t in times) for name in programs)
    ratio = statistics.median(t["command"] / t["library"] for t in times)
    slow |= ratio < 0.9
    print(f"{verb}: command {command:.3f} s, library {library:.3f} s, the library has {ratio:.2f} times the command's speed")
sys.exit("the library is too slow: 0.9 is needed" if slow else 0)
END
