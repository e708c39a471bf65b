// Completion in a Dockerfile, by its text alone: what the kernel offers (nbcontainer/language/dockerfile.py), without the
// names of images and paths.

import { escapeOf, parts, read, roleOf, splitWords, start, type LinesState } from './dockerfile_lines';
import { proxies, Scope, type Variable } from './dockerfile_scope';
import words from './words.json';

export interface Word {
  label: string;
  type: string;
  documentation: string;
}

type Found = [fragment: string, items: Word[]];
type Flag = (typeof words.dockerfile.instructions)[number]['flags'][number];

const WORDS = words.dockerfile;
const INSTRUCTIONS = new Map(WORDS.instructions.map((instruction) => [instruction.name, instruction]));
const NOTHING: Found = ['', []];
const SWITCH = ['true', 'false'];
const AT_RUN_TIME = new Set(['CMD', 'ENTRYPOINT', 'HEALTHCHECK']);
const VALUES: Record<string, string[]> = { STOPSIGNAL: WORDS.signals, SHELL: WORDS.shells };

/** Where the cursor is; the same fields as the kernel's `Place`. */
export interface Place {
  lines: LinesState;
  /** The instructions above the cursor's. */
  statements: string[];
  role: ReturnType<typeof roleOf>;
  here: string;
  after: string;
  /** The cursor's instruction up to the cursor, continued lines joined. */
  before: string;
}

/** Where the end of `above` is, whose last line goes on with `after`. */
export function placeOf(above: string, after: string): Place {
  const written = above.split('\n');
  const here = written.pop() ?? '';
  const lines = start();
  const statements: string[] = [];
  for (const line of written) read(lines, line, (text) => statements.push(text));
  const before = (lines.open ? lines.current : '') + here;
  return { lines, statements, role: roleOf(lines, here), here, after, before };
}

/** What may take the place of a fragment before the cursor: the fragment's length on this line, and the words. */
export function completeDockerfile(place: Place): { length: number; items: Word[] } {
  const [fragment, found] = new Cursor(place).complete();
  const above = Math.max(0, fragment.length - place.here.length); // of the fragment, on the lines before
  const wanted = fragment.toLowerCase();
  const items = found
    .filter(({ label }) => label.toLowerCase().startsWith(wanted) && label !== fragment)
    .map((item) => ({ ...item, label: item.label.slice(above) }));
  return { length: fragment.length - above, items };
}

class Cursor {
  private readonly escape: string;
  private readonly isTrigger: boolean;
  private readonly name: string;
  private readonly isLower: boolean;
  private readonly rest: string;
  private readonly fragment: string;
  private readonly flags: string[];
  private readonly args: string[];
  private readonly isJson: boolean;
  private known: Scope | undefined;

  constructor(private readonly place: Place) {
    this.escape = escapeOf(place.lines);
    const { names, start } = parts(place.before);
    this.isTrigger = names[0] === 'ONBUILD';
    this.name = names.at(-1) === 'ONBUILD' ? '' : (names.at(-1) ?? '');
    const written = place.before.slice(0, start).trim();
    this.isLower = isLower(written.slice(-this.name.length));
    this.rest = place.before.slice(start).trimStart();
    const found = splitWords(this.rest, this.escape);
    this.fragment = found.at(-1)?.end === this.rest.length ? (found.pop()?.text ?? '') : '';
    const all = found.map(({ text }) => text);
    const count = all.findIndex((word) => !word.startsWith('--'));
    this.flags = count < 0 ? all : all.slice(0, count);
    this.args = count < 0 ? [] : all.slice(count);
    this.isJson = (this.args[0] ?? this.fragment).startsWith('[');
  }

  private get scope(): Scope {
    return (this.known ??= new Scope(this.place.statements, this.escape));
  }

  complete(): Found {
    const { role, here, lines } = this.place;
    if (role === 'heredoc') return this.inHeredoc();
    if (here.trimStart().startsWith('#')) return lines.head ? this.directive() : NOTHING;
    if (!this.name) return this.instructions();
    const dollar = dollarOf(this.fragment, this.escape);
    if (dollar) return this.variable(dollar);
    if (this.fragment.startsWith('--') && !this.args.length) return this.flag();
    if (this.isJson) return [this.rest, this.name === 'SHELL' ? asWords(WORDS.shells) : []];
    const [fragment, items] = this.argument();
    const flags = this.fragment || this.args.length ? [] : this.furtherFlags();
    return [fragment, [...items, ...flags]];
  }

  private inHeredoc(): Found {
    const { lines, here, statements } = this.place;
    const heredoc = lines.heredocs[0];
    const names = parts(statements.at(-1) ?? '').names;
    const dollar = dollarOf(here, '');
    if (!heredoc) return NOTHING;
    if (!dollar) {
      const bare = heredoc.tabs ? here.replace(/^\t+/, '') : here;
      return [bare, bare ? asWords([heredoc.name], 'value', 'ends the heredoc') : []];
    }
    const known = [...this.scope.variables().values()];
    if (names.at(-1) === 'RUN') return this.named(dollar, [...known, ...proxies(dollar[2] ?? '')]);
    return heredoc.expands ? this.named(dollar, known) : NOTHING;
  }

