// Builds the package (crates/web/npm/dist) and the page (web/dist) of modules and models that crates/web/build has
// put into crates/web/npm/src.

import { createHash } from 'node:crypto';
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const here = dirname(fileURLToPath(import.meta.url));
const npm = join(here, '../crates/web/npm');
const dist = join(here, 'dist');
const MODULES = ['heirloom_web_bg.wasm', 'heirloom_web_plain_bg.wasm'];

/** All files below a folder, as paths from it. */
function files(folder) {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
    .sort();
}

// The package: one file of JavaScript for each of TypeScript.
rmSync(join(npm, 'dist'), { recursive: true, force: true });
execFileSync(join(here, 'node_modules/.bin/tsc'), ['-p', npm], { stdio: 'inherit' });
cpSync(join(npm, 'src/wasm'), join(npm, 'dist/wasm'), { recursive: true });
mkdirSync(join(npm, 'dist/model'), { recursive: true });
cpSync(join(npm, 'src/model/decoder.safetensors.gz'), join(npm, 'dist/model/decoder.safetensors.gz'));
for (const name of ['LICENSE-MIT', 'LICENSE-APACHE']) cpSync(join(here, '..', name), join(npm, 'dist', name));

// The page: a few bundles.
rmSync(dist, { recursive: true, force: true });
mkdirSync(dist);
const common = { bundle: true, minify: true, target: 'es2022', outdir: dist, logLevel: 'warning', legalComments: 'none' };
await build({ ...common, format: 'esm', entryPoints: ['main', 'worker', 'element'].map((name) => join(here, `src/${name}.ts`)) });
await build({ ...common, entryPoints: [join(here, 'style.css')] });
for (const name of ['index.html', 'icon.svg', 'manifest.webmanifest']) cpSync(join(here, name), join(dist, name));
for (const name of MODULES) cpSync(join(npm, 'src/wasm', name), join(dist, name));
cpSync(join(npm, 'src/model'), join(dist, 'model'), { recursive: true });

// The service worker knows all of them but the encoder, which few readers need, and the module for browsers
// without vectors, of which there are few.
const kept = files(dist).filter((name) => name !== 'model/encoder.safetensors' && name !== MODULES[1]);
const hash = createHash('sha256');
for (const name of kept) hash.update(name).update(readFileSync(join(dist, name)));
await build({
  ...common,
  format: 'iife',
  entryPoints: [join(here, 'src/service-worker.ts')],
  define: { FILES: JSON.stringify(['./', ...kept]), VERSION: JSON.stringify(hash.digest('hex').slice(0, 16)), 'import.meta.url': 'location.href' },
});
// For servers that give no files with the page.
writeFileSync(join(dist, 'files.json'), '[]\n');

const size = (name) => statSync(join(dist, name)).size;
const bytes = [...kept, 'service-worker.js'].reduce((sum, name) => sum + size(name), 0);
for (const name of files(dist)) console.log(`${String(size(name)).padStart(9)}  ${name}`);
console.log(`${bytes} bytes: the page with its decoder`);
if (bytes > 5_000_000) throw new Error('the page with its decoder is larger than 5 MB');
