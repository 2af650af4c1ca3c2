// Decoding in Chromium beside the native decoder, both in one thread: node web/tests/timing.mjs
//
// Prints a table, and fails where a browser takes more than five times as long. The native times are those that the
// example `fixtures` measured, so run that just before.

import { fixtures, json } from './common.mjs';
import { startBrowser } from './browser.mjs';
import { start } from './server.mjs';

const MOST = 5;
const list = json(fixtures, 'list.json').filter(({ name }) => !name.startsWith('random-'));
const server = await start();
const browser = await startBrowser();
let slow = false;
try {
  await browser.page.goto(server.address);
  for (const { name, width, height, milliseconds, coarseMilliseconds } of list) {
    const times = await browser.page.evaluate(async (path) => {
      const { createCodec } = await import(new URL('npm/index.js', document.baseURI));
      const codec = createCodec();
      const file = new Uint8Array(await (await fetch(path)).arrayBuffer());
      const best = { whole: Infinity, coarse: Infinity };
      // The first runs are of code that the browser has not optimised yet.
      for (let round = 0; round < 8; round++) {
        let begin = performance.now();
        await codec.decode(file);
        best.whole = Math.min(best.whole, performance.now() - begin);
        begin = performance.now();
        let coarse;
        await codec.decode(file, { onCoarse: () => (coarse ??= performance.now() - begin) });
        best.coarse = Math.min(best.coarse, coarse);
      }
      codec.dispose();
      return best;
    }, `fixtures/${name}.hlm`);
    const ratio = times.whole / milliseconds;
    slow ||= ratio > MOST;
    const number = (value) => value.toFixed(0).padStart(5);
    console.log(
      `${name} ${width} × ${height}: native ${number(milliseconds)} ms, Chromium ${number(times.whole)} ms` +
        ` (${ratio.toFixed(2)}×); coarse: native ${number(coarseMilliseconds)} ms, Chromium ${number(times.coarse)} ms`,
    );
  }
} finally {
  await browser.stop();
  server.stop();
}
if (slow) {
  console.error(`a browser takes more than ${MOST} times as long as the native decoder`);
  process.exitCode = 1;
}
