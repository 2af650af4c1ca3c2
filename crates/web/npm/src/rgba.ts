// Samples as a canvas takes them.

import type { HeirloomImage } from './types.js';

/** The pixels as 8-bit RGBA, which `ImageData` takes. Samples of 16 bits are rounded to nearest. */
export function toRgba(image: HeirloomImage): Uint8ClampedArray<ArrayBuffer> {
  const { data, format } = image;
  const grey = format.startsWith('grey');
  const alpha = format.includes('alpha') || format.startsWith('rgba');
  const channels = (grey ? 1 : 3) + (alpha ? 1 : 0);
  const pixels = image.width * image.height;
  const rgba = new Uint8ClampedArray(4 * pixels);
  const eight =
    data instanceof Uint16Array ? (i: number) => Math.round(data[i]! / 257) : (i: number) => data[i]!;
  const green = grey ? 0 : 1;
  for (let pixel = 0, from = 0, to = 0; pixel < pixels; pixel++, from += channels, to += 4) {
    rgba[to] = eight(from);
    rgba[to + 1] = eight(from + green);
    rgba[to + 2] = eight(from + 2 * green);
    rgba[to + 3] = alpha ? eight(from + channels - 1) : 255;
  }
  return rgba;
}
