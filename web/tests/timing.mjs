// Decoding in Chromium beside the native decoder, both in one thread: node web/tests/timing.mjs
//
// Prints a table, and fails where a browser takes more than five times as long. Times are those of the processor, so
// that other programs do not matter; the native ones are those that the example `fixtures` measured, so run that just
// before.

import { chromium } from 'playwright-core';
import { ARGUMENTS, executablePath } from './browser.mjs';
import { fixtures, json } from './common.mjs';
import { start } from './server.mjs';

const MOST = 5;
const ROUNDS = 5;
const list = json(fixtures, 'list.json').filter(({ name }) => !name.startsWith('random-'));
const server = await start();
const browser = await chromium.launch({ executablePath, args: ARGUMENTS });
const devtools = await browser.newBrowserCDPSession();

/** Time in milliseconds that all pages have computed for, compilation included. */
async function processorTime() {
  const { processInfo } = await devtools.send('SystemInfo.getProcessInfo');
  const renderers = processInfo.filter(({ type }) => type === 'renderer');
  return 1000 * renderers.reduce((sum, { cpuTime }) => sum + cpuTime, 0);
}

/** Decodes a file some times in the page, or its coarse copy; the time of each on the wall. */
function decode(page, path, coarse, rounds) {
  return page.evaluate(
    async ({ path, coarse, rounds }) => {
      const { createCodec } = await import(new URL('npm/index.js', document.baseURI));
      const codec = (globalThis.codec ??= createCodec());
      const file = new Uint8Array(await (await fetch(path)).arrayBuffer());
      const begin = performance.now();
      for (let round = 0; round < rounds; round++) await codec.decode(file, coarse ? { scale: 8, quick: true } : {});
      return (performance.now() - begin) / rounds;
    },
    { path, coarse, rounds },
  );
}

let slow = false;
try {
  const page = await browser.newPage();
  await page.goto(server.address);
  const measure = async (path, coarse) => {
    await decode(page, path, coarse, 2); // of code that is not optimised yet
    const before = await processorTime();
    const wall = await decode(page, path, coarse, ROUNDS);
    return { wall, time: ((await processorTime()) - before) / ROUNDS };
  };
  const number = (value) => value.toFixed(0).padStart(5);
  for (const { name, width, height, milliseconds, quickMilliseconds } of list) {
    const path = `fixtures/${name}.hlm`;
    const [whole, coarse] = [await measure(path, false), await measure(path, true)];
    const ratio = whole.time / milliseconds;
    slow ||= ratio > MOST;
    console.log(
      `${name} ${width} × ${height}: native ${number(milliseconds)} ms, Chromium ${number(whole.time)} ms` +
        ` (${ratio.toFixed(2)}×, on the wall ${number(whole.wall)} ms);` +
        ` coarse: native ${number(quickMilliseconds)} ms, Chromium ${number(coarse.time)} ms`,
    );
  }
} finally {
  await browser.close();
  server.stop();
}
if (slow) {
  console.error(`a browser takes more than ${MOST} times as long as the native decoder`);
  process.exitCode = 1;
}
