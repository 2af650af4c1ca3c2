//! Time of the whole command, from the start of the process to the written file, and the memory it
//! takes:
//!
//!     cargo bench -p heirloom-cli --bench command [-- --rounds 5 --threads 2]
//!
//! Photographs of 0.4 to 24 megapixels, PNG to .hlm to PNG, with the default model and quality.
//! Each round runs every size once in either direction. Memory is the high-water mark of resident
//! pages that Linux keeps for a process, read every two milliseconds in runs of their own.

use std::error::Error;
use std::fs::{self, File};
use std::io::BufWriter;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

#[path = "../../codec/benches/sample/mod.rs"]
mod sample;

const SIZES: [(u32, u32); 4] = [(768, 512), (1536, 1024), (3072, 2048), (6000, 4000)];

type Answer<T> = Result<T, Box<dyn Error>>;

fn main() -> Answer<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let option = |flag: &str| arguments.iter().position(|a| a == flag).and_then(|i| arguments.get(i + 1));
    // Cargo leaves `--bench` out when it tests; the smallest image is enough then.
    let testing = !arguments.iter().any(|argument| argument == "--bench");
    let rounds: usize = if testing { 1 } else { option("--rounds").map_or(Ok(5), |rounds| rounds.parse())?.max(1) };
    let folder = tempfile::tempdir()?;
    let sizes = if testing { &SIZES[..1] } else { &SIZES };
    let cases = sizes.iter().map(|&size| Case::new(folder.path(), size)).collect::<Answer<Vec<_>>>()?;
    let run = |arguments: [&Path; 3], verb: &str| -> Answer<Child> {
        let mut command = Command::new(env!("CARGO_BIN_EXE_heirloom"));
        command.arg(verb).args(arguments).args(["--force", "--quiet"]).stdout(Stdio::null());
        command.args(option("--threads").iter().flat_map(|threads| ["--threads", threads]));
        // The user's store could hold another model.
        Ok(command.env("HEIRLOOM_MODELS", folder.path().join("models")).spawn()?)
    };
    let encode = |case: &Case| run([&case.png, "-o".as_ref(), &case.coded], "encode");
    let decode = |case: &Case| run([&case.coded, "-o".as_ref(), &case.decoded], "decode");

    let memory: Vec<[Option<u64>; 2]> =
        cases.iter().map(|case| Ok([peak(encode(case)?)?, peak(decode(case)?)?])).collect::<Answer<_>>()?;
    let mut times = vec![[const { Vec::new() }; 2]; cases.len()];
    for _ in 0..rounds {
        for (case, [encodings, decodings]) in cases.iter().zip(&mut times) {
            encodings.push(time(|| encode(case))?);
            decodings.push(time(|| decode(case))?);
        }
    }

    println!("medians of {rounds} rounds; 'growth' is the time of a pixel over that of one of the smallest image\n");
    println!("| image | way | seconds | least | ns a pixel | growth | peak memory | bytes a pixel |");
    println!("|---|---|---|---|---|---|---|---|");
    for (way, name) in ["encode", "decode"].iter().enumerate() {
        let each = |i: usize| median(&times[i][way]) / cases[i].pixels();
        for (i, case) in cases.iter().enumerate() {
            let (seconds, of) = (median(&times[i][way]), &times[i][way]);
            let least = of.iter().copied().fold(f64::INFINITY, f64::min);
            let (nanoseconds, growth) = (1e9 * each(i), each(i) / each(0));
            let peak = memory[i][way].map_or("unknown | –".to_owned(), |bytes| {
                format!("{} MiB | {:.1}", bytes >> 20, bytes as f64 / case.pixels())
            });
            let (width, height) = case.size;
            println!(
                "| {width} × {height} | {name} | {seconds:.3} | {least:.3} | {nanoseconds:.0} | {growth:.2} | {peak} |"
            );
        }
    }
    Ok(())
}

/// An image and its files.
struct Case {
    size: (u32, u32),
    png: PathBuf,
    coded: PathBuf,
    decoded: PathBuf,
}

impl Case {
    fn new(folder: &Path, size @ (width, height): (u32, u32)) -> Answer<Case> {
        let path = |end: &str| folder.join(format!("{width}x{height}{end}"));
        let case = Case { size, png: path(".png"), coded: path(".hlm"), decoded: path("-decoded.png") };
        let mut encoder = png::Encoder::new(BufWriter::new(File::create(&case.png)?), width, height);
        encoder.set_color(png::ColorType::Rgb);
        encoder.set_compression(png::Compression::Fast);
        let mut writer = encoder.write_header()?;
        writer.write_image_data(&sample::photograph(width, height)?)?;
        writer.finish()?;
        Ok(case)
    }

    fn pixels(&self) -> f64 {
        f64::from(self.size.0) * f64::from(self.size.1)
    }
}

/// Wall time of a process, in seconds.
fn time(start: impl FnOnce() -> Answer<Child>) -> Answer<f64> {
    let begin = Instant::now();
    let status = start()?.wait()?;
    let seconds = begin.elapsed().as_secs_f64();
    if status.success() { Ok(seconds) } else { Err(format!("the command failed: {status}").into()) }
}

/// Peak of the resident memory of a process in bytes; `None` where the system does not tell.
fn peak(mut process: Child) -> Answer<Option<u64>> {
    let status = format!("/proc/{}/status", process.id());
    let mut peak = None;
    loop {
        if let Some(status) = process.try_wait()? {
            return if status.success() { Ok(peak) } else { Err(format!("the command failed: {status}").into()) };
        }
        let text = fs::read_to_string(&status).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kibibytes = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok());
        peak = kibibytes.map(|n| n << 10).or(peak);
        std::thread::sleep(Duration::from_millis(2));
    }
}

fn median(values: &[f64]) -> f64 {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
