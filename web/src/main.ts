// The page: what is opened, what is done with it, and what is saved.

import type { HeirloomImage, Info } from 'heirloom-web';
import { toRgba } from 'heirloom-web';
import { codec } from './codec';
import { showFacts, showMeasures } from './measures';
import type { Measure } from './measures';
import type { Jpeg, Rgba } from './pixels';
import { jpegOfSize, psnr, readOriginal, toCodec } from './pixels';
import { servedFiles } from './served';
import { show, state } from './viewer';

const element = <T extends HTMLElement>(id: string) => document.getElementById(id) as T;
const picker = element<HTMLInputElement>('file');
const quality = element<HTMLInputElement>('quality');

/** A file that can be shown. Its bytes are read when it is. */
interface Entry {
  name: string;
  open(): Promise<Blob>;
}

/** What is shown. */
interface Shown {
  name: string;
  /** The Heirloom file. */
  file: Uint8Array<ArrayBuffer>;
  info: Info;
  image: HeirloomImage;
  original?: { bytes: number; pixels: Rgba };
  jpeg?: Jpeg;
}

let entries: Entry[] = [];
let shown: Shown | undefined;
let original: { name: string; bytes: number; pixels: Rgba } | undefined;
let work = new AbortController();

function say(text: string, wrong = false): void {
  element('status').textContent = text;
  element('status').classList.toggle('wrong', wrong);
}

/** Does something that later work takes the place of, and says what goes wrong. */
async function replace(what: (signal: AbortSignal) => Promise<void>): Promise<void> {
  work.abort();
  const { signal } = (work = new AbortController());
  try {
    await what(signal);
  } catch (error) {
    if (!signal.aborted) say(error instanceof Error ? error.message : String(error), true);
  }
}

function add(more: Entry[]): void {
  if (!more.length) return;
  const first = entries.length;
  entries = [...entries, ...more];
  const list = element('files');
  list.hidden = entries.length < 2;
  list.replaceChildren(
    ...entries.map((entry, index) => {
      const button = document.createElement('button');
      button.type = 'button';
      button.textContent = entry.name;
      button.addEventListener('click', () => open(index));
      return button;
    }),
  );
  open(first);
}

function open(index: number): void {
  const entry = entries[index]!;
  element('files').querySelectorAll('button').forEach((button, i) => {
    button.setAttribute('aria-current', String(i === index));
  });
  void replace(async (signal) => {
    say(`Opening ${entry.name}…`);
    const blob = await entry.open();
    const bytes = new Uint8Array(await blob.arrayBuffer());
    if (signal.aborted) return;
    const isHeirloom = String.fromCharCode(...bytes.subarray(1, 4)) === 'HLM';
    original = undefined;
    if (isHeirloom || entry.name.toLowerCase().endsWith('.hlm')) {
      await decode(entry.name, bytes, signal);
    } else {
      const pixels = await readOriginal(blob);
      if (signal.aborted) return;
      original = { name: entry.name, bytes: blob.size, pixels };
      await encode(original, signal);
    }
  });
}

async function decode(name: string, file: Uint8Array<ArrayBuffer>, signal: AbortSignal): Promise<void> {
  const info = await codec.info(file, { signal });
  const { width, height } = info;
  const current = original;
  const left = current && { image: current.pixels, name: 'Original' };
  const onCoarse = (coarse: HeirloomImage) => {
    if (signal.aborted || current) return;
    show({ image: rgba(coarse), name: 'Decoded' });
    state('coarse', width, height);
    say(`Decoding ${name}…`);
  };
  const begin = performance.now();
  // Where the original is on the screen already, a coarse image would only flicker.
  const image = await codec.decode(file, { signal, ...(current ? {} : { onCoarse }) });
  const milliseconds = performance.now() - begin;
  const pixels = rgba(image);
  show({ image: pixels, name: 'Heirloom' }, left);
  state('whole', width, height);
  shown = { name: name.replace(/\.[^.]*$/, ''), file, info, image };
  const measures: Measure[] = [{ name: 'Heirloom', bytes: file.length }];
  element('panel').hidden = false;
  for (const id of ['against', 'rate', 'save-hlm']) element(id).hidden = !current;
  showFacts(info, milliseconds);
  if (!current) {
    showMeasures(measures, width * height);
    say(`${name}: decoded`);
    return;
  }
  shown.original = current;
  measures[0]!.psnr = psnr(current.pixels, pixels);
  showMeasures(measures, width * height);
  const jpeg = await jpegOfSize(current.pixels, file.length);
  if (signal.aborted) return;
  shown.jpeg = jpeg;
  const label = jpeg.bytes > file.length ? 'The smallest JPEG' : `JPEG, quality ${Math.round(100 * jpeg.quality)}`;
  measures.push({ name: label, bytes: jpeg.bytes, psnr: psnr(current.pixels, jpeg.image) });
  measures.push({ name: current.name, bytes: current.bytes });
  showMeasures(measures, width * height);
  compare();
  say(`${current.name}: encoded and decoded`);
}

