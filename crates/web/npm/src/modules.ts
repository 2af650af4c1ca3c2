// Which WebAssembly module this browser runs, and where it lies.

import { read } from './bytes.js';
import type { ByteSource } from './types.js';

/** A function of one vector instruction: a module that is valid only where there is SIMD128. */
const PROBE = new Uint8Array([
  0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 10, 1, 8, 0, 65, 0, 253, 15, 253, 98, 11,
]);

/** Whether WebAssembly has 128-bit vectors here, as all browsers since 2023 do. */
export function hasSimd(): boolean {
  return WebAssembly.validate(PROBE);
}

/** Where the two builds of the module are. */
export interface ModuleAddresses {
  /** For browsers with SIMD128. */
  simd: ByteSource;
  /** For all others: the same results, more slowly. */
  plain: ByteSource;
}

/** Compiles the module that suits this browser. */
export async function compile(addresses: ModuleAddresses): Promise<WebAssembly.Module> {
  return WebAssembly.compile(new Uint8Array(await read(hasSimd() ? addresses.simd : addresses.plain)));
}
