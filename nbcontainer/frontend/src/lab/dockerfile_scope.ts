// What a Dockerfile has declared above the cursor: its stages, and the variables that are known there, as the kernel has
// it (nbcontainer/language/scope.py).

import { parts, splitWords } from './dockerfile_lines';
import words from './words.json';

const PLATFORM = 'set by BuildKit';
const LONGEST = 64 * 1024; // characters; values that are made of each other can grow without limit

export interface Variable {
  name: string;
  /** null where only the build knows it. */
  value: string | null;
  /** "ARG", "ENV", or who sets it. */
  origin: string;
}

export interface Stage {
  name: string;
  base: string;
  declarations: string[];
}

type Known = Map<string, Variable>;

/** The arguments that every RUN has, without being declared, if the build sets them; in the case of a fragment. */
export function proxies(fragment: string): Variable[] {
  return words.dockerfile.proxies.map((name) => ({
    name: /^[a-z]/.test(fragment) ? name.toLowerCase() : name,
    value: null,
    origin: 'set by --build-arg',
  }));
}

export class Scope {
  readonly stages: Stage[] = [];
  private readonly preamble: string[] = [];

  constructor(
    statements: string[],
    private readonly escape: string,
  ) {
    for (const text of statements) {
      const word = /^\s*(from|arg|env)(?=\s|$)/i.exec(text)?.[1]?.toUpperCase();
      if (word === 'FROM') this.stages.push(this.stage(text));
      else if (word) (this.stages.at(-1)?.declarations ?? this.preamble).push(text);
    }
  }

  private words(text: string): string[] {
    return splitWords(text.slice(parts(text).start), this.escape).map((word) => word.text);
  }

  private stage(text: string): Stage {
    const [base = '', as = '', name = ''] = this.words(text).filter((word) => !word.startsWith('--'));
    return { name: as.toUpperCase() === 'AS' ? name : '', base, declarations: [] };
  }

  /** The variables that are known at the cursor, in a stage or in a FROM line. */
  variables(ofFrom = false): Known {
    const known: Known = new Map();
    for (const name of words.dockerfile.arguments) known.set(name, { name, value: null, origin: PLATFORM });
    for (const text of this.preamble) this.declare(known, text, new Map());
    if (ofFrom || !this.stages.length) {
      const platform = (one: Variable) => Number(one.origin === PLATFORM);
      return new Map([...known].sort(([, left], [, right]) => platform(left) - platform(right)));
    }
    const own: Known = new Map();
    const lineage = this.lineage(known);
    for (const [index, stage] of lineage.entries())
      for (const text of stage.declarations)
        if (index === lineage.length - 1 || isEnv(text)) this.declare(own, text, known);
    return own;
  }

  /** The current stage, after those that it is built from. */
  private lineage(known: Known): Stage[] {
    const earlier = new Map<string, number>(); // the last stage of each name before this one
    const before = this.stages.map((stage, number) => {
      const base = expand(stage.base, known, this.escape)?.toLowerCase() ?? '';
      const index = base ? earlier.get(base) : undefined;
      if (stage.name) earlier.set(stage.name.toLowerCase(), number);
      return index;
    });
    const found: Stage[] = [];
    let index: number | undefined = this.stages.length - 1;
    while (index !== undefined) {
      const stage = this.stages[index];
      if (stage) found.push(stage);
      index = before[index];
    }
    return found.reverse();
  }

  private declare(known: Known, text: string, outer: Known): void {
    const set: Variable[] = [];
    if (isEnv(text)) {
      for (const [name, value] of this.assignments(text))
        set.push({ name, value: expand(value, known, this.escape), origin: 'ENV' });
    } else {
      for (const word of this.words(text)) {
        const equals = word.indexOf('=');
        const name = equals < 0 ? word : word.slice(0, equals);
        if (known.get(name)?.origin === 'ENV') continue; // an ENV wins over an ARG of the same name
        const inherited = outer.get(name);
        if (equals >= 0)
          set.push({ name, value: expand(word.slice(equals + 1), known, this.escape), origin: 'ARG' });
        else if (inherited) set.push({ ...inherited, origin: inherited.value ? 'ARG' : inherited.origin });
        else
          set.push({
            name,
            value: null,
            origin: words.dockerfile.arguments.includes(name) ? PLATFORM : 'ARG',
          });
      }
    }
    for (const one of set) known.set(one.name, one);
  }

  private assignments(text: string): [string, string][] {
    const written = this.words(text);
    if (written[0] !== undefined && !written[0].includes('=')) {
      const old = /^\s*\S+\s+(\S+)\s+(.*)/s.exec(text); // the old form, ENV NAME VALUE
      return old ? [[old[1] ?? '', (old[2] ?? '').trimEnd()]] : [];
    }
    return written.map((word) => {
      const equals = word.indexOf('=');
      return [word.slice(0, equals < 0 ? undefined : equals), equals < 0 ? '' : word.slice(equals + 1)];
    });
  }
}

function isEnv(text: string): boolean {
  return /^\s*env\s/i.test(text);
}

/** A word's value: quotes removed, `$name` and `${name:-default}` filled in; null where it cannot be known here. */
export function expand(word: string, known: ReadonlyMap<string, Variable>, escape: string): string | null {
  let text = '';
  let quote = '';
  for (let at = 0; at < word.length; at++) {
    const character = word[at] ?? '';
    if (character === quote) quote = '';
    else if (!quote && (character === '"' || character === "'")) quote = character;
    else if (character === escape && quote !== "'") {
      const next = word[at + 1] ?? '';
      if (quote && !['"', '$', escape].includes(next)) text += character;
      text += next;
      at++;
    } else if (character === '$' && quote !== "'") {
      const [value, length] = reference(word.slice(at, at + LONGEST), known, escape);
      if (value === null) return null;
      text += value;
      at += length - 1;
    } else text += character;
    if (text.length > LONGEST) return null;
  }
  return quote ? null : text;
}

/** The value of the reference that a text begins with, and its length; the value is null if it cannot be known. */
function reference(
  text: string,
  known: ReadonlyMap<string, Variable>,
  escape: string,
): [string | null, number] {
  const plain = /^\$(\w+)/.exec(text);
  const value = (name: string) => (known.has(name) ? (known.get(name)?.value ?? null) : '');
  if (plain) return [value(plain[1] ?? ''), plain[0].length];
  const braced = /^\$\{(\w+)(?:(:?[-+?])([^{}]*))?\}/.exec(text);
  if (!braced) return text.startsWith('${') ? [null, text.length] : ['$', 1];
  const [whole, name = '', operator = '', other = ''] = braced;
  const own = value(name);
  const isSet = operator.startsWith(':') ? own !== '' : known.has(name);
  if (operator.endsWith('+')) return [isSet ? expand(other, known, escape) : '', whole.length];
  if (operator.endsWith('-') && !isSet) return [expand(other, known, escape), whole.length];
  if (operator.endsWith('?') && !isSet) return [null, whole.length];
  return [own, whole.length];
}
