// The thread in which the codec works, in Node.

import { parentPort } from 'node:worker_threads';

import type { Start, Task } from './messages.js';
import { receive } from './tasks.js';

parentPort?.on('message', (message: Start | Task) => {
  receive(message, (answer, transfer) => parentPort?.postMessage(answer, transfer));
});
