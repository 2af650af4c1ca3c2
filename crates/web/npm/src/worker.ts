// The thread in which the codec works, in a browser.

import type { Start, Task } from './messages.js';
import { receive } from './tasks.js';

addEventListener('message', ({ data }: MessageEvent<Start | Task>) => {
  receive(data, (answer, transfer) => postMessage(answer, { transfer }));
});
