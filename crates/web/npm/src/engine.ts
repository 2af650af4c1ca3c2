// The codec in the thread that calls it: for workers, service workers and tests.

import * as glue from './wasm/heirloom_web.js';
import { HeirloomError } from './failure.js';
import type { FailureKind } from './failure.js';
import type { DecodeOptions, EncodeOptions, HeirloomImage, Info, Metadata, PixelFormat } from './types.js';

/**
 * A running module with a model. A thread runs one module; a second engine starts it anew, in place of the first.
 *
 * Calls block until they are done. After an `internal` error the engine is at an end, and every call throws;
 * start another one.
 */
export class Engine {
  private dead: HeirloomError | undefined;

  private constructor(
    private readonly memory: WebAssembly.Memory,
    private readonly decoder: glue.Model,
    private encoder: glue.Model | undefined,
  ) {}

  /** Starts a module with a model file. The model may lack its encoder. */
  static start(module: WebAssembly.Module, model: Uint8Array): Engine {
    if (running && running !== module) throw new HeirloomError('bad-parameter', 'this thread runs another module');
    if (running) glue.__wbg_reset_state();
    const { memory } = glue.initSync({ module });
    running = module;
    const decoder = guarded(() => new glue.Model(model));
    return new Engine(memory, decoder, undefined);
  }

  /** Bytes of memory that the module has taken from the browser. It keeps them for later calls. */
  get memoryTaken(): number {
    return this.memory.buffer.byteLength;
  }

  /** `simd128` or `scalar`. */
  get instructionSet(): string {
    return this.call(() => glue.instructionSet());
  }

  /** What a file says about itself. Needs no model of its lineage. */
  info(file: Uint8Array): Info {
    return this.call(() => JSON.parse(glue.info(file)) as Info);
  }

  /** Decodes a file. */
  decode(file: Uint8Array, options: DecodeOptions = {}): HeirloomImage {
    return this.call(() => taken(this.pixels(file, options)));
  }

  /** Decodes a blurred copy of a file at an eighth of its size, in a fraction of the time. */
  coarse(file: Uint8Array, options: DecodeOptions = {}): HeirloomImage {
    return this.decode(file, { ...options, scale: 8, quick: true });
  }

  /** Decodes a file into a PNG file with its metadata. */
  decodeToPng(file: Uint8Array, options: DecodeOptions = {}): Uint8Array {
    return this.call(() => using(this.pixels(file, options), (pixels) => pixels.png()));
  }

  /** Writes an image with its metadata as PNG. */
  toPng(image: HeirloomImage): Uint8Array {
    return this.call(() => using(given(image), (pixels) => pixels.png()));
  }

  /** Whether {@link useEncoder} was called. */
  get canEncode(): boolean {
    return this.encoder !== undefined;
  }

  /** Gives the model that encodes: one with its encoder. */
  useEncoder(model: Uint8Array): void {
    this.encoder = this.call(() => new glue.Model(model));
  }

  /** Encodes an image. */
  encode(image: HeirloomImage, options: EncodeOptions = {}): Uint8Array {
    const model = this.encoder ?? this.decoder;
    const { quality, lambda, targetBytes, targetPsnr, lossless, memoryLimit } = options;
    return this.call(() =>
      using(given(image), (pixels) =>
        model.encode(pixels, quality, lambda, targetBytes, targetPsnr, lossless, memoryLimit),
      ),
    );
  }

  private pixels(file: Uint8Array, options: DecodeOptions): glue.Pixels {
    const { crop, scale, quick = false, maxPixels, memoryLimit } = options;
    return this.decoder.decode(file, quick, crop && new Uint32Array(crop), scale, maxPixels, memoryLimit);
  }

  private call<T>(work: () => T): T {
    if (this.dead) throw this.dead;
    try {
      return guarded(work);
    } catch (error) {
      if (error instanceof HeirloomError && error.kind === 'internal') this.dead = error;
      throw error;
    }
  }
}

let running: WebAssembly.Module | undefined;

/** Calls the module, and makes errors of this package of what it throws. */
function guarded<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof WebAssembly.RuntimeError || error instanceof RangeError) {
      // A trap. Only a message is read from the module now.
      const panic = glue.lastPanic();
      throw new HeirloomError('internal', `internal error: ${panic ?? error.message}; please report it`);
    }
    const kind = (error as { kind?: unknown }).kind;
    if (error instanceof Error && typeof kind === 'string') {
      throw new HeirloomError(kind as FailureKind, error.message);
    }
    throw error;
  }
}

/** Frees what the module has given, whatever happens. */
function using<P extends { free(): void }, T>(pixels: P, work: (pixels: P) => T): T {
  try {
    return work(pixels);
  } finally {
    pixels.free();
  }
}

function given(image: HeirloomImage): glue.Pixels {
  const { data, metadata: m = {} } = image;
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  const pixels = new glue.Pixels(image.width, image.height, image.format, bytes);
  const { cicp, resolution } = m;
  pixels.setMetadata(m.icc, m.exif, m.xmp, cicp && new Uint8Array(cicp), resolution && new Uint32Array(resolution));
  return pixels;
}

function taken(pixels: glue.Pixels): HeirloomImage {
  return using(pixels, ({ width, height, icc, exif, xmp, cicp, resolution }) => {
    const metadata: Metadata = {};
    if (icc) metadata.icc = icc;
    if (exif) metadata.exif = exif;
    if (xmp) metadata.xmp = xmp;
    if (cicp) metadata.cicp = [...cicp] as Metadata['cicp'] & object;
    if (resolution) metadata.resolution = [...resolution] as Metadata['resolution'] & object;
    const format = pixels.format as PixelFormat;
    const bytes = pixels.bytes();
    // WebAssembly is little endian, and so is every machine that browsers run on.
    const data = format.endsWith('16') ? new Uint16Array(bytes.buffer, 0, bytes.byteLength / 2) : bytes;
    return { width, height, format, data, metadata };
  });
}
