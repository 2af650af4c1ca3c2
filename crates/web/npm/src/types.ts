// What goes in and comes out.

/** How the samples of a pixel are stored. Alpha comes last. */
export type PixelFormat =
  | 'grey8'
  | 'grey-alpha8'
  | 'rgb8'
  | 'rgba8'
  | 'grey16'
  | 'grey-alpha16'
  | 'rgb16'
  | 'rgba16';

/** An image in memory. */
export interface HeirloomImage {
  /** Width in pixels, at least 1. */
  width: number;
  /** Height in pixels, at least 1. */
  height: number;
  format: PixelFormat;
  /** Rows from the top without gaps, channels interleaved; 16-bit samples for the formats that end in 16. */
  data: Uint8Array | Uint8ClampedArray | Uint16Array;
  /** What is carried with the pixels. It does not change how they are coded. */
  metadata?: Metadata;
}

/** Metadata, each in the form in which PNG has it. */
export interface Metadata {
  /** ICC colour profile. */
  icc?: Uint8Array;
  /** Exif: the TIFF structure. */
  exif?: Uint8Array;
  /** XMP packet. */
  xmp?: Uint8Array;
  /** Colour primaries, transfer characteristics, matrix (0), and 1 for the full range (ITU-T H.273). */
  cicp?: [number, number, number, number];
  /** Pixels per unit in a row and in a column, and 1 where the unit is the metre, else 0. */
  resolution?: [number, number, number];
}

/** What a file says about itself. */
export interface Info {
  width: number;
  height: number;
  format: PixelFormat;
  /** Size of the file. */
  bytes: number;
  bitsPerPixel: number;
  /** The rate-distortion multiplier λ that the image was encoded with. */
  lambda: number;
  /** The first 8 bytes of the entropy id, in hexadecimal: the lineage whose models decode the file. */
  entropyId: string;
  /** The generation that wrote the file. */
  generation: number;
  /** The first 4 bytes of the id of that generation, in hexadecimal. */
  generationId: string;
  /** Number of tiles, and of those that are stored without loss. */
  tiles: number;
  losslessTiles: number;
  /** Bytes of the four latents, from the coarsest on. */
  latentBytes: [number, number, number, number];
  alphaBytes: number;
  losslessBytes: number;
  /** Bytes of each kind of metadata, or null. */
  metadataBytes: { icc: number | null; exif: number | null; xmp: number | null };
}

/** What is wanted of a file. */
export interface DecodeOptions {
  /** The part to decode: left, top, width and height in pixels. It must lie in the image. */
  crop?: [number, number, number, number];
  /** Pixels of the image for each decoded one, in each direction; 1 unless given. Applies after `crop`. */
  scale?: 1 | 2 | 4 | 8 | 16;
  /** Whether an image at a scale of 8 or 16 may be blurred, in a fraction of the time. */
  quick?: boolean;
  /** Most pixels the image may have, with both sides rounded up to multiples of 64. Default 2^28. */
  maxPixels?: number;
  /** Most bytes of memory for the call, the file apart. What needs more is refused. Default 1 GiB. */
  memoryLimit?: number;
}

/** What is wanted of an image. Of quality, lambda, targetBytes and targetPsnr, at most one is given. */
export interface EncodeOptions {
  /** From 0 (smallest file) to 100 (best image); 50 if nothing is given. */
  quality?: number;
  /** The rate-distortion multiplier λ, in the range of the model. */
  lambda?: number;
  /** The best image in at most this many bytes. The search takes two to three times as long. */
  targetBytes?: number;
  /** The smallest file of at least this PSNR in dB. */
  targetPsnr?: number;
  /** Whether tiles are stored without loss: where that serves them better (`auto`, the default), `never`, `always`. */
  lossless?: 'auto' | 'never' | 'always';
  /** Most bytes of memory for the call, image and file apart. Default 1 GiB. */
  memoryLimit?: number;
}

/** Options of calls that take a while. */
export interface CallOptions {
  /** Ends the call: its promise is rejected with the signal's reason. */
  signal?: AbortSignal;
}

/** Options of decoding in a worker. */
export interface DecodeCallOptions extends DecodeOptions, CallOptions {
  /** Called before the promise is settled, with a blurred copy at an eighth of the size of the image (of the crop). */
  onCoarse?: (image: HeirloomImage) => void;
}

/** Where bytes come from: an address, a response, the bytes themselves, or a function that gets them. */
export type ByteSource = string | URL | Response | ArrayBuffer | Uint8Array | (() => Promise<Uint8Array>);
