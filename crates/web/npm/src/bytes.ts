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
