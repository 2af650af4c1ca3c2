/** The Heirloom image codec for Node: as for browsers, with workers of Node. */

import { readFile } from 'node:fs/promises';
import { Worker } from 'node:worker_threads';

import type { CodecOptions } from './codec.js';
import { Codec } from './codec.js';
import type { Answer } from './messages.js';
import { withOwnParts } from './parts.js';
import { createSharing } from './sharing.js';
import type { ByteSource } from './types.js';

export * from './exports.js';

/** Makes a codec with a worker of its own. While no call is in progress it does not keep the process alive. */
export function createCodec(options: CodecOptions = {}): Codec {
  const { modules, model, encoder, ...rest } = withOwnParts(options);
  const parts = {
    ...rest,
    modules: { simd: fromFile(modules.simd), plain: fromFile(modules.plain) },
    model: fromFile(model),
    ...(encoder && { encoder: fromFile(encoder) }),
  };
  return new Codec(parts, (answered, failed) => {
    const worker = new Worker(new URL('./node-worker.js', import.meta.url));
    worker.on('message', (answer: Answer) => {
      if (!('coarse' in answer)) worker.unref();
      answered(answer);
    });
    worker.on('error', (error) => failed(error.message));
    return {
      post: (message) => {
        worker.ref();
        worker.postMessage(message);
      },
      end: () => void worker.terminate(),
    };
  });
}

/** Node does not fetch files. */
function fromFile(source: ByteSource): ByteSource {
  const isFile = source instanceof URL ? source.protocol === 'file:' : String(source).startsWith('file:');
  return isFile ? async () => new Uint8Array(await readFile(new URL(String(source)))) : source;
}

export const { sharedCodec, useCodec, info, decode, encode } = createSharing(() => createCodec());
