// Images between files, canvases and the codec.

import type { HeirloomImage } from 'heirloom-web';

/** 8-bit RGBA. */
export interface Rgba {
  width: number;
  height: number;
  data: Uint8ClampedArray<ArrayBuffer>;
}

/** A canvas that is not shown, and its context. */
function offscreen(width: number, height: number) {
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext('2d', { willReadFrequently: true });
  if (!context) throw new Error('this browser gives no more canvases; close other pages');
  return { canvas, context };
}

/** Reads an image file by the means of the browser. Its samples are taken as they are, without colour management. */
export async function readOriginal(file: Blob): Promise<Rgba> {
  let bitmap: ImageBitmap;
  try {
    bitmap = await createImageBitmap(file, { colorSpaceConversion: 'none', premultiplyAlpha: 'none' });
  } catch {
    throw new Error('this is neither a Heirloom file nor an image that this browser reads');
  }
  const { width, height } = bitmap;
  const { context } = offscreen(width, height);
  context.drawImage(bitmap, 0, 0);
  bitmap.close();
  return { width, height, data: context.getImageData(0, 0, width, height).data };
}

/** The image that is encoded: without alpha, unless some pixel is not opaque. */
export function toCodec({ width, height, data }: Rgba): HeirloomImage {
  let opaque = true;
  for (let i = 3; opaque && i < data.length; i += 4) opaque = data[i] === 255;
  if (!opaque) return { width, height, format: 'rgba8', data };
  const rgb = new Uint8Array(3 * width * height);
  for (let from = 0, to = 0; from < data.length; from += 4) {
    rgb[to++] = data[from]!;
    rgb[to++] = data[from + 1]!;
    rgb[to++] = data[from + 2]!;
  }
  return { width, height, format: 'rgb8', data: rgb };
}

/** A JPEG file of the image. */
export interface Jpeg {
  bytes: number;
  /** The quality that the browser was asked for, 0 to 1. */
  quality: number;
  image: Rgba;
}

/**
 * The best JPEG that this browser makes in at most `bytes` bytes, or its smallest one if that is larger. JPEG has
 * no alpha: transparent pixels come out black.
 */
export async function jpegOfSize(original: Rgba, bytes: number): Promise<Jpeg> {
  const { canvas, context } = offscreen(original.width, original.height);
  context.putImageData(new ImageData(original.data, original.width), 0, 0);
  const make = (quality: number) => canvas.convertToBlob({ type: 'image/jpeg', quality });
  let [low, high] = [0, 100];
  let best = await make(0);
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    const tried = await make(middle / 100);
    if (tried.size <= bytes) [low, best] = [middle, tried];
    else high = middle - 1;
  }
  return { bytes: best.size, quality: low / 100, image: await readOriginal(best) };
}

/** Peak signal-to-noise ratio in dB of the 8-bit RGB of two images of one size; infinite if they are equal. */
export function psnr(a: Rgba, b: Rgba): number {
  let sum = 0;
  for (let i = 0; i < a.data.length; i += 4) {
    for (let c = i; c < i + 3; c++) {
      const difference = a.data[c]! - b.data[c]!;
      sum += difference * difference;
    }
  }
  return 10 * Math.log10((255 * 255 * 3 * a.width * a.height) / sum);
}