async function encode(from: NonNullable<typeof original>, signal: AbortSignal): Promise<void> {
  const { width, height } = from.pixels;
  if (!shown || shown.original !== from) {
    show({ image: from.pixels, name: 'Original' });
    state('whole', width, height);
  }
  say(`Encoding ${from.name}… The first image takes longer, since the encoder is loaded (7 MB).`);
  const file = await codec.encode(toCodec(from.pixels), { quality: Number(quality.value), signal });
  say(`Decoding ${from.name}…`);
  await decode(from.name, new Uint8Array(file), signal);
}

function rgba(image: HeirloomImage): Rgba {
  return { width: image.width, height: image.height, data: toRgba(image) };
}

/** Shows what is asked for on the left of the divider. */
function compare(): void {
  if (!shown?.original) return;
  const wanted = document.querySelector<HTMLInputElement>('input[name=left]:checked')?.value;
  const right = { image: rgba(shown.image), name: 'Heirloom' };
  if (wanted === 'jpeg' && shown.jpeg) show(right, { image: shown.jpeg.image, name: 'JPEG' });
  else show(right, { image: shown.original.pixels, name: 'Original' });
  state('whole', shown.image.width, shown.image.height);
}

function save(bytes: Uint8Array, name: string, type: string): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob([new Uint8Array(bytes)], { type }));
  link.download = name;
  link.click();
  // The browser reads it after this turn.
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

const choose = () => picker.click();
element('open').addEventListener('click', choose);
element('choose').addEventListener('click', choose);
const ofFiles = (files: Iterable<File>): Entry[] =>
  [...files].map((file) => ({ name: file.name, open: () => Promise.resolve(file) }));
picker.addEventListener('change', () => {
  add(ofFiles(picker.files ?? []));
  picker.value = '';
});
addEventListener('dragover', (event) => {
  event.preventDefault();
  element('stage').classList.add('over');
});
addEventListener('dragleave', ({ relatedTarget }) => {
  if (!relatedTarget) element('stage').classList.remove('over');
});
addEventListener('drop', (event) => {
  event.preventDefault();
  element('stage').classList.remove('over');
  add(ofFiles(event.dataTransfer?.files ?? []));
});
addEventListener('paste', ({ clipboardData }) => add(ofFiles(clipboardData?.files ?? [])));
element('against').addEventListener('change', compare);
quality.addEventListener('input', () => {
  element('quality-value').textContent = quality.value;
});
quality.addEventListener('change', () => {
  const from = original;
  if (from) void replace((signal) => encode(from, signal));
});
element('save-png').addEventListener('click', async () => {
  if (!shown) return;
  const { name, image } = shown;
  try {
    save(await codec.toPng(image), `${name}.png`, 'image/png');
  } catch (error) {
    say((error as Error).message, true);
  }
});
element('save-hlm').addEventListener('click', () => {
  if (shown) save(shown.file, `${shown.name}.hlm`, 'application/octet-stream');
});

// For other pages' images, and for days without a network.
if ('serviceWorker' in navigator) {
  navigator.serviceWorker.register('service-worker.js').catch(() => {
    // A private window, or a page that was saved: it works without.
  });
}
void servedFiles().then(add);
