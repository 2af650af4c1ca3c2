// What the thread of the page and its worker tell each other.

import type { FailureKind } from './failure.js';
import type { DecodeOptions, EncodeOptions, HeirloomImage } from './types.js';

/** The first message to a worker. */
export interface Start {
  module: WebAssembly.Module;
  model: Uint8Array;
}

/** What a worker is asked to do. */
export type Task =
  | { do: 'info'; file: Uint8Array }
  | { do: 'decode'; file: Uint8Array; options: DecodeOptions; coarse: boolean }
  | { do: 'decodeToPng'; file: Uint8Array; options: DecodeOptions }
  | { do: 'toPng'; image: HeirloomImage }
  | { do: 'useEncoder'; model: Uint8Array }
  | { do: 'encode'; image: HeirloomImage; options: EncodeOptions };

/** What a worker answers: any number of coarse images, then one of the others. */
export type Answer =
  | { coarse: HeirloomImage }
  | { result: unknown }
  | { error: { kind: FailureKind | undefined; message: string } };
