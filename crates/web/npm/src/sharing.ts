// Functions with a codec that all of their callers share.

import type { Codec } from './codec.js';
import type { CallOptions, DecodeCallOptions, EncodeOptions, HeirloomImage, Info } from './types.js';

/** The functions. */
export interface Sharing {
  /** The codec that all share; made when it is first asked for. */
  sharedCodec(): Codec;
  /** Makes another codec, such as one with an encoder, the one that all share, and ends the old one. */
  useCodec(codec: Codec): void;
  /** {@link Codec.info} of the shared codec. */
  info(file: Uint8Array, options?: CallOptions): Promise<Info>;
  /** {@link Codec.decode} of the shared codec. */
  decode(file: Uint8Array, options?: DecodeCallOptions): Promise<HeirloomImage>;
  /** {@link Codec.encode} of the shared codec, which needs a model with its encoder: see {@link useCodec}. */
  encode(image: HeirloomImage, options?: EncodeOptions & CallOptions): Promise<Uint8Array>;
}

/** Makes the functions. */
export function createSharing(create: () => Codec): Sharing {
  let shared: Codec | undefined;
  const sharedCodec = () => (shared ??= create());
  return {
    sharedCodec,
    useCodec(codec) {
      if (shared !== codec) shared?.dispose();
      shared = codec;
    },
    info: (file, options) => sharedCodec().info(file, options),
    decode: (file, options) => sharedCodec().decode(file, options),
    encode: (image, options) => sharedCodec().encode(image, options),
  };
}
