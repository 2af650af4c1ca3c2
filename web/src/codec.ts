// The codec of the page: its parts lie beside this script, and the model that encodes is read when it is first needed.

import { codecWith, sharedCodec, useCodec } from 'heirloom-web';

const at = (path: string) => new URL(path, import.meta.url);

const parts = {
  modules: { simd: at('heirloom_web_bg.wasm'), plain: at('heirloom_web_plain_bg.wasm') },
  model: at('model/decoder.safetensors.gz'),
  encoder: at('model/encoder.safetensors'),
};

useCodec(codecWith(parts, () => new Worker(at('worker.js'), { type: 'module' })));

export const codec = sharedCodec();
