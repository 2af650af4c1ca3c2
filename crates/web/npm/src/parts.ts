// The module and the model that come with this package. Written so that bundlers find the files.

import type { CodecOptions } from './codec.js';

/** Adds what is not given. */
export function withOwnParts(options: CodecOptions) {
  const modules = options.modules ?? {
    simd: new URL('./wasm/heirloom_web_bg.wasm', import.meta.url),
    plain: new URL('./wasm/heirloom_web_plain_bg.wasm', import.meta.url),
  };
  const model = options.model ?? new URL('./model/decoder.safetensors.gz', import.meta.url);
  return { ...options, modules, model };
}