  /** `# syntax=` and the other directives, which must come before everything else. */
  private directive(): Found {
    const { here, after, lines } = this.place;
    const found = /^\s*#\s*(?:(\w*)|(\w+)\s*=\s*(.*))$/.exec(here);
    if (!found) return NOTHING;
    if (found[2] === undefined) return [found[1] ?? '', directives(lines, after)];
    const value = found[3] ?? '';
    const name = found[2].toLowerCase();
    if (name === 'syntax') return [value, asWords(WORDS.frontends)];
    if (name === 'escape') return [value, asWords(['\\', '`'])];
    return name === 'check' ? this.check(value) : NOTHING;
  }

  private check(value: string): Found {
    const options = value.split(';');
    const last = (options.pop() ?? '').trimStart();
    const equals = last.indexOf('=');
    if (equals < 0) {
      const used = options.map((option) => option.split('=')[0]?.trim());
      const keys = ['skip', 'error', 'experimental'].filter((key) => !used.includes(key));
      return [
        last,
        asWords(
          keys.map((key) => `${key}=`),
          'key',
        ),
      ];
    }
    const key = last.slice(0, equals);
    if (key === 'error') return [last.slice(equals + 1), asWords(SWITCH)];
    const done = last.slice(equals + 1).split(',');
    const fragment = (done.pop() ?? '').trimStart();
    const rules = WORDS.rules.filter((rule) => key === 'skip' || rule.isExperimental).map(({ name }) => name);
    return [fragment, asWords(['all', ...rules].filter((rule) => !done.includes(rule)))];
  }

  private instructions(): Found {
    const { before, here, lines, statements } = this.place;
    const fragment = /\S*$/.exec(before.slice(-40))?.[0] ?? '';
    const lower = isLower(fragment || (/^\s*(\S+)/.exec(statements.at(-1) ?? '')?.[1] ?? ''));
    const barred = this.isTrigger ? ['FROM', 'MAINTAINER', 'ONBUILD'] : [];
    const begun = this.isTrigger || statements.some((text) => /^\s*from(?=\s|$)/i.test(text));
    const names = begun ? [...INSTRUCTIONS.keys()].filter((name) => !barred.includes(name)) : ['FROM', 'ARG'];
    const items = names.map((name) => ({
      label: lower ? name.toLowerCase() : name,
      type: 'instruction',
      documentation: INSTRUCTIONS.get(name)?.detail ?? '',
    }));
    if (lines.head && !here.trim())
      items.push(...directives(lines, '').map((item) => ({ ...item, label: `# ${item.label}` })));
    return [fragment, items];
  }

  private variable(dollar: RegExpExecArray): Found {
    const { name, fragment, isJson } = this;
    const flag = this.args.length ? '' : (/^--([^=]*)/.exec(fragment)?.[1] ?? '');
    const fixed: Record<string, string[]> = { COPY: ['from'], RUN: ['network', 'security'] };
    const byShell = name === 'RUN' || AT_RUN_TIME.has(name);
    const isQuoted = !byShell && fragment.split("'").length % 2 === 0;
    const isMountName = flag === 'mount' && /\b(?:from|type|sharing)=[^,]*$/.test(fragment);
    if (flag && (name === 'HEALTHCHECK' || fixed[name]?.includes(flag) || isMountName)) return NOTHING;
    if (isQuoted || name === 'SHELL' || name === 'MAINTAINER') return NOTHING;
    if (byShell && isJson) return NOTHING; // no shell runs it
    let known = [...this.scope.variables(name === 'FROM').values()];
    if (AT_RUN_TIME.has(name) || this.isTrigger) known = known.filter((one) => one.origin === 'ENV'); // an ARG is gone
    return this.named(dollar, name === 'RUN' ? [...known, ...proxies(dollar[2] ?? '')] : known);
  }

