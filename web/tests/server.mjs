// A server of the built page on this machine, which notes what is asked of it.

import { createServer } from 'node:http';
import { readFile } from 'node:fs/promises';
import { extname, join, normalize } from 'node:path';
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
  noble: join(root, 'web/node_modules/@noble/hashes/esm'),
  tests: join(root, 'web/tests'),
};

/** Starts the server: its address, and a function that ends it. */
export async function start() {
  const server = createServer(async ({ url }, response) => {
    const path = normalize(decodeURIComponent(new URL(url, 'http://localhost').pathname));
    const [, first, ...rest] = path.split('/');
    const file = FOLDERS[first] ? join(FOLDERS[first], ...rest) : join(dist, path === '/' ? 'index.html' : path);
    try {
      const body = await readFile(file);
      response.writeHead(200, { 'Content-Type': KINDS[extname(file)] ?? 'application/octet-stream' }).end(body);
    } catch {
      response.writeHead(404).end();
    }
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { address: `http://127.0.0.1:${server.address().port}/`, stop: () => server.close() };
}
