// The stage: two images over each other, a divider between them, and how large they are shown.

import type { Rgba } from './pixels';

const element = <T extends HTMLElement>(id: string) => document.getElementById(id) as T;

const stage = element('stage');
const scroller = element('scroller');
const frame = element('frame');
const under = element<HTMLCanvasElement>('under');
const over = element<HTMLCanvasElement>('over');
const divider = element('divider');
const slider = element<HTMLInputElement>('slider');
const names = { left: element('left-name'), right: element('right-name') };
const zoomValue = element('zoom-value');

/** Half of the slider's thumb, by which the divider stays away from the edges. */
const MARGIN = 22;
const MOST = 16;

/** Screen pixels per image pixel, `fit` for as large as fits but no larger than the image. */
let zoom: number | 'fit' = 'fit';
let size = { width: 0, height: 0 };

/** Shows an image on the right, and possibly another one left of the divider. */
export function show(right: { image: Rgba; name: string }, left?: { image: Rgba; name: string }): void {
  element('invitation').hidden = true;
  scroller.hidden = false;
  draw(under, right.image);
  under.ariaLabel = `${right.name} image`;
  names.right.textContent = right.name;
  names.right.hidden = !left;
  for (const part of [over, divider, slider, names.left]) part.hidden = !left;
  if (left) {
    draw(over, left.image);
    over.ariaLabel = `${left.name} image`;
    names.left.textContent = left.name;
  }
}

/** Tells how large the image is, which a coarse copy of it is not, and whether it is a copy. */
export function state(now: 'empty' | 'coarse' | 'whole', width: number, height: number): void {
  stage.dataset.state = now;
  const changed = width !== size.width || height !== size.height;
  size = { width, height };
  if (changed) zoom = 'fit';
  layout();
}

function draw(canvas: HTMLCanvasElement, image: Rgba): void {
  [canvas.width, canvas.height] = [image.width, image.height];
  canvas.getContext('2d')?.putImageData(new ImageData(image.data, image.width), 0, 0);
}

function fitting(): number {
  return Math.min(1, scroller.clientWidth / size.width, scroller.clientHeight / size.height);
}

function factor(): number {
  return zoom === 'fit' ? fitting() : zoom;
}

function layout(): void {
  if (!size.width || scroller.hidden) return;
  const now = factor();
  frame.style.width = `${size.width * now}px`;
  frame.style.height = `${size.height * now}px`;
  frame.classList.toggle('large-pixels', now >= 2);
  zoomValue.textContent = `${Math.round(100 * now)} %`;
  divide();
}

/** Cuts the left image off at the divider, which stays where it is while the images move below it. */
function divide(): void {
  if (over.hidden) return;
  const width = stage.clientWidth;
  const share = Number(slider.value) / Number(slider.max);
  const x = MARGIN + share * (width - 2 * MARGIN);
  divider.style.left = `${x}px`;
  const edges = over.getBoundingClientRect();
  // At its ends the divider shows one image alone.
  const place = share <= 0 ? 0 : share >= 1 ? width : x;
  const shown = stage.getBoundingClientRect().left + stage.clientLeft + place - edges.left;
  over.style.clipPath = `inset(0 ${Math.max(0, edges.width - Math.max(0, shown))}px 0 0)`;
  slider.ariaValueText = `${Math.round(100 * share)} % ${names.left.textContent}`;
}

/** Changes the zoom, and keeps the middle of the stage where it is. */
export function setZoom(to: 'in' | 'out' | 'fit' | 'one'): void {
  const before = factor();
  if (to === 'fit') zoom = 'fit';
  else if (to === 'one') zoom = 1 / (devicePixelRatio || 1);
  else zoom = Math.min(MOST, Math.max(1 / MOST, before * (to === 'in' ? Math.SQRT2 : Math.SQRT1_2)));
  const ratio = factor() / before;
  const middle = [scroller.scrollLeft + scroller.clientWidth / 2, scroller.scrollTop + scroller.clientHeight / 2];
  layout();
  scroller.scrollTo(middle[0]! * ratio - scroller.clientWidth / 2, middle[1]! * ratio - scroller.clientHeight / 2);
}

/** Moves the image with the pointer. */
function drag(event: PointerEvent): void {
  if (event.button !== 0 || event.pointerType === 'touch') return;
  const [x, y] = [event.clientX + scroller.scrollLeft, event.clientY + scroller.scrollTop];
  const move = (now: PointerEvent) => scroller.scrollTo(x - now.clientX, y - now.clientY);
  scroller.setPointerCapture(event.pointerId);
  scroller.addEventListener('pointermove', move);
  const end = () => scroller.removeEventListener('pointermove', move);
  scroller.addEventListener('pointerup', end, { once: true });
  scroller.addEventListener('pointercancel', end, { once: true });
}

slider.addEventListener('input', divide);
scroller.addEventListener('scroll', divide);
scroller.addEventListener('pointerdown', drag);
scroller.addEventListener('keydown', (event) => {
  const keys: Record<string, Parameters<typeof setZoom>[0]> = { '+': 'in', '=': 'in', '-': 'out', 0: 'fit', 1: 'one' };
  const to = keys[event.key];
  if (!to || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  setZoom(to);
});
scroller.addEventListener(
  'wheel',
  (event) => {
    if (!event.ctrlKey) return;
    event.preventDefault();
    setZoom(event.deltaY < 0 ? 'in' : 'out');
  },
  { passive: false },
);
element('zoom').addEventListener('click', ({ target }) => {
  const to = (target as HTMLElement).dataset['zoom'];
  if (to) setZoom(to as Parameters<typeof setZoom>[0]);
});
new ResizeObserver(layout).observe(stage);
