// Search over a whole log. The kernel searches the spool file one slice per request; the page keeps requesting.

/** One reply of the kernel. */
interface Slice {
  /** The numbers of the matching lines, at most as many as were requested; `count` of them match. */
  found: number[];
  count: number;
  /** The first line that was not searched. */
  until: number;
  total?: number;
  trouble?: string;
}

type Request = (name: string, detail: Record<string, unknown>) => Promise<unknown>;

const MAX_MATCHES = 200_000; // whose numbers the page keeps; it counts all of them
const REST = 500; // milliseconds between two searches of newly arrived lines

export class LogSearch {
  query = '';
  regex = false;
  /** The numbers of the lines that match, in order; not of all if these are very many. */
  found: number[] = [];
  /** How many lines match. */
  count = 0;
  /** Which of `found` is shown, or -1. */
  current = -1;
  /** What is highlighted in the page; null without a query. */
  pattern: RegExp | null = null;
  trouble = '';
  busy = false;
  private until = 0;
  private run = 0;
  private timer = 0;

  constructor(
    private readonly request: Request,
    private readonly changed: (first: boolean) => void,
  ) {}

  /** Starts a new search. */
  start(query: string, regex: boolean): void {
    this.run++;
    window.clearTimeout(this.timer);
    Object.assign(this, {
      query,
      regex,
      found: [],
      count: 0,
      current: -1,
      until: 0,
      trouble: '',
      busy: false,
    });
    this.pattern = null;
    if (query) {
      try {
        this.pattern = query.startsWith('level:') ? null : compile(query, regex);
      } catch {
        // valid in Python but not in JavaScript: the kernel still searches, nothing is highlighted
      }
      void this.goOn(this.run, true);
    }
    this.changed(false);
  }

  private async goOn(run: number, fresh: boolean): Promise<void> {
    this.busy = true;
    for (;;) {
      const most = MAX_MATCHES - this.found.length;
      const detail = { query: this.query, regex: this.regex, first: this.until, most };
      const slice = (await this.request('search', detail)) as Slice | null;
      if (run !== this.run) return;
      if (!slice) break;
      this.trouble = slice.trouble ?? '';
      const first = fresh && this.found.length === 0 && slice.found.length > 0;
      for (const number of slice.found) this.found.push(number);
      this.count += slice.count;
      const ended = slice.until <= this.until || slice.until >= (slice.total ?? 0);
      this.until = Math.max(this.until, slice.until);
      if (this.trouble || ended) break;
      this.changed(first);
    }
    this.busy = false;
    this.changed(fresh);
    if (fresh) this.watch(run);
  }

  // searches lines that arrive later, too
  private watch(run: number): void {
    this.timer = window.setTimeout(async () => {
      if (run !== this.run || this.trouble) return;
      if (this.until < this.total()) await this.goOn(run, false);
      if (run === this.run) this.watch(run);
    }, REST);
  }

  /** How many lines the log has; set by the owner. */
  total: () => number = () => 0;

  /** Goes to the next matching line, or with -1 to the previous one; returns its number, or -1. */
  step(direction: 1 | -1): number {
    const count = this.found.length;
    if (!count) return -1;
    this.current =
      this.current < 0 ? (direction > 0 ? 0 : count - 1) : (this.current + direction + count) % count;
    return this.found[this.current] ?? -1;
  }

  /** Goes to the first match at or after a line, else to the last one; returns its number, or -1. */
  nearest(line: number): number {
    const place = this.found.findIndex((number) => number >= line);
    this.current = place >= 0 ? place : this.found.length - 1;
    return this.found[this.current] ?? -1;
  }

  stop(): void {
    this.run++;
    window.clearTimeout(this.timer);
  }
}

/** What a user wants to be marked: one expression for several of Python's, as far as they are JavaScript's too. */
export function highlights(expressions: readonly string[]): RegExp | null {
  const valid = expressions.flatMap((expression) => {
    const anyCase = expression.startsWith('(?i)');
    try {
      return [new RegExp(anyCase ? expression.slice(4) : expression, anyCase ? 'giu' : 'gu')];
    } catch {
      return [];
    }
  });
  const flags = valid.some((one) => one.ignoreCase) ? 'giu' : 'gu';
  return valid.length ? new RegExp(valid.map((one) => `(?:${one.source})`).join('|'), flags) : null;
}

/** Same rules as the kernel's Search: " OR " separates alternatives; a capital letter makes it case-sensitive. */
export function compile(query: string, regex: boolean): RegExp {
  const parts = query.split(' OR ').filter((part) => part);
  const letters = regex ? query.replace(/\\./g, '').replace(/ OR /g, '') : parts.join('');
  const source = parts.map((part) => (regex ? part : part.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&'))).join('|');
  return new RegExp(source, letters === letters.toLowerCase() ? 'giu' : 'gu');
}
