// Chromium without a window, and a page that watches itself.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium } from 'playwright-core';

export const executablePath = process.env.CHROMIUM ?? '/usr/bin/chromium';

export const ARGUMENTS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** Starts a browser with an empty profile. `requests` and `problems` fill up while it is used. */
export async function startBrowser(options = {}) {
  const profile = mkdtempSync(join(tmpdir(), 'heirloom-page-'));
  const context = await chromium.launchPersistentContext(profile, {
    executablePath,
    args: ARGUMENTS,
    acceptDownloads: true,
    viewport: { width: 1280, height: 860 },
    ...options,
  });
  const [requests, problems] = [[], []];
  context.on('request', (request) => requests.push(request.url()));
  context.on('page', (page) => watch(page, problems));
  const page = await context.newPage();
  const stop = async () => {
    await context.close();
    rmSync(profile, { recursive: true, force: true });
  };
  return { context, page, requests, problems, stop };
}

function watch(page, problems) {
  page.on('pageerror', (error) => problems.push(String(error)));
  page.on('console', (message) => {
    if (message.type() === 'error') problems.push(message.text());
  });
}

/** Drops a file onto the page. */
export async function drop(page, name, bytes, type = '') {
  const data = Buffer.from(bytes).toString('base64');
  await page.evaluate(
    ({ name, data, type }) => {
      const transfer = new DataTransfer();
      transfer.items.add(new File([Uint8Array.from(atob(data), (c) => c.charCodeAt(0))], name, { type }));
      const target = document.getElementById('stage');
      for (const kind of ['dragover', 'drop']) {
        target.dispatchEvent(new DragEvent(kind, { dataTransfer: transfer, bubbles: true, cancelable: true }));
      }
    },
    { name, data, type },
  );
}

/** Clicks something and returns the file that is saved. */
export async function saved(page, click) {
  const [download] = await Promise.all([page.waitForEvent('download'), click()]);
  const chunks = [];
  for await (const chunk of await download.createReadStream()) chunks.push(chunk);
  return { name: download.suggestedFilename(), bytes: Buffer.concat(chunks) };
}
