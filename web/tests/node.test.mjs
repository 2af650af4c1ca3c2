// The package in Node: the same bits as the native build, and an interface that stays whole whatever happens.

import assert from 'node:assert/strict';
import { join } from 'node:path';
import test from 'node:test';
import { bytesOf, conformance, dist, fixtures, hash, json, metadataHash, npm, packagedModel, random, read } from './common.mjs';
import { mutated } from './mutated.mjs';

const { createCodec, decode, HeirloomError, info, toRgba } = await import(join(npm, 'node.js'));
const { Engine } = await import(join(npm, 'engine.js'));
const model = packagedModel();
const encoder = read(dist, 'model/encoder.safetensors');
const MODULES = { simd: 'heirloom_web_bg.wasm', plain: 'heirloom_web_plain_bg.wasm' };
const module = new WebAssembly.Module(read(npm, 'wasm', MODULES.simd));
const { folder, files } = conformance();
const photo = files.find((file) => file.name.includes('500x333'));
const photoFile = read(folder, photo.name);

for (const name of ['simd', 'plain']) {
  test(`every conformance file has the hashes of its manifest (${name})`, async () => {
    const bytes = read(npm, 'wasm', MODULES[name]);
    const codec = createCodec({ modules: { simd: bytes, plain: bytes } });
    for (const entry of files) {
      const file = read(folder, entry.name);
      assert.equal(hash(file), entry.file, entry.name);
      const image = await codec.decode(file);
      assert.deepEqual([image.width, image.height, image.format], [entry.width, entry.height, entry.format]);
      assert.equal(hash(bytesOf(image.data)), entry.pixels, entry.name);
      assert.equal(metadataHash(image.metadata), entry.metadata ?? null, entry.name);
      assert.equal((await codec.info(file)).lambda, Math.fround(entry.lambda));
    }
  });
}

test('there is a module with vectors and one without', () => {
  assert.equal(Engine.start(module, model).instructionSet, 'simd128');
  const plain = new WebAssembly.Module(read(npm, 'wasm', MODULES.plain));
  assert.throws(() => Engine.start(plain, model), /another module/);
  assert.notDeepEqual(read(npm, 'wasm', MODULES.plain), read(npm, 'wasm', MODULES.simd));
});

test('random files have the pixels of the native decoder, and images its files', () => {
  const engine = Engine.start(module, model);
  engine.useEncoder(encoder);
  const list = json(fixtures, 'list.json').filter(({ name }) => name.startsWith('random-'));
  assert.ok(list.length >= 100);
  let encoded = 0;
  for (const { name, width, height, format, lambda, lossless } of list) {
    const file = read(fixtures, `${name}.hlm`);
    assert.equal(hash(bytesOf(engine.decode(file).data)), hash(read(fixtures, `${name}.raw`)), name);
    if (width * height > 20_000) continue; // encoding takes its time
    const source = read(fixtures, `${name}.source`);
    const data = format.endsWith('16') ? new Uint16Array(source.buffer) : source;
    assert.deepEqual(engine.encode({ width, height, format, data }, { lambda, lossless }), file, name);
    encoded += 1;
  }
  assert.ok(encoded >= 30, `${encoded} were small enough to encode`);
});

test('crop, scale and the coarse image are parts of the whole', async () => {
  const whole = await decode(photoFile);
  const part = await decode(photoFile, { crop: [100, 50, 40, 30] });
  assert.deepEqual([part.width, part.height], [40, 30]);
  for (let y = 0; y < 30; y++) {
    const row = 3 * ((50 + y) * whole.width + 100);
    assert.deepEqual(part.data.subarray(120 * y, 120 * (y + 1)), whole.data.subarray(row, row + 120));
  }
  const half = await decode(photoFile, { scale: 2 });
  assert.deepEqual([half.width, half.height], [250, 167]);
  const mean = (whole.data[0] + whole.data[3] + whole.data[1500] + whole.data[1503]) / 4;
  assert.ok(Math.abs(half.data[0] - mean) <= 0.5);
  const order = [];
  const onCoarse = (coarse) => order.push(`${coarse.width} × ${coarse.height}`);
  await decode(photoFile, { onCoarse }).then(() => order.push('whole'));
  assert.deepEqual(order, ['63 × 42', 'whole']);
});

