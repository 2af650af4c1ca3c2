// Files with mistakes: some at the surface, some behind sound checksums, where only the decoder can find them.

import { crc32 } from 'node:zlib';

/** Reads the variable-length integer at `at`: its value, and the position after it. */
function varint(file, at) {
  let value = 0;
  for (let shift = 0; ; shift += 7) {
    const byte = file[at++];
    if (byte === undefined) return [0, at];
    value += (byte & 127) * 2 ** shift;
    if (byte < 128) return [value, at];
  }
}

const HEADER = 9; // magic and version

/** The parts of a file that a checksum follows: [begin, end of the part]. */
function parts(file) {
  let at = HEADER;
  [, at] = varint(file, at);
  [, at] = varint(file, at);
  const format = file[at++];
  if (format & 8) at += 3;
  at += 4 + 8;
  [, at] = varint(file, at);
  at += 4;
  const found = [[8, at]];
  at += 4;
  while (at < file.length) {
    const [length, payload] = varint(file, at + 1);
    found.push([at, payload + length]);
    at = payload + length + 4;
  }
  return found;
}

/** Writes the checksum of a part anew. */
function seal(file, [begin, end]) {
  if (end + 4 > file.length) return;
  new DataView(file.buffer, file.byteOffset).setUint32(end, crc32(file.subarray(begin, end)), true);
}

/** A copy with one to four mistakes. `draw(n)` is a random number below n. */
export function mutated(seed, draw) {
  const file = Uint8Array.from(seed);
  const sections = parts(seed);
  const way = draw(8);
  if (way === 0) return file.subarray(0, draw(file.length));
  if (way === 1) {
    const at = draw(file.length);
    return Uint8Array.from([...file.subarray(0, at), ...Array.from({ length: 1 + draw(9) }, () => draw(256)), ...file.subarray(at)]);
  }
  const part = sections[draw(sections.length)];
  for (let count = 1 + draw(4); count > 0; count--) {
    if (way === 2) file[draw(file.length)] ^= 1 << draw(8);
    else file[part[0] + draw(part[1] - part[0])] ^= 1 << draw(8);
  }
  if (way > 2) seal(file, part);
  return file;
}