  private named(dollar: RegExpExecArray, known: Variable[]): Found {
    const closing = dollar[1] && !/^\w*[}:]/.test(this.place.after) ? '}' : '';
    const items = known.map((one) => ({ ...asVariable(one), label: one.name + closing }));
    return [dollar[2] ?? '', items];
  }

  private flag(): Found {
    const { name, fragment } = this;
    const equals = fragment.indexOf('=');
    if (equals < 0) return [fragment, this.furtherFlags()];
    const key = fragment.slice(2, equals);
    const value = fragment.slice(equals + 1);
    if (key === 'mount' && name === 'RUN') return this.mount(value);
    if (key === 'from' && name === 'COPY') return [value, this.sources(value, true)];
    const flag = INSTRUCTIONS.get(name)?.flags.find((one) => one.name === key);
    return [value, asWords(flag?.kind === 'switch' ? SWITCH : (flag?.values ?? []))];
  }

  /** The flags that may still be given. */
  private furtherFlags(): Word[] {
    const given = this.flags.map((flag) => flag.slice(2).split('=')[0]);
    const own = INSTRUCTIONS.get(this.name)?.flags ?? [];
    const left = own.filter((flag) => flag.kind === 'values' || !given.includes(flag.name));
    return left.map((flag) => this.asFlag(flag));
  }

  private asFlag(flag: Flag): Word {
    const equals = flag.kind === 'switch' || this.place.after.startsWith('=') ? '' : '=';
    return { label: `--${flag.name}${equals}`, type: 'flag', documentation: flag.detail };
  }

  private mount(value: string): Found {
    const done = value.split(',');
    const last = done.pop() ?? '';
    const type = done.find((part) => /^type=\w/.test(part))?.slice('type='.length);
    const equals = last.indexOf('=');
    if (equals < 0) return [last, mountKeys(done, type)];
    const key = last.slice(0, equals);
    const content = last.slice(equals + 1);
    if (key === 'type') return [content, WORDS.mountTypes.map(asMountType(''))];
    if (key === 'sharing') return [content, asWords(WORDS.sharing)];
    if (WORDS.mountSwitches.includes(key)) return [content, asWords(SWITCH)];
    return [content, key === 'from' ? this.sources(content, false) : []];
  }

  private argument(): Found {
    const { name, fragment, args } = this;
    if (name === 'FROM') return [fragment, this.from(args.length)];
    if (name === 'EXPOSE' && fragment.includes('/'))
      return [fragment.slice(fragment.indexOf('/') + 1), asWords(WORDS.protocols)];
    if (name === 'ARG' && !fragment.includes('=')) return [fragment, this.declarable()];
    if (name === 'LABEL' && fragment && !fragment.includes('='))
      return [
        fragment,
        asWords(
          WORDS.labels.map((label) => `${label}=`),
          'key',
        ),
      ];
    if (args.length) return [fragment, []];
    if (name === 'HEALTHCHECK') return [fragment, asWords(this.flags.length ? ['CMD'] : ['CMD', 'NONE'])];
    return [fragment, asWords(VALUES[name] ?? [])];
  }

  private from(count: number): Word[] {
    if (count === 0) {
      const named = this.scope.stages.filter((stage) => stage.name);
      const stages = named.map(({ name, base }) => ({
        label: name,
        type: 'stage',
        documentation: `FROM ${base}`,
      }));
      return [...stages, { label: 'scratch', type: 'image', documentation: 'the empty image' }];
    }
    if (count > 1 || /^\s*as\s/i.test(this.place.after)) return [];
    return asWords([this.isLower ? 'as' : 'AS'], 'value', 'give the stage a name');
  }

  /** What ARG may declare: in a stage, the arguments that are known before the first FROM; and proxies. */
  private declarable(): Word[] {
    const known = this.scope.stages.length ? [...this.scope.variables(true).values()] : [];
    return [...known, ...proxies(this.fragment)].map(asVariable);
  }

  /** The stages above the cursor's own: by number those without a name, or all once one is typed. */
  private sources(fragment: string, byNumber: boolean): Word[] {
    const earlier = this.scope.stages.slice(0, -1);
    const numbered = earlier.map((stage, index) => ({ ...stage, index: String(index) }));
    return [
      ...earlier.map(({ name, base }) => ({ label: name, type: 'stage', documentation: `FROM ${base}` })),
      ...numbered
        .filter(({ name }) => byNumber && (fragment || !name))
        .map(({ index, base }) => ({ label: index, type: 'stage', documentation: `FROM ${base}` })),
    ].filter(({ label }) => label);
  }
}

/** The `$name` or `${name` that a text ends with. */
function dollarOf(text: string, escape: string): RegExpExecArray | null {
  const found = /\$(\{?)(\w*)$/.exec(text);
  return found && escape && text[found.index - 1] === escape ? null : found;
}

function mountKeys(done: string[], type: string | undefined): Word[] {
  const used = done.map((part) => part.split('=')[0] ?? '');
  const keys: Record<string, string[]> = WORDS.mountKeys;
  const left = (keys[type ?? 'bind'] ?? []).filter((key) => !used.includes(key));
  const named = left.map((key) => (WORDS.mountSwitches.includes(key) ? key : `${key}=`));
  return [
    ...(used.includes('type') ? [] : WORDS.mountTypes.map(asMountType('type='))),
    ...asWords(named, 'key'),
  ];
}

function asMountType(prefix: string): (type: { name: string; detail: string }) => Word {
  return ({ name, detail }) => ({
    label: prefix + name,
    type: prefix ? 'key' : 'value',
    documentation: detail,
  });
}

function directives(lines: LinesState, after: string): Word[] {
  const equals = /^\s*=/.test(after) ? '' : '=';
  return WORDS.directives
    .filter(({ name }) => !(name in lines.directives))
    .map(({ name, detail }) => ({ label: name + equals, type: 'directive', documentation: detail }));
}

function asVariable({ name, value, origin }: Variable): Word {
  return { label: name, type: 'variable', documentation: value ? `${origin}, ${value}` : origin };
}

export function asWords(values: string[], type = 'value', documentation = ''): Word[] {
  return values.map((label) => ({ label, type, documentation }));
}

function isLower(word: string): boolean {
  return word !== '' && word === word.toLowerCase() && word !== word.toUpperCase();
}
