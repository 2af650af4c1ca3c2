// Keeps the page for days without a network, and makes PNG of .hlm files where pages show them with <img>.

import { readModel } from 'heirloom-web/bytes';
import { Engine } from 'heirloom-web/engine';
import { compile } from 'heirloom-web/modules';
import { HeirloomError } from 'heirloom-web/failure';

/** Names of all files of the page but the encoder, and a hash of them; set by the build. */
declare const FILES: string[];
declare const VERSION: string;

/** What this file uses of a service worker's global scope; its types are not those of a page. */
interface Scope {
  addEventListener(type: string, listener: (event: Extended) => void): void;
  skipWaiting(): Promise<void>;
  clients: { claim(): Promise<void> };
  registration: { scope: string };
  location: Location;
}
interface Extended {
  request: Request;
  waitUntil(work: Promise<unknown>): void;
  respondWith(answer: Promise<Response>): void;
}
const scope = globalThis as unknown as Scope;

const NAME = `heirloom-${VERSION}`;

scope.addEventListener('install', (event) => {
  const keep = caches.open(NAME).then((cache) => cache.addAll(FILES.map((file) => new Request(file, { cache: 'reload' }))));
  event.waitUntil(keep.then(() => scope.skipWaiting()));
});

scope.addEventListener('activate', (event) => {
  const tidy = async () => {
    for (const name of await caches.keys()) {
      if (name.startsWith('heirloom-') && name !== NAME) await caches.delete(name);
    }
    await scope.clients.claim();
  };
  event.waitUntil(tidy());
});

scope.addEventListener('fetch', (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== 'GET' || url.origin !== scope.location.origin) return;
  if (request.destination === 'image' && url.pathname.toLowerCase().endsWith('.hlm')) {
    event.respondWith(asPng(request));
  } else if (url.href.startsWith(scope.registration.scope) && !/\/files(\.json$|\/)/.test(url.pathname)) {
    event.respondWith(kept(request));
  }
});

/** A file of the page: from the cache, and into it where it was only read now (the encoder). */
async function kept(request: Request): Promise<Response> {
  const cache = await caches.open(NAME);
  const found = await cache.match(request, { ignoreSearch: true });
  if (found) return found;
  const response = await fetch(request);
  if (response.ok && new URL(request.url).pathname.endsWith('/model/encoder.safetensors')) {
    await cache.put(request, response.clone());
  }
  return response;
}

let engine: Promise<Engine> | undefined;

/** The codec in this thread, since a service worker can start no other. */
function codec(): Promise<Engine> {
  const file = (name: string) => kept(new Request(new URL(name, scope.registration.scope)));
  const start = async () => {
    const modules = { simd: () => bytes(file('heirloom_web_bg.wasm')), plain: () => bytes(file('heirloom_web_plain_bg.wasm')) };
    const model = readModel(() => bytes(file('model/decoder.safetensors.gz')));
    return Engine.start(...(await Promise.all([compile(modules), model])));
  };
  engine ??= start();
  engine.catch(() => (engine = undefined));
  return engine;
}

async function bytes(response: Promise<Response>): Promise<Uint8Array> {
  return new Uint8Array(await (await response).arrayBuffer());
}

async function asPng(request: Request): Promise<Response> {
  const response = await fetch(request.url, { credentials: 'same-origin', cache: request.cache });
  if (!response.ok) return response;
  try {
    const png = (await codec()).decodeToPng(new Uint8Array(await response.arrayBuffer()));
    return new Response(new Uint8Array(png), { headers: { 'Content-Type': 'image/png' } });
  } catch (error) {
    // A new module for the next image.
    if (error instanceof HeirloomError && error.kind === 'internal') engine = undefined;
    const text = error instanceof Error ? error.message : String(error);
    return new Response(text, { status: 422, headers: { 'Content-Type': 'text/plain; charset=utf-8' } });
  }
}
