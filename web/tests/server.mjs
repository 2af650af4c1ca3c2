// A server of the built page on this machine, which notes what is asked of it.

import { createServer } from 'node:http';
import { readFile } from 'node:fs/promises';
import { extname, join, normalize } from 'node:path';
import { build } from 'esbuild';
import { dist, fixtures, npm, root } from './common.mjs';

const KINDS = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.wasm': 'application/wasm',
  '.json': 'application/json',
  '.webmanifest': 'application/manifest+json',
};

/** Folders by the first part of an address; the page has the others. */
const FOLDERS = {
  npm,
  fixtures,
  conformance: join(root, 'conformance'),
  tests: join(root, 'web/tests'),
};

/** The hash function as one file that a page can import. */
async function hashFunction() {
  const contents = "export { blake3 } from '@noble/hashes/blake3';";
  const stdin = { contents, resolveDir: join(root, 'web') };
  const { outputFiles } = await build({ stdin, bundle: true, format: 'esm', write: false });
  return outputFiles[0].contents;
}

/** Starts the server: its address, and a function that ends it. */
export async function start() {
  const blake3 = await hashFunction();
  const server = createServer(async ({ url }, response) => {
    const path = normalize(decodeURIComponent(new URL(url, 'http://localhost').pathname));
    const [, first, ...rest] = path.split('/');
    const file = FOLDERS[first] ? join(FOLDERS[first], ...rest) : join(dist, path === '/' ? 'index.html' : path);
    try {
      const body = path === '/blake3.js' ? blake3 : await readFile(file);
      response.writeHead(200, { 'Content-Type': KINDS[extname(file)] ?? 'application/octet-stream' }).end(body);
    } catch {
      response.writeHead(404).end();
    }
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { address: `http://127.0.0.1:${server.address().port}/`, stop: () => server.close() };
}
