// The codec in a worker: tasks wait in a queue, and one that is given up ends with its worker.

import { readModel } from './bytes.js';
import { HeirloomError } from './failure.js';
import type { Answer, Start, Task } from './messages.js';
import type { ModuleAddresses } from './modules.js';
import { compile } from './modules.js';
import type {
  ByteSource,
  CallOptions,
  DecodeCallOptions,
  DecodeOptions,
  EncodeOptions,
  HeirloomImage,
  Info,
} from './types.js';

/** A worker of a page or of Node. */
export interface Thread {
  post(message: Start | Task): void;
  end(): void;
}

/** Starts a worker. `failed` is told when it ends by itself. */
export type Spawn = (answered: (answer: Answer) => void, failed: (message: string) => void) => Thread;

/** Where the parts of the codec are. */
export interface CodecOptions {
  /** The two builds of the module; those of this package unless given. */
  modules?: ModuleAddresses;
  /** The model that decodes, which may lack its encoder and be compressed with gzip; that of this package unless given. */
  model?: ByteSource;
  /** The model that encodes, read when something is first encoded; `model` must have its encoder otherwise. */
  encoder?: ByteSource;
}

interface Job {
  task: Task;
  needsEncoder: boolean;
  resolve(result: unknown): void;
  reject(reason: unknown): void;
  coarse: ((image: HeirloomImage) => void) | undefined;
  signal: AbortSignal | undefined;
}

/**
 * Decodes and encodes in a worker of its own, one call after another.
 *
 * The worker starts with the first call. A call that is aborted, or that ends by an internal error, takes the
 * worker with it; the next call starts another one, so that nothing stays broken and all memory is given back.
 */
export class Codec {
  private queue: Job[] = [];
  private current: Job | undefined;
  private thread: Thread | undefined;
  private parts: Promise<Start> | undefined;
  private hasEncoder = false;
  private disposed = false;

  constructor(
    private readonly options: Required<Pick<CodecOptions, 'modules' | 'model'>> & CodecOptions,
    private readonly spawn: Spawn,
  ) {}

  /** What a file says about itself, after all its checksums are verified. */
  info(file: Uint8Array, { signal }: CallOptions = {}): Promise<Info> {
    return this.run({ do: 'info', file }, { signal }) as Promise<Info>;
  }

  /** Decodes a file. The result has the same bits on every machine. */
  decode(file: Uint8Array, options: DecodeCallOptions = {}): Promise<HeirloomImage> {
    const { signal, onCoarse, ...rest } = options;
    const task: Task = { do: 'decode', file, options: rest, coarse: onCoarse !== undefined };
    return this.run(task, { signal, coarse: onCoarse }) as Promise<HeirloomImage>;
  }

  /** Decodes a file into a PNG file, with the metadata and all bits. */
  decodeToPng(file: Uint8Array, options: DecodeOptions & CallOptions = {}): Promise<Uint8Array> {
    const { signal, ...rest } = options;
    return this.run({ do: 'decodeToPng', file, options: rest }, { signal }) as Promise<Uint8Array>;
  }

  /** Writes an image as a PNG file. */
  toPng(image: HeirloomImage, { signal }: CallOptions = {}): Promise<Uint8Array> {
    return this.run({ do: 'toPng', image }, { signal }) as Promise<Uint8Array>;
  }

  /** Encodes an image. The same image and options give the same bytes on every machine. */
  encode(image: HeirloomImage, options: EncodeOptions & CallOptions = {}): Promise<Uint8Array> {
    const { signal, ...rest } = options;
    const needsEncoder = this.options.encoder !== undefined;
    return this.run({ do: 'encode', image, options: rest }, { signal, needsEncoder }) as Promise<Uint8Array>;
  }

  /** Loads what decoding needs before it is needed. */
  async load(): Promise<void> {
    await this.ready();
  }

  /** Ends the worker. Calls that wait are rejected, and so are later ones. */
  dispose(): void {
    this.disposed = true;
    const jobs = [...(this.current ? [this.current] : []), ...this.queue];
    this.queue = [];
    this.stop();
    for (const job of jobs) job.reject(new HeirloomError('failed', 'the codec was disposed of'));
  }

  private ready(): Promise<Start> {
    this.parts ??= Promise.all([compile(this.options.modules), readModel(this.options.model)]).then(
      ([module, model]) => ({ module, model }),
      (error: unknown) => {
        // So that the next call tries again.
        this.parts = undefined;
        throw error;
      },
    );
    return this.parts;
  }

  private run(
    task: Task,
    more: { signal?: AbortSignal; needsEncoder?: boolean; coarse?: (image: HeirloomImage) => void },
  ): Promise<unknown> {
    if (this.disposed) return Promise.reject(new HeirloomError('failed', 'the codec was disposed of'));
    const { signal, needsEncoder = false, coarse } = more;
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      const done = () => signal?.removeEventListener('abort', abort);
      const job: Job = {
        task,
        needsEncoder,
        coarse,
        signal,
        resolve: (result) => (done(), resolve(result)),
        reject: (reason) => (done(), reject(reason)),
      };
      const abort = () => this.abort(job);
      signal?.addEventListener('abort', abort);
      this.queue.push(job);
      void this.next();
    });
  }

  private async next(): Promise<void> {
    if (this.current) return;
    const job = this.queue.shift();
    if (!job) return;
    this.current = job;
    try {
      const start = await this.ready();
      const encoder = job.needsEncoder && !this.hasEncoder ? await readModel(this.options.encoder!) : undefined;
      if (this.current !== job) return; // aborted meanwhile
      if (!this.thread) {
        await this.ask(start);
        if (this.current !== job) return;
      }
      if (encoder) {
        await this.ask({ do: 'useEncoder', model: encoder });
        if (this.current !== job) return;
        this.hasEncoder = true;
      }
      const result = await this.ask(job.task, job.coarse);
      if (this.current === job) this.finish(() => job.resolve(result));
    } catch (error) {
      if (this.current === job) this.finish(() => job.reject(error));
    }
  }

  private finish(settle: () => void): void {
    this.current = undefined;
    settle();
    void this.next();
  }

  private answered: (answer: Answer) => void = () => {};

  /** Sends a message, to a new worker if there is none, and waits for the answer. */
  private ask(message: Start | Task, coarse?: (image: HeirloomImage) => void): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.answered = (answer) => {
        if ('coarse' in answer) return coarse?.(answer.coarse);
        if ('result' in answer) return resolve(answer.result);
        const { kind = 'internal', message } = answer.error;
        if (kind === 'internal') this.stop();
        reject(new HeirloomError(kind, message));
      };
      this.thread ??= this.startThread();
      this.thread.post(message);
    });
  }

  private startThread(): Thread {
    // One that was ended may still have something to say.
    const heard = (answer: Answer) => {
      if (this.thread === thread) this.answered(answer);
    };
    const thread = this.spawn(heard, (reason) =>
      heard({ error: { kind: 'internal', message: `internal error: the worker failed: ${reason}` } }),
    );
    return thread;
  }

  private abort(job: Job): void {
    const waiting = this.queue.indexOf(job);
    if (waiting >= 0) this.queue.splice(waiting, 1);
    if (this.current === job) {
      this.current = undefined;
      this.stop();
    }
    job.reject(job.signal?.reason);
    void this.next();
  }

  private stop(): void {
    this.answered = () => {};
    this.thread?.end();
    this.thread = undefined;
    this.hasEncoder = false;
  }
}
