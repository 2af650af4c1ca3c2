// What a worker does: one task at a time, in the order in which they come.

import { Engine } from './engine.js';
import { HeirloomError } from './failure.js';
import type { Answer, Start, Task } from './messages.js';

/** Sends an answer, and gives away the memory that is listed. */
export type Send = (answer: Answer, transfer: ArrayBuffer[]) => void;

let engine: Engine | undefined;

function work(task: Task, send: Send): unknown {
  if (!engine) throw new HeirloomError('internal', 'internal error: the worker was not started');
  switch (task.do) {
    case 'info':
      return engine.info(task.file);
    case 'decode':
      if (task.coarse) {
        const coarse = engine.coarse(task.file, task.options);
        send({ coarse }, [coarse.data.buffer as ArrayBuffer]);
      }
      return engine.decode(task.file, task.options);
    case 'decodeToPng':
      return engine.decodeToPng(task.file, task.options);
    case 'toPng':
      return engine.toPng(task.image);
    case 'useEncoder':
      return engine.useEncoder(task.model);
    case 'encode':
      return engine.encode(task.image, task.options);
  }
}

/** The memory of a result, which the worker does not need any more. */
function buffers(result: unknown): ArrayBuffer[] {
  if (result instanceof Uint8Array) return [result.buffer as ArrayBuffer];
  const data = (result as { data?: { buffer: ArrayBuffer } } | undefined)?.data;
  return data ? [data.buffer] : [];
}

/** Does what a message asks for, and answers. */
export function receive(message: Start | Task, send: Send): void {
  try {
    if ('module' in message) {
      engine = Engine.start(message.module, message.model);
      send({ result: undefined }, []);
    } else {
      const result = work(message, send);
      send({ result }, buffers(result));
    }
  } catch (error) {
    const kind = error instanceof HeirloomError ? error.kind : undefined;
    send({ error: { kind, message: error instanceof Error ? error.message : String(error) } }, []);
  }
}
