/**
 * The element `<heirloom-image src="photo.hlm" alt="…">`: like `<img>`, with a coarse image first.
 *
 * Importing this file defines it. Attributes: `src`; `alt`; `loading="lazy"`, which waits until the element is
 * near the viewport. Properties: `naturalWidth`, `naturalHeight`, `complete`. Events: `load`; `error`, whose
 * `detail` is the error. Its size is that of the image unless CSS sets another one.
 */

import { HeirloomError, sharedCodec, toRgba } from './index.js';
import type { HeirloomImage } from './types.js';

const STYLE = ':host{display:inline-block;max-width:100%}canvas{display:block;width:100%;height:auto}';

export class HeirloomImageElement extends HTMLElement {
  static readonly observedAttributes = ['src', 'alt'];

  /** Width of the image in pixels, 0 until it is known. */
  naturalWidth = 0;
  /** Height of the image in pixels, 0 until it is known. */
  naturalHeight = 0;
  /** Whether nothing is being loaded. */
  complete = true;

  private readonly canvas = document.createElement('canvas');
  private loading: AbortController | undefined;
  private observer: IntersectionObserver | undefined;

  constructor() {
    super();
    const root = this.attachShadow({ mode: 'open' });
    const style = new CSSStyleSheet();
    style.replaceSync(STYLE);
    root.adoptedStyleSheets = [style];
    this.canvas.width = this.canvas.height = 0;
    root.append(this.canvas);
  }

  /** Address of the file. */
  get src(): string {
    const src = this.getAttribute('src');
    return src === null ? '' : new URL(src, document.baseURI).href;
  }

  set src(address: string) {
    this.setAttribute('src', address);
  }

  connectedCallback(): void {
    if (!this.hasAttribute('role')) this.setAttribute('role', 'img');
    this.begin();
  }

  disconnectedCallback(): void {
    this.cancel();
  }

  attributeChangedCallback(name: string): void {
    if (name === 'alt') {
      // As for <img>: an empty text marks decoration.
      const alt = this.getAttribute('alt');
      if (alt) this.setAttribute('aria-label', alt);
      else this.removeAttribute('aria-label');
      this.ariaHidden = alt === '' ? 'true' : null;
    } else if (this.isConnected) {
      this.begin();
    }
  }

  private cancel(): void {
    this.observer?.disconnect();
    this.loading?.abort();
    this.loading = undefined;
    this.complete = true;
  }

  private begin(): void {
    this.cancel();
    if (!this.src) return;
    this.complete = false;
    if (this.getAttribute('loading') !== 'lazy') return void this.load();
    this.observer = new IntersectionObserver(
      (entries) => {
        if (!entries.some((entry) => entry.isIntersecting)) return;
        this.observer?.disconnect();
        void this.load();
      },
      { rootMargin: '200px' },
    );
    this.observer.observe(this);
  }

  private async load(): Promise<void> {
    const loading = (this.loading = new AbortController());
    const { signal } = loading;
    try {
      const response = await fetch(this.src, { signal });
      if (!response.ok) throw new HeirloomError('failed', `${this.src}: the server answers ${response.status}`);
      const file = new Uint8Array(await response.arrayBuffer());
      const codec = sharedCodec();
      const { width, height } = await codec.info(file, { signal });
      [this.naturalWidth, this.naturalHeight] = [width, height];
      const image = await codec.decode(file, { signal, onCoarse: (coarse) => this.show(coarse) });
      this.show(image);
      this.complete = true;
      this.dispatchEvent(new Event('load'));
    } catch (error) {
      if (signal.aborted) return;
      this.complete = true;
      this.dispatchEvent(new CustomEvent('error', { detail: error }));
    }
  }

  private show(image: HeirloomImage): void {
    const { canvas } = this;
    [canvas.width, canvas.height] = [image.width, image.height];
    // The size of the image also while a coarse copy stands in.
    canvas.style.aspectRatio = `${this.naturalWidth} / ${this.naturalHeight}`;
    canvas.style.width = `${this.naturalWidth}px`;
    canvas.style.maxWidth = '100%';
    canvas.getContext('2d')?.putImageData(new ImageData(toRgba(image), image.width), 0, 0);
  }
}

if (!customElements.get('heirloom-image')) customElements.define('heirloom-image', HeirloomImageElement);
