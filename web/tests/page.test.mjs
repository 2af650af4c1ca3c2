// The page in Chromium: dropped files, the slider, saving, other pages' images, no network, no other host.

import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import test, { after, before } from 'node:test';
import { PNG } from 'pngjs';
import { bytesOf, conformance, fixtures, hash, json, npm, read, root } from './common.mjs';
import { drop, saved, startBrowser } from './browser.mjs';
import { start } from './server.mjs';

const { decode, toRgba } = await import(join(npm, 'node.js'));
const { folder, files } = conformance();
const photo = files.find((file) => file.name.includes('500x333'));
const shots = process.env.HEIRLOOM_SCREENSHOTS;
if (shots) mkdirSync(shots, { recursive: true });

let server, browser;
before(async () => {
  server = await start();
  browser = await startBrowser();
});
after(async () => {
  await browser.stop();
  server.stop();
});

const status = (page, text) =>
  page.locator('#status').filter({ hasText: text }).waitFor({ timeout: 120_000 });

/** 8-bit RGB of a PNG file. */
function rgbOf(file) {
  const { data } = PNG.sync.read(file);
  return Buffer.from(data.filter((_, i) => i % 4 < 3));
}

test('in Chromium every conformance file and every random file has the native pixels', async () => {
  const { page } = browser;
  await page.goto(server.address);
  const conformant = files.map(({ name, pixels }) => ({ path: `conformance/${folder.split('/').at(-1)}/${name}`, want: pixels }));
  const list = json(fixtures, 'list.json').filter(({ name }) => name.startsWith('random-'));
  assert.ok(list.length >= 100 && conformant.length >= 27);
  const random = list.map(({ name }) => ({ path: `fixtures/${name}.hlm`, want: hash(read(fixtures, `${name}.raw`)) }));
  const wrong = await page.evaluate(async (all) => {
    const { decode } = await import(new URL('npm/index.js', document.baseURI));
    const { blake3 } = await import(new URL('blake3.js', document.baseURI));
    const wrong = [];
    for (const { path, want } of all) {
      const { data } = await decode(new Uint8Array(await (await fetch(path)).arrayBuffer()));
      const hash = blake3(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
      const hex = [...hash].map((byte) => byte.toString(16).padStart(2, '0')).join('');
      if (hex !== want) wrong.push(path);
    }
    return wrong;
  }, [...conformant, ...random]);
  assert.deepEqual(wrong, []);
});

test('a dropped .hlm file is shown, and saved as PNG with its very pixels', async () => {
  const { page } = browser;
  await page.goto(server.address);
  await drop(page, photo.name, read(folder, photo.name));
  await status(page, 'decoded');
  const png = await saved(page, () => page.getByRole('button', { name: 'PNG' }).click());
  assert.equal(png.name, photo.name.replace('.hlm', '.png'));
  assert.equal(hash(rgbOf(png.bytes)), photo.pixels);
  assert.equal(await page.getByRole('slider', { name: /Divider/ }).count(), 0, 'there is nothing to compare with');
  await page.getByRole('row', { name: /Heirloom/ }).waitFor();
});

test('an image is encoded, compared under the slider, and saved', async () => {
  const { page } = browser;
  await page.goto(server.address);
  const sample = read(root, 'assets/sample.png');
  await drop(page, 'sample.png', sample, 'image/png');
  await status(page, 'encoded and decoded');
  if (shots) await page.screenshot({ path: join(shots, 'desktop.png') });

  // What the table says of the files is so.
  const hlm = await saved(page, () => page.getByRole('button', { name: '.hlm' }).click());
  const png = await saved(page, () => page.locator('#save-png').click());
  const decoded = await decode(new Uint8Array(hlm.bytes));
  assert.equal(hash(rgbOf(png.bytes)), hash(bytesOf(decoded.data)));
  const original = rgbOf(Buffer.from(sample));
  const squares = decoded.data.reduce((sum, value, i) => sum + (value - original[i]) ** 2, 0);
  const psnr = (10 * Math.log10((255 ** 2 * original.length) / squares)).toFixed(2);
  const rows = await page.locator('#measures tbody tr').allInnerTexts();
  assert.match(rows[0], new RegExp(`Heirloom\\s+${hlm.bytes.length.toLocaleString('en')}\\s.*${psnr} dB`));
  assert.match(rows[1], /JPEG/);
  assert.ok(Number(rows[1].split(/\t/)[1].replace(',', '')) <= hlm.bytes.length);

  // The divider by pointer and by keys: left of it the original is on the screen, right of it the decoded image.
  const slider = page.getByRole('slider', { name: /Divider/ });
  const shownAt = async (x) => {
    const box = await page.locator('#frame').boundingBox();
    const shot = PNG.sync.read(await page.screenshot());
    const at = 4 * (Math.round(box.y + box.height / 4) * shot.width + Math.round(box.x + x * box.width));
    return [...shot.data.subarray(at, at + 3)];
  };
  const pixelOf = async (id, x) =>
    page.evaluate(
      ({ id, x }) => {
        const canvas = document.getElementById(id);
        const context = canvas.getContext('2d');
        return [...context.getImageData(Math.round(x * canvas.width), Math.round(canvas.height / 4), 1, 1).data].slice(0, 3);
      },
      { id, x },
    );
  await page.evaluate(() => {
    // Colours that tell the two apart.
    for (const [id, colour] of [['over', '#ff0000'], ['under', '#0000ff']]) {
      const canvas = document.getElementById(id);
      const context = canvas.getContext('2d');
      context.fillStyle = colour;
      context.fillRect(0, 0, canvas.width, canvas.height);
    }
  });
  assert.deepEqual(await pixelOf('over', 0.4), [255, 0, 0]);
  const box = await slider.boundingBox();
  await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
  await page.mouse.down();
  const image = await page.locator('#frame').boundingBox();
  await page.mouse.move(image.x + image.width * 0.8, box.y + box.height / 2, { steps: 5 });
  await page.mouse.up();
  assert.deepEqual([await shownAt(0.6), await shownAt(0.97)], [[255, 0, 0], [0, 0, 255]]);
  await slider.focus();
  await page.keyboard.press('Home');
  assert.deepEqual([await shownAt(0.05), await shownAt(0.6)], [[0, 0, 255], [0, 0, 255]]);
  await page.keyboard.press('End');
  assert.deepEqual(await shownAt(0.97), [255, 0, 0]);
  assert.match(await slider.getAttribute('aria-valuetext'), /100 % Original/);
  await page.keyboard.press('PageDown');
  assert.doesNotMatch(await slider.getAttribute('aria-valuetext'), /^100 %/);

  // The JPEG on the left, another quality, and zoom by keys.
  await page.getByLabel('JPEG').check({ force: true });
  assert.equal(await page.locator('#left-name').innerText(), 'JPEG');
  await page.getByLabel('Quality').fill('20');
  await page.getByLabel('Quality').dispatchEvent('change');
  await page.waitForFunction((old) => document.querySelector('#measures tbody tr').innerText !== old, rows[0], {
    timeout: 120_000,
  });
  await status(page, 'encoded and decoded');
  await page.locator('#scroller').focus();
  await page.keyboard.press('1');
  assert.equal(await page.locator('#zoom-value').innerText(), '100 %');
  await page.keyboard.press('+');
  await page.keyboard.press('+');
  assert.equal(await page.locator('#zoom-value').innerText(), '200 %');
  if (shots) await page.screenshot({ path: join(shots, 'zoomed.png') });
});

test('a file that is none is refused with the reason, and the page goes on', async () => {
  const { page } = browser;
  await page.goto(server.address);
  const file = read(folder, photo.name);
  await drop(page, 'broken.hlm', file.subarray(0, 700));
  await page.locator('#status.wrong').waitFor();
  assert.match(await page.locator('#status').innerText(), /end|cut|missing/);
  await drop(page, 'text.png', Buffer.from('no image'));
  await status(page, 'neither a Heirloom file nor an image');
  await drop(page, photo.name, file);
  await status(page, 'decoded');
});

test('an image with alpha keeps it', async () => {
  const { page } = browser;
  await page.goto(server.address);
  const image = new PNG({ width: 40, height: 30 });
  for (let i = 0; i < image.data.length; i += 4) image.data.set([200, 100, 50, i % 400 < 200 ? 255 : 0], i);
  await drop(page, 'alpha.png', PNG.sync.write(image), 'image/png');
  await status(page, 'encoded and decoded');
  const hlm = await saved(page, () => page.getByRole('button', { name: '.hlm' }).click());
  const decoded = await decode(new Uint8Array(hlm.bytes));
  assert.equal(decoded.format, 'rgba8');
  const alpha = (data) => [...data].filter((_, i) => i % 4 === 3);
  assert.deepEqual(alpha(decoded.data), alpha(image.data));
});

test('other pages show .hlm files by an element, and by <img> with the service worker', async () => {
  const { page } = browser;
  await page.goto(server.address);
  await page.evaluate(() => navigator.serviceWorker.ready);
  await page.goto(`${server.address}tests/element.html`);
  const src = `/conformance/${folder.split('/').at(-1)}/${photo.name}`;
  const element = await page.evaluate(async (src) => {
    await customElements.whenDefined('heirloom-image');
    const image = document.createElement('heirloom-image');
    image.setAttribute('alt', 'A photograph');
    image.src = src;
    document.body.append(image);
    await new Promise((resolve, reject) => {
      image.addEventListener('load', resolve);
      image.addEventListener('error', ({ detail }) => reject(detail));
    });
    const canvas = image.shadowRoot.querySelector('canvas');
    const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
    return { size: [image.naturalWidth, image.naturalHeight], rgba: [...data], width: image.clientWidth };
  }, src);
  const want = await decode(read(folder, photo.name));
  assert.deepEqual(element.size, [photo.width, photo.height]);
  assert.equal(element.width, photo.width);
  assert.equal(hash(Uint8Array.from(element.rgba)), hash(bytesOf(toRgba(want))));
  await page.getByRole('img', { name: 'A photograph' }).waitFor();

  const image = await page.evaluate(async (src) => {
    const image = new Image();
    image.src = src;
    await image.decode();
    const canvas = new OffscreenCanvas(image.naturalWidth, image.naturalHeight);
    const context = canvas.getContext('2d');
    context.drawImage(image, 0, 0);
    return [...context.getImageData(0, 0, canvas.width, canvas.height).data];
  }, src);
  assert.equal(hash(Uint8Array.from(image)), hash(bytesOf(toRgba(want))));
  const problem = await page.evaluate(async () => {
    const image = document.createElement('heirloom-image');
    const failed = new Promise((resolve) => image.addEventListener('error', ({ detail }) => resolve(detail.message)));
    image.src = '/nothing.hlm';
    document.body.append(image);
    return failed;
  });
  assert.match(problem, /404/);
  browser.problems.length = 0; // the browser's own note of the missing file
});

test('the page works without a network', async () => {
  const { page, context } = browser;
  await page.goto(server.address);
  await page.evaluate(() => navigator.serviceWorker.ready);
  await context.setOffline(true);
  await page.reload();
  await drop(page, photo.name, read(folder, photo.name));
  await status(page, 'decoded');
  await context.setOffline(false);
  browser.problems.length = 0; // the list of served files, which has to come from the network
});

test('on a phone nothing is wider than the screen', async () => {
  const phone = await startBrowser({ viewport: { width: 390, height: 844 }, deviceScaleFactor: 2, colorScheme: 'dark' });
  try {
    const { page } = phone;
    await page.goto(server.address);
    if (shots) await page.screenshot({ path: join(shots, 'phone-empty.png') });
    await drop(page, 'sample.png', read(root, 'assets/sample.png'), 'image/png');
    await status(page, 'encoded and decoded');
    const wide = await page.evaluate(() => document.documentElement.scrollWidth);
    assert.ok(wide <= 390, `${wide} pixels`);
    if (shots) await page.screenshot({ path: join(shots, 'phone.png'), fullPage: true });
    assert.deepEqual(phone.problems, []);
  } finally {
    await phone.stop();
  }
});

test('no other host was asked for anything, and nothing went wrong', () => {
  const { requests, problems } = browser;
  assert.ok(requests.length > 100);
  const foreign = requests.filter((url) => !url.startsWith(server.address) && !/^(blob|data):/.test(url));
  assert.deepEqual(foreign, []);
  assert.deepEqual(problems, []);
});
