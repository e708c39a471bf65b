// What the page holds of a log: its counts, and the lines that were viewed most recently.

/** A line as the kernel sends it: index into `names`, text, time (seconds since the epoch, or 0), 1 for stderr. */
export type WireLine = [number, string, number, number];

/** Lines with consecutive numbers, from `first` (counted from 0). */
export interface WireLines {
  first: number;
  names: string[];
  lines: WireLine[];
}

/** What the kernel sends: everything (with `reset`), or what changed. */
export interface LogWire extends Partial<WireLines> {
  reset?: boolean;
  /** Where it comes from: Logs, Run, Exec. */
  verb?: string;
  title?: string;
  where?: string;
  spool?: string;
  /** How it ended, and the tone; empty until then. */
  ending?: [string, string];
  /** Whether times are shown from the start. */
  times?: boolean;
  /** Whether each line names its source, even if there is only one. */
  prefix?: boolean;
  /** Regular expressions whose matches are marked; Python's. */
  highlight?: string[];
  sources?: Record<string, boolean>;
  /** Notes, each with the number of the line that it precedes. */
  notes?: [number, string][];
  total?: number;
  bytes?: number;
}

export interface Line {
  source: string;
  text: string;
  time: number;
  error: boolean;
}

export const REPLY_LINES = 2_000; // the most lines in one reply of the kernel
const CHUNK = 256;
const MAX_CHUNKS = 64; // 16,384 lines
const MAX_NOTES = 200;
const RATE_SECONDS = 3;

export class LogStore {
  verb = 'Logs';
  title = '';
  where = '';
  spool = '';
  ending: [string, string] = ['', ''];
  times = false;
  prefix = false;
  highlight: string[] = [];
  sources = new Map<string, boolean>();
  notes = new Map<number, string[]>();
  total = 0;
  bytes = 0;
  /** Incremented by each message. */
  version = 0;
  private chunks = new Map<number, (Line | undefined)[]>(); // least recently used first
  private samples: [number, number][] = [];

  /** Applies a message; `clock` is in milliseconds. */
  apply(message: LogWire, clock: number): void {
    this.version++;
    this.verb = message.verb ?? this.verb;
    this.title = message.title ?? this.title;
    this.where = message.where ?? this.where;
    this.spool = message.spool ?? this.spool;
    this.ending = message.ending ?? this.ending;
    this.times = message.times ?? this.times;
    this.prefix = message.prefix ?? this.prefix;
    this.highlight = message.highlight ?? this.highlight;
    this.bytes = message.bytes ?? this.bytes;
    if (message.sources) this.sources = new Map(Object.entries(message.sources));
    if (message.reset) this.notes.clear();
    for (const [at, note] of message.notes ?? []) this.addNote(at, note);
    if (message.total !== undefined) {
      this.total = message.total;
      this.samples.push([clock, message.total]);
      while (this.samples.length > 2 && clock - (this.samples[1]?.[0] ?? 0) > RATE_SECONDS * 1000)
        this.samples.shift();
    }
    this.put(message);
  }

  private addNote(at: number, note: string): void {
    const there = this.notes.get(at);
    if (there) there.push(note);
    else this.notes.set(at, [note]);
    if (this.notes.size > MAX_NOTES) this.notes.delete(this.notes.keys().next().value ?? 0);
  }

  /** Keeps the lines of a message or reply. */
  put({ first, names, lines }: Partial<WireLines>): void {
    if (first === undefined || !names || !lines) return;
    lines.forEach(([name, text, time, error], at) => {
      const number = first + at;
      this.chunk(Math.floor(number / CHUNK))[number % CHUNK] = {
        source: names[name] ?? '',
        text,
        time,
        error: error === 1,
      };
    });
  }

  private chunk(place: number): (Line | undefined)[] {
    const chunk = this.chunks.get(place) ?? [];
    this.chunks.delete(place);
    this.chunks.set(place, chunk);
    if (this.chunks.size > MAX_CHUNKS) this.chunks.delete(this.chunks.keys().next().value ?? -1);
    return chunk;
  }

  /** The line, if the page has it. */
  get(number: number): Line | undefined {
    return this.chunks.get(Math.floor(number / CHUNK))?.[number % CHUNK];
  }

  /** The number of lines that the page has. */
  get held(): number {
    let count = 0;
    for (const chunk of this.chunks.values()) for (const line of chunk) if (line) count++;
    return count;
  }

  /** The whole chunks to request for the page to have the lines `from` to `to`; null if it has them. */
  missing(from: number, to: number): { first: number; count: number } | null {
    let first = -1;
    let last = -1;
    for (let number = Math.max(0, from); number < Math.min(to, this.total); number++) {
      const place = Math.floor(number / CHUNK);
      if (this.chunks.has(place) && this.chunk(place)[number % CHUNK]) continue; // chunk() marks it as recently used
      if (first < 0) first = number;
      last = number;
    }
    if (first < 0) return null;
    first -= first % CHUNK;
    return { first, count: Math.min(this.total, (Math.floor(last / CHUNK) + 1) * CHUNK) - first };
  }

  /** Lines per second, over the last few seconds. */
  rate(clock: number): number {
    const [first] = this.samples;
    const last = this.samples.at(-1);
    if (!first || !last || clock - last[0] > RATE_SECONDS * 1000 || this.samples.length < 2) return 0;
    return ((last[1] - first[1]) * 1000) / Math.max(200, clock - first[0]);
  }
}