test('a bad file or request is a rejected promise with a kind and a message', async () => {
  const rejected = async (promise, kind, message) => {
    await assert.rejects(promise, (error) => {
      assert.ok(error instanceof HeirloomError);
      assert.equal(error.kind, kind, error.message);
      assert.match(error.message, message);
      return true;
    });
  };
  await rejected(decode(new Uint8Array([1, 2, 3])), 'not-heirloom', /not a Heirloom file/);
  await rejected(decode(photoFile.subarray(0, 900)), 'cut-short', /./);
  await rejected(decode(photoFile, { memoryLimit: 1e6 }), 'over-limit', /memory/);
  await rejected(decode(photoFile, { maxPixels: 1000 }), 'over-limit', /pixel count/);
  await rejected(decode(photoFile, { scale: 3 }), 'bad-parameter', /scale is 3/);
  await rejected(decode(photoFile, { crop: [490, 0, 20, 1] }), 'bad-parameter', /./);
  const image = { width: 2, height: 1, format: 'rgb8', data: new Uint8Array(5) };
  await rejected(createCodec().toPng(image), 'bad-parameter', /5 samples/);
  const other = createCodec({ model: new Uint8Array(100) });
  await rejected(other.decode(photoFile), 'bad-model', /./);
  const missing = createCodec({ model: new URL('missing.safetensors', import.meta.url) });
  await assert.rejects(missing.info(photoFile), /no such file/);
  const decodes = createCodec();
  await rejected(decodes.encode(await decode(photoFile)), 'bad-model', /encoder/);
});

test('a call that is given up ends at once, and the next one works', async () => {
  const codec = createCodec();
  const before = await codec.decode(photoFile);
  for (const delay of [0, 5, 40]) {
    const begin = performance.now();
    await assert.rejects(codec.decode(photoFile, { signal: AbortSignal.timeout(delay) }), /TimeoutError|aborted/);
    assert.ok(performance.now() - begin < delay + 200);
  }
  // One that waits in the queue does not disturb the one at work.
  const stop = new AbortController();
  const [first, second] = [codec.decode(photoFile), codec.decode(photoFile, { signal: stop.signal })];
  stop.abort(new Error('no more'));
  await assert.rejects(second, /no more/);
  assert.deepEqual(await first, before);
  const [a, b] = await Promise.all([codec.info(photoFile), codec.decode(photoFile)]);
  assert.equal(a.width, b.width);
  codec.dispose();
  await assert.rejects(codec.info(photoFile), /disposed/);
});

test('encoding needs its model, which is read when it is needed', async () => {
  let reads = 0;
  const codec = createCodec({
    encoder: async () => {
      reads += 1;
      return encoder;
    },
  });
  const image = await codec.decode(photoFile, { crop: [0, 0, 96, 64] });
  assert.equal(reads, 0);
  const file = await codec.encode(image, { quality: 40 });
  await codec.encode(image, { targetBytes: 900 }).then((small) => assert.ok(small.length <= 900));
  assert.equal(reads, 1);
  const { width, height, bytes } = await codec.info(file);
  assert.deepEqual([width, height, bytes], [96, 64, file.length]);
  await assert.rejects(codec.encode(image, { quality: 40, lambda: 30 }), /one of quality/);
});

