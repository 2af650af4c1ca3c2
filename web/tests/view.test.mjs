// `heirloom view` in Chromium: the files of the command are shown, from the server of the command alone.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import test from 'node:test';
import { conformance, dist, root } from './common.mjs';
import { startBrowser } from './browser.mjs';

const program = process.env.HEIRLOOM ?? join(root, 'target/debug/heirloom');
const { folder, files } = conformance();

test('the files of the command are shown, one after the other', async () => {
  const [photo] = files.filter(({ name }) => name.includes('500x333'));
  const paths = [join(folder, photo.name), join(root, 'assets/sample.png')];
  const command = spawn(program, ['view', '--page', dist, ...paths], { stdio: ['ignore', 'pipe', 'ignore'] });
  const browser = await startBrowser();
  try {
    const [address] = await once(createInterface(command.stdout), 'line');
    const { page, requests } = browser;
    await page.goto(address);
    const status = (text) => page.locator('#status').filter({ hasText: text }).waitFor({ timeout: 120_000 });
    await status(`${photo.name}: decoded`);
    assert.equal(await page.locator('#files [aria-current=true]').innerText(), photo.name);
    // The encoder comes from the command too.
    await page.getByRole('button', { name: 'sample.png' }).click();
    await status('sample.png: encoded and decoded');
    if (process.env.HEIRLOOM_SCREENSHOTS) {
      await page.screenshot({ path: join(process.env.HEIRLOOM_SCREENSHOTS, 'view.png') });
    }
    assert.deepEqual(requests.filter((url) => !url.startsWith(address) && !url.startsWith('blob:')), []);
    assert.ok(requests.includes(`${address}model/encoder.safetensors`));
    // Nothing but the service worker, which the command does not serve, may be missing.
    const problems = browser.problems.filter((text) => !/404/.test(text));
    assert.deepEqual(problems, []);
  } finally {
    command.kill();
    await browser.stop();
  }
});
