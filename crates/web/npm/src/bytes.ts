// Bytes from wherever they are.

import { HeirloomError } from './failure.js';
import type { ByteSource } from './types.js';

/** Reads all bytes of a source. */
export async function read(source: ByteSource): Promise<Uint8Array> {
  if (source instanceof Uint8Array) return source;
  if (source instanceof ArrayBuffer) return new Uint8Array(source);
  if (typeof source === 'function') return source();
  const response = source instanceof Response ? source : await fetch(source);
  if (!response.ok) {
    throw new HeirloomError('failed', `${response.url}: the server answers ${response.status} ${response.statusText}`);
  }
  return new Uint8Array(await response.arrayBuffer());
}

/** Reads a model file, which may be compressed with gzip. */
export async function readModel(source: ByteSource): Promise<Uint8Array> {
  const bytes = await read(source);
  // A model file begins with the length of its header, which is far from 0x088b1f bytes.
  const isPacked = bytes[0] === 0x1f && bytes[1] === 0x8b && bytes[2] === 8;
  if (!isPacked) return bytes;
  const stream = new Blob([new Uint8Array(bytes)]).stream().pipeThrough(new DecompressionStream('gzip'));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}
