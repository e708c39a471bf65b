// Finds the verb in a magic's line by the kernel's rules: shared flags may come before it, and the longest path wins.

import words from './words.json';

export interface Flag {
  name: string;
  detail: string;
  values: string[];
}

interface SharedFlag extends Flag {
  names: string[];
}

interface Verb {
  path: string;
  aliases: string[];
  flags: Flag[];
}

interface Magic {
  shared: SharedFlag[];
  verbs: Verb[];
}

const MAGICS: Record<string, Magic> = words.magics;

export interface Named {
  /** The flags that may follow; null until the verb is complete. */
  flags: Flag[] | null;
  /** The words that may come next in the path of a verb. */
  next: string[];
  /** The shared flags, until the verb's first word is written. */
  shared: Flag[];
}

export function isOurs(magic: string): boolean {
  return magic in MAGICS;
}

/** What the complete words after `%magic` name. */
export function named(magic: string, written: string[]): Named {
  const { shared = [], verbs = [] } = MAGICS[magic] ?? {};
  const only = verbs.length === 1 && verbs[0]?.path === '' ? verbs[0] : undefined;
  if (only) return { flags: only.flags, next: [], shared: [] };
  const rest = written.slice(sharedWords(shared, written));
  const paths = verbs.flatMap((verb) =>
    [verb.path, ...verb.aliases].map((path) => ({ path: path.split(' '), verb })),
  );
  const isNamed = (path: string[]) => path.every((word, index) => word === rest[index]);
  const found = paths.filter(({ path }) => isNamed(path)).sort((a, b) => b.path.length - a.path.length)[0];
  if (found) return { flags: found.verb.flags, next: [], shared: [] };
  const offered = [
    ...verbs.map((verb) => verb.path.split(' ')),
    ...verbs
      .flatMap((verb) => verb.aliases.map((alias) => alias.split(' ')))
      .filter((path) => path.length > 1),
  ];
  const next = offered
    .filter((path) => path.length > rest.length && rest.every((word, index) => word === path[index]))
    .map((path) => path[rest.length] ?? '');
  return { flags: null, next: [...new Set(next)], shared: rest.length ? [] : shared };
}

/** The number of leading words that are shared flags and their values. */
function sharedWords(shared: SharedFlag[], written: string[]): number {
  const names = new Set(shared.flatMap((flag) => flag.names));
  let count = 0;
  for (;;) {
    const word = written[count] ?? '';
    const [name = '', value] = word.split('=', 2);
    if (names.has(name)) count += value === undefined ? 2 : 1;
    else if (!word.startsWith('--') && word.length > 2 && names.has(word.slice(0, 2))) count += 1;
    else return Math.min(count, written.length);
  }
}
