// A log's lines as plain text, to be copied or saved.

import { parse, shown, visible } from './ansi';
import { make } from './elements';
import { REPLY_LINES, type LogStore, type WireLines } from './logs_store';

const KEPT = 60_000; // milliseconds for which the browser may read what is saved

/** The lines from one on, in parts of many: as they are shown, with sources if there are several, and times. */
export async function* textsFrom(
  first: number,
  { total, sources, prefix }: LogStore,
  times: boolean,
  request: (first: number, count: number) => Promise<unknown>,
): AsyncGenerator<string[]> {
  for (; first < total; first += REPLY_LINES) {
    const reply = (await request(first, Math.min(REPLY_LINES, total - first))) as WireLines | null;
    yield (reply?.lines ?? []).map(([name, text, time]) => {
      const source = sources.size > 1 || prefix ? `${visible(reply?.names[name] ?? '')} | ` : '';
      const moment = times && time ? `${new Date(time * 1000).toISOString()} ` : '';
      return moment + source + shown(parse(text));
    });
  }
}

/** Saves lines as a file that is named by the log's title; `told` gets the percentage so far. */
export async function saveTexts(
  texts: AsyncGenerator<string[]>,
  title: string,
  total: number,
  told: (percent: number) => void,
): Promise<void> {
  const parts: string[] = [];
  let count = 0;
  for await (const lines of texts) {
    parts.push(lines.map((line) => `${line}\n`).join(''));
    count += lines.length;
    told(Math.round((count * 100) / Math.max(1, total)));
  }
  const url = URL.createObjectURL(new Blob(parts, { type: 'text/plain' }));
  const name = title.replace(/[^\w.-]+/g, '-').replace(/^[-.]+|-+$/g, '') || 'log';
  make('a', { href: url, download: `${name}.log` }).click();
  window.setTimeout(() => URL.revokeObjectURL(url), KEPT);
}
