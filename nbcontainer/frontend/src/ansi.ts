// Untrusted text: colours are kept, everything else is made harmless and visible.
//
// A line may contain anything: truncated or unterminated escape sequences, links that lie about their target,
// characters that reorder or hide their neighbours. None of it reaches the page as markup: only `textContent` is set.

/** A run of text in one style. */
export interface Run {
  text: string;
  /** Foreground and background: 0…15, or "#rrggbb", or null for the default. */
  colour: number | string | null;
  background: number | string | null;
  bold: boolean;
  dim: boolean;
  italic: boolean;
  underline: boolean;
  /** A sign in place of an invisible character; `text` is the sign, `title` the character's name. */
  mark: boolean;
  title: string;
}

type Style = Omit<Run, 'text' | 'mark' | 'title'>;

const PLAIN: Style = {
  colour: null,
  background: null,
  bold: false,
  dim: false,
  italic: false,
  underline: false,
};
const MAX_CODES = 32; // in one sequence; no honest program writes more
export const MAX_CHARACTERS = 5_000; // of one line in the page; the spool file has the whole line

// ECMA-48: CSI; OSC (ended by BEL or ST); other strings; charset and two-character escapes. Each alternative starts
// at an ESC and stops before the next one, which keeps matching linear even on a hostile line.
const ESCAPE =
  // eslint-disable-next-line no-control-regex
  /\x1b\[([0-9:;<=>?]*)[ -/]*([@-~])|\x1b\]([^\x07\x1b]*)(?:\x07|\x1b\\)|\x1b[PX^_][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b[ -/]+[0-~]|\x1b[0-9=>A-OQ-WYZ`-~]/g;

// controls; characters that reorder text (Unicode UAX #9), are invisible or have no width; tags; lone surrogates
const HIDDEN =
  // eslint-disable-next-line no-control-regex
  /[\u0000-\u0008\u000a-\u001f\u007f-\u009f\u00ad\u061c\u115f\u1160\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff9-\ufffb]|[\u{e0000}-\u{e0fff}]|[\ud800-\udfff]/gu;

const NAMES: Record<number, string> = {
  0x08: 'backspace',
  0x0a: 'line feed',
  0x0d: 'carriage return',
  0x1b: 'escape',
  0x7f: 'delete',
  0x200b: 'zero-width space',
  0x200e: 'left-to-right mark',
  0x200f: 'right-to-left mark',
  0x202a: 'left-to-right embedding',
  0x202b: 'right-to-left embedding',
  0x202c: 'end of a change of direction',
  0x202d: 'left-to-right override',
  0x202e: 'right-to-left override',
  0x2066: 'left-to-right isolate',
  0x2067: 'right-to-left isolate',
  0x2068: 'first strong isolate',
  0x2069: 'end of an isolate',
  0xfeff: 'byte order mark',
};

/** The sign for an invisible character: U+2400… for ASCII controls, else its code point. */
export function sign(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  if (code < 0x20) return String.fromCodePoint(0x2400 + code);
  if (code === 0x7f) return '\u2421';
  return `⟨U+${code.toString(16).toUpperCase().padStart(4, '0')}⟩`;
}

/** `text` on one line with a sign for every invisible character; for names, which have no colours. */
export function visible(text: string): string {
  return text.replace(/\t/g, '␉').replace(HIDDEN, sign);
}

/** One line of a program's output as runs of one style each. */
export function parse(line: string): Run[] {
  let text = line.endsWith('\r') ? line.slice(0, -1) : line;
  const rest = text.length - MAX_CHARACTERS;
  if (rest > 0) text = text.slice(0, MAX_CHARACTERS);
  const runs: Run[] = [];
  let style = PLAIN;
  let target = '';
  let position = 0;
  for (const found of text.matchAll(ESCAPE)) {
    addRuns(runs, text.slice(position, found.index), style);
    position = found.index + found[0].length;
    if (found[2] === 'm') style = restyle(style, found[1] ?? '');
    else if (found[3]?.startsWith('8;')) {
      // a hyperlink: its text stays plain text, followed by the target
      if (target) addRuns(runs, ` ‹${target}›`, { ...PLAIN, dim: true });
      target = found[3].split(';').slice(2).join(';');
    }
  }
  addRuns(runs, text.slice(position), style);
  if (target) addRuns(runs, ` ‹${target}›`, { ...PLAIN, dim: true });
  if (rest > 0) {
    addRuns(runs, ` … ${rest.toLocaleString('en')} more characters`, { ...PLAIN, dim: true });
  }
  return runs;
}

/** What `parse` shows of a line, as one string. */
export function shown(runs: readonly Run[]): string {
  return runs.map((run) => run.text).join('');
}

function addRuns(runs: Run[], text: string, style: Style): void {
  let position = 0;
  for (const found of text.matchAll(HIDDEN)) {
    if (found.index > position) runs.push(plainRun(text.slice(position, found.index), style));
    const code = found[0].codePointAt(0) ?? 0;
    const title = `${NAMES[code] ?? 'hidden character'} (U+${code.toString(16).toUpperCase().padStart(4, '0')})`;
    runs.push({ ...style, text: sign(found[0]), mark: true, title });
    position = found.index + found[0].length;
  }
  if (position < text.length) runs.push(plainRun(text.slice(position), style));
}

function plainRun(text: string, style: Style): Run {
  return { ...style, text, mark: false, title: '' };
}

/** Applies SGR codes (ECMA-48, 8.3.117; 38 and 48 also in the colon form of ITU-T T.416); nothing is ever concealed. */
function restyle(style: Style, parameters: string): Style {
  if (/[<=>?]/.test(parameters)) return style; // private sequences that only look like SGR
  const codes = parameters
    .replace(/:/g, ';')
    .split(';', MAX_CODES)
    .map((code) => (code === '' ? 0 : Number(code)));
  let next = { ...style };
  for (let index = 0; index < codes.length; index++) {
    const code = codes[index] ?? 0;
    if (code === 0) next = { ...PLAIN };
    else if (code === 1) next.bold = true;
    else if (code === 2) next.dim = true;
    else if (code === 3) next.italic = true;
    else if (code === 4) next.underline = true;
    else if (code === 7) [next.colour, next.background] = [next.background ?? 0, next.colour ?? 7];
    else if (code === 22) next.bold = next.dim = false;
    else if (code === 23) next.italic = false;
    else if (code === 24) next.underline = false;
    else if (code >= 30 && code <= 37) next.colour = code - 30;
    else if (code >= 90 && code <= 97) next.colour = code - 82;
    else if (code === 39) next.colour = null;
    else if (code >= 40 && code <= 47) next.background = code - 40;
    else if (code >= 100 && code <= 107) next.background = code - 92;
    else if (code === 27 || code === 49) next.background = null;
    else if (code === 38 || code === 48) {
      const [colour, taken] = extended(codes.slice(index + 1), parameters.includes(':'));
      if (code === 38) next.colour = colour;
      else next.background = colour;
      index += taken;
    }
  }
  // text in the colour of its own background would be invisible
  if (next.background !== null && next.colour === next.background) next.colour = null;
  return next;
}

/** The colour that `5;N` or `2;R;G;B` names, and the number of codes it takes. */
function extended(codes: number[], colons: boolean): [number | string | null, number] {
  if (codes[0] === 5) return [palette(codes[1] ?? 0), 2];
  if (codes[0] !== 2) return [null, codes.length];
  const start = colons && codes.length >= 5 ? 2 : 1; // the colon form may name a colour space first
  const [red = 0, green = 0, blue = 0] = codes.slice(start, start + 3);
  return [hex(red, green, blue), start + 2];
}

/** Colour `index` of xterm's 256. */
function palette(index: number): number | string | null {
  if (!(index >= 0 && index < 256)) return null;
  if (index < 16) return index;
  if (index >= 232) return hex(8 + (index - 232) * 10, 8 + (index - 232) * 10, 8 + (index - 232) * 10);
  const step = (part: number): number => (part === 0 ? 0 : 55 + part * 40);
  const cube = index - 16;
  return hex(step(Math.floor(cube / 36)), step(Math.floor(cube / 6) % 6), step(cube % 6));
}

function hex(...parts: number[]): string {
  const byte = (part: number): number => Math.max(0, Math.min(255, Math.trunc(part) || 0));
  return `#${parts.map((part) => byte(part).toString(16).padStart(2, '0')).join('')}`;
}

/** Draws a line's runs into `host`, with the matches of `pattern` (a global one) highlighted. */
export function draw(host: HTMLElement, line: string, pattern: RegExp | null): void {
  const runs = parse(line);
  const hits = pattern ? ranges(shown(runs), pattern) : [];
  const [only] = runs;
  if (!hits.length && runs.length <= 1 && (!only || isPlain(only))) {
    host.textContent = only?.text ?? '';
    return;
  }
  const parts: Node[] = [];
  let start = 0;
  for (const run of runs) {
    const end = start + run.text.length;
    let position = start;
    for (const [from, to] of hits) {
      if (to <= position || from >= end) continue;
      if (from > position) parts.push(node(run, run.text.slice(position - start, from - start), false));
      const until = Math.min(to, end);
      parts.push(node(run, run.text.slice(Math.max(from, position) - start, until - start), true));
      position = until;
    }
    if (position < end) parts.push(node(run, run.text.slice(position - start), false));
    start = end;
  }
  host.replaceChildren(...parts);
}

/** Where `pattern` matches in `text`; empty matches are left out. */
export function ranges(text: string, pattern: RegExp): [number, number][] {
  const found: [number, number][] = [];
  for (const match of text.matchAll(pattern)) {
    if (match[0] !== '') found.push([match.index, match.index + match[0].length]);
    if (found.length >= 200) break;
  }
  return found;
}

function isPlain(run: Run): boolean {
  return (
    run.colour === null &&
    run.background === null &&
    !(run.bold || run.dim || run.italic || run.underline || run.mark)
  );
}

function node(run: Run, text: string, hit: boolean): Node {
  if (!hit && isPlain(run)) return document.createTextNode(text);
  const element = document.createElement(hit ? 'mark' : 'span');
  element.textContent = text;
  const classes = element.classList;
  if (typeof run.colour === 'number') classes.add(`nbc-f${run.colour}`);
  else if (run.colour) element.style.color = run.colour;
  if (typeof run.background === 'number') classes.add(`nbc-g${run.background}`);
  else if (run.background) element.style.backgroundColor = run.background;
  if (run.bold) classes.add('nbc-bold');
  if (run.dim) classes.add('nbc-faint');
  if (run.italic) classes.add('nbc-italic');
  if (run.underline) classes.add('nbc-under');
  if (run.mark) {
    classes.add('nbc-sign');
    element.title = run.title;
  }
  return element;
}
