import assert from 'node:assert/strict';
import { test } from 'node:test';
import positions from '../../../tests/language/positions.json';
import { complete } from '../src/lab/complete';
import { meaningAt } from '../src/lab/dockerfile_hover';

const MAGIC = '%%dockerfile -t a\n';

interface Position {
  what: string;
  text: string;
  offers?: string[];
  includes?: string[];
  excludes?: string[];
  start?: number;
}

for (const { what, text, offers, includes, excludes, start } of positions.completion as Position[]) {
  test(`completion: ${what}`, () => {
    const [before = '', after = ''] = text.split('|');
    const offset = MAGIC.length + before.length;
    const found = complete(MAGIC + before + after, offset);
    const labels = found?.items.map(({ label }) => label) ?? [];
    if (offers) assert.deepEqual(labels, offers);
    for (const label of includes ?? []) assert.ok(labels.includes(label), label);
    for (const label of excludes ?? []) assert.ok(!labels.includes(label), label);
    if (start !== undefined && found)
      assert.equal(found.start, MAGIC.length + before.lastIndexOf('\n') + 1 + start);
  });
}

for (const { what, text, word, says } of positions.hover) {
  test(`hover: ${what}`, () => {
    const [before = '', after = ''] = text.split('|');
    const found = meaningAt(before, after.split('\n')[0] ?? '');
    assert.deepEqual(found ?? { word: '', says: '' }, { word, says });
  });
}

/** Milliseconds of a completion and a hover at the end of a text. */
function spent(text: string): number {
  const start = performance.now();
  complete(MAGIC + text, MAGIC.length + text.length);
  meaningAt(text, '');
  return performance.now() - start;
}

// what takes minutes if it is quadratic; the limit is far above what it takes
const LARGE: Record<string, string> = {
  'blanks in a line': `FROM x\nRUN a${' '.repeat(1e6)}b $`,
  'blanks in a directive': `# syntax=a${' '.repeat(1e6)}b\nFROM x\nRU`,
  'continued lines': `FROM x\nRUN a${' hello \\\n'.repeat(1e5)} $`,
  words: `FROM x\nRUN ${'a '.repeat(5e5)}$`,
  quotes: `FROM x\nRUN ${`"'`.repeat(5e5)}$`,
  backslashes: `FROM x\nRUN ${'\\'.repeat(1e6)}\nCO`,
  heredocs: `FROM x\n${'RUN <<EOF\nx\nEOF\n'.repeat(6e4)}RUN $`,
  stages: `${Array.from({ length: 1e4 }, (_, n) => `FROM s${n} AS s${n + 1}\nENV A${n}=$A${n - 1}x\n`).join('')}RUN $`,
  variables: `FROM x\nENV A=1\n${'ENV A=$A\n'.repeat(1e5)}RUN $A`,
  doubling: `FROM x\nENV A=1234567890\n${'ENV A=$A$A\n'.repeat(1000)}RUN $A`,
  references: `FROM x\nENV A=${'$A'.repeat(5e5)}\nRUN $A`,
};
for (const [what, text] of Object.entries(LARGE))
  test(`a megabyte of ${what} takes less than some seconds`, () => assert.ok(spent(text) < 5000));
