// The table of sizes and qualities, and the facts of a file.

import type { Info } from 'heirloom-web';

/** A row of the table. */
export interface Measure {
  name: string;
  bytes: number;
  /** In dB, if there is something to compare with. */
  psnr?: number;
}

const number = (value: number, digits = 0) =>
  value.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits });

function cell(tag: 'th' | 'td', text: string): HTMLElement {
  const made = document.createElement(tag);
  made.textContent = text;
  if (tag === 'th') made.setAttribute('scope', 'row');
  return made;
}

/** Writes the table. */
export function showMeasures(rows: Measure[], pixels: number): void {
  const body = document.querySelector('#measures tbody');
  body?.replaceChildren(
    ...rows.map(({ name, bytes, psnr }) => {
      const row = document.createElement('tr');
      const quality = psnr === undefined ? '–' : psnr === Infinity ? 'no loss' : `${number(psnr, 2)} dB`;
      row.append(
        cell('th', name),
        cell('td', number(bytes)),
        cell('td', number((8 * bytes) / pixels, 3)),
        cell('td', quality),
      );
      return row;
    }),
  );
}

/** Writes what a file says about itself. */
export function showFacts(info: Info, milliseconds: number): void {
  const facts: [string, string][] = [
    ['Image', `${info.width} × ${info.height}, ${info.format}`],
    ['λ', number(info.lambda, info.lambda < 100 ? 1 : 0)],
    ['Tiles', info.losslessTiles ? `${info.tiles}, ${info.losslessTiles} without loss` : `${info.tiles}`],
    ['Generation', `${info.generation} (${info.generationId}…)`],
    ['Decoded in', `${number(milliseconds)} ms`],
  ];
  document.getElementById('facts')?.replaceChildren(
    ...facts.map(([name, value]) => {
      const pair = document.createElement('div');
      const [term, detail] = [document.createElement('dt'), document.createElement('dd')];
      [term.textContent, detail.textContent] = [name, value];
      pair.append(term, detail);
      return pair;
    }),
  );
}