test('metadata travels through encode, decode and PNG', async () => {
  const codec = createCodec({ encoder });
  const metadata = {
    icc: Uint8Array.from({ length: 300 }, (_, i) => i),
    exif: Uint8Array.from([73, 73, 42, 0, 8, 0, 0, 0, 0, 0]),
    xmp: new TextEncoder().encode('<x/>'),
    cicp: [1, 13, 0, 1],
    resolution: [3000, 3000, 1],
  };
  const image = { width: 2, height: 1, format: 'rgb16', data: Uint16Array.from([0, 1, 2, 3, 4, 65535]), metadata };
  const decoded = await codec.decode(await codec.encode(image, { lossless: 'always' }));
  assert.deepEqual(decoded, image);
  const png = Buffer.from(await codec.toPng(decoded));
  for (const chunk of ['iCCP', 'eXIf', 'iTXt', 'cICP', 'pHYs', 'IDAT']) assert.ok(png.includes(chunk), chunk);
});

test('toRgba widens grey, rounds 16 bits and keeps alpha', () => {
  const rgba = (format, data) => [...toRgba({ width: 1, height: 1, format, data })];
  assert.deepEqual(rgba('grey8', Uint8Array.of(7)), [7, 7, 7, 255]);
  assert.deepEqual(rgba('grey-alpha8', Uint8Array.of(7, 8)), [7, 7, 7, 8]);
  assert.deepEqual(rgba('rgb8', Uint8Array.of(1, 2, 3)), [1, 2, 3, 255]);
  // 128.5 · 257 = 33024.5: below it is 128.
  assert.deepEqual(rgba('rgba16', Uint16Array.of(0, 33024, 33025, 65535)), [0, 128, 129, 255]);
});

test('2,000 mutated files: no trap, no hang, no memory that stays', { timeout: 3_600_000 }, () => {
  const engine = Engine.start(module, model);
  const small = files.filter(({ width, height }) => width * height <= 20_000);
  const seeds = small.map(({ name }) => read(folder, name));
  // What the largest of them needs is taken first.
  const options = { maxPixels: 2 ** 17, memoryLimit: 2 ** 27 };
  const largest = files.find(({ width, height }) => width * height > 100_000);
  engine.decode(read(folder, largest.name), { memoryLimit: 2 ** 28 });
  const kinds = new Map();
  const draw = random(7);
  let before;
  for (let round = 0; round < 2000; round++) {
    if (round === 100) before = engine.memoryTaken;
    const file = mutated(seeds[round % seeds.length], draw);
    const begin = performance.now();
    let kind = 'decoded';
    try {
      engine.decode(file, options);
    } catch (error) {
      assert.ok(error instanceof HeirloomError, String(error));
      kind = error.kind;
    }
    assert.notEqual(kind, 'internal');
    assert.ok(performance.now() - begin < 20_000, `file ${round} took too long`);
    kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
  }
  console.log([...kinds].map(([kind, count]) => `${count} ${kind}`).join(', '), `; ${engine.memoryTaken} bytes`);
  assert.ok(kinds.get('decoded') > 30 && kinds.get('damaged') > 500, 'mutations of every depth');
  assert.equal(engine.memoryTaken, before);
  assert.equal(hash(bytesOf(engine.decode(photoFile).data)), photo.pixels);
});

test('a trap ends its call and nothing else', async () => {
  // A module whose memory cannot grow: allocation fails, which no codec survives.
  const engine = Engine.start(module, model);
  const memory = engine.memory;
  const page = 2 ** 16;
  let taken = 0;
  for (const step of [1024, 32, 1]) {
    try {
      for (;;) {
        memory.grow(step);
        taken += step * page;
      }
    } catch {
      // Nothing is left, or less than a step.
    }
  }
  assert.ok(taken > 2 ** 30);
  assert.throws(() => engine.decode(photoFile), { kind: 'internal' });
  assert.throws(() => engine.info(photoFile), { kind: 'internal' }, 'a dead engine says so');
  const next = Engine.start(module, model);
  assert.equal(hash(bytesOf(next.decode(photoFile).data)), photo.pixels);
  assert.equal((await info(photoFile)).width, photo.width);
});
