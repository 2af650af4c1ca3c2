// What the tests share: where things are, hashes, and the fixtures of the native build.

import { readFileSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { blake3 } from '@noble/hashes/blake3';
import { bytesToHex } from '@noble/hashes/utils';

export const root = join(dirname(fileURLToPath(import.meta.url)), '../..');
export const npm = join(root, 'crates/web/npm/dist');
export const dist = join(root, 'web/dist');
/** Written by `cargo run -p heirloom-web --example fixtures`. */
export const fixtures = process.env.HEIRLOOM_FIXTURES ?? join(root, 'target/web/fixtures');

export const read = (...path) => new Uint8Array(readFileSync(join(...path)));
export const json = (...path) => JSON.parse(readFileSync(join(...path), 'utf8'));
export const hash = (bytes) => bytesToHex(blake3(bytes));

/** The bytes of samples; those of 16 bits little endian. */
export const bytesOf = (data) => new Uint8Array(data.buffer, data.byteOffset, data.byteLength);

/** Hash of metadata as conformance/README.md describes it, null without any. */
export function metadataHash({ icc, exif, xmp, cicp, resolution } = {}) {
  const parts = [icc, exif, xmp, cicp && Uint8Array.from(cicp), resolution && numbers(resolution)].filter(Boolean);
  return parts.length ? hash(Buffer.concat(parts)) : null;
}

function numbers([x, y, metre]) {
  const bytes = Buffer.alloc(9);
  bytes.writeUInt32LE(x, 0);
  bytes.writeUInt32LE(y, 4);
  bytes[8] = metre;
  return bytes;
}

/** The generation id of a model file, from the metadata at its beginning. */
function generationId(model) {
  const length = Number(new DataView(model.buffer).getBigUint64(0, true));
  const header = JSON.parse(new TextDecoder().decode(model.subarray(8, 8 + length)));
  return JSON.parse(header.__metadata__.heirloom).lineage.generation_id;
}

/** The model file of the package, which lacks its encoder. */
export const packagedModel = () => new Uint8Array(gunzipSync(read(npm, 'model/decoder.safetensors.gz')));

/** The conformance set of the default model: its folder and its files. */
export function conformance() {
  const id = generationId(packagedModel());
  const sets = readdirSync(join(root, 'conformance'), { withFileTypes: true }).filter((entry) => entry.isDirectory());
  for (const { name } of sets) {
    const folder = join(root, 'conformance', name);
    const manifest = json(folder, 'manifest.json');
    if (manifest.generation_id === id) return { folder, files: manifest.files };
  }
  throw new Error(`no conformance set of generation ${id}`);
}

/** Numbers of a linear congruential generator, so that every run makes the same files. */
export function random(seed) {
  let state = BigInt(seed);
  return (end) => {
    state = (state * 6364136223846793005n + 1442695040888963407n) & 0xffffffffffffffffn;
    return Number(state >> 33n) % end;
  };
}
