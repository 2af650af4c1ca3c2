/**
 * The Heirloom image codec for browsers.
 *
 * ```js
 * import { decode, toRgba } from 'heirloom-web';
 *
 * const file = new Uint8Array(await (await fetch('photo.hlm')).arrayBuffer());
 * const image = await decode(file, { memoryLimit: 512 * 2 ** 20 });
 * context.putImageData(new ImageData(toRgba(image), image.width), 0, 0);
 * ```
 */

import type { CodecOptions } from './codec.js';
import { Codec } from './codec.js';
import type { Answer } from './messages.js';
import { withOwnParts } from './parts.js';
import { createSharing } from './sharing.js';

export * from './exports.js';

/** Makes a codec with a worker of its own, of the parts that come with this package unless others are given. */
export function createCodec(options: CodecOptions = {}): Codec {
  return codecWith(options, () => new Worker(new URL('./worker.js', import.meta.url), { type: 'module' }));
}

/** The same with a worker that the caller starts, for pages that put its script elsewhere. */
export function codecWith(options: CodecOptions, start: () => Worker): Codec {
  return new Codec(withOwnParts(options), (answered, failed) => {
    const worker = start();
    worker.onmessage = ({ data }) => answered(data as Answer);
    worker.onerror = (event) => failed(event.message || 'it could not be loaded');
    return { post: (message) => worker.postMessage(message), end: () => worker.terminate() };
  });
}

export const { sharedCodec, useCodec, info, decode, encode } = createSharing(() => createCodec());
