import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MAX_CHARACTERS, parse, ranges, shown, visible, type Run } from '../src/ansi';

const text = (line: string): string => shown(parse(line));
const first = (line: string): Run => parse(line)[0] as Run;

test('plain text is one run', () => {
  assert.deepEqual(
    parse('hello').map((run) => run.text),
    ['hello'],
  );
  assert.deepEqual(parse(''), []);
});

test('colours', () => {
  assert.equal(first('\x1b[31mred').colour, 1);
  assert.equal(first('\x1b[92mgreen').colour, 10);
  assert.equal(first('\x1b[1;33mbold').bold, true);
  assert.equal(first('\x1b[1;33mbold').colour, 3);
  assert.equal(first('\x1b[38;5;208mx').colour, '#ff8700');
  assert.equal(first('\x1b[38;5;9mx').colour, 9);
  assert.equal(first('\x1b[38;5;240mx').colour, '#585858');
  assert.equal(first('\x1b[38;2;1;2;255mx').colour, '#0102ff');
  assert.equal(first('\x1b[38:2::1:2:255mx').colour, '#0102ff');
  assert.equal(first('\x1b[48;5;21;1mx').background, '#0000ff');
  assert.equal(first('\x1b[48;5;21;1mx').bold, true);
  const runs = parse('a\x1b[31mb\x1b[0mc\x1b[4md\x1b[24me');
  assert.deepEqual(
    runs.map((run) => [run.text, run.colour, run.underline]),
    [
      ['a', null, false],
      ['b', 1, false],
      ['c', null, false],
      ['d', null, true],
      ['e', null, false],
    ],
  );
});

test('text in the colour of its ground is not hidden, nor is concealed text', () => {
  assert.equal(first('\x1b[31;41mpassword').colour, null);
  assert.deepEqual(parse('\x1b[8mpassword')[0]?.text, 'password');
});

test('what is no colour leaves no trace, and its text stays', () => {
  assert.equal(text('a\x1b[2Jb\x1b[1;1Hc\x1b[?25ld\x1b(Be\x1b]0;title\x07f\x1b[>4;2mg'), 'abcdefg');
  assert.equal(text('\x1bP1;2qdata\x1b\\after'), 'after');
  assert.equal(text('\x1b]52;c;ZXZpbA==\x07after'), 'after');
});

test('sequences that are cut off or never end are shown', () => {
  assert.equal(text('a\x1b'), 'a␛');
  assert.equal(text('a\x1b['), 'a␛[');
  assert.equal(text('a\x1b[31'), 'a␛[31');
  assert.equal(text('a\x1b]0;no end'), 'a␛]0;no end');
  assert.equal(text('a\x1bPno end'), 'a␛Pno end');
});

test('a hyperlink says where it leads', () => {
  assert.equal(text('\x1b]8;;http://evil/\x07docs\x1b]8;;\x07 x'), 'docs ‹http://evil/› x');
  assert.equal(text('\x1b]8;id=1;http://a;b\x1b\\docs'), 'docs ‹http://a;b›');
});

test('characters that cannot be seen are marked', () => {
  assert.equal(
    text('user\u202egnp.exe\u0000\u007f\u009b31m\u200b'),
    'user⟨U+202E⟩gnp.exe␀␡⟨U+009B⟩31m⟨U+200B⟩',
  );
  assert.equal(text('50%\r100%\r'), '50%␍100%');
  const mark = parse('\u202e').find((run) => run.mark);
  assert.equal(mark?.title, 'right-to-left override (U+202E)');
  assert.equal(text('\ud800x \u{e0041} 😀 👨‍👩‍👧'), '⟨U+D800⟩x ⟨U+E0041⟩ 😀 👨‍👩‍👧');
  assert.equal(visible('a\tb\nc\x1b[31m\u2066'), 'a␉b␊c␛[31m⟨U+2066⟩');
});

test('a hostile line of megabytes is cut', () => {
  for (const evil of ['\x1b[', '\x1b]8;;', '\x1bP', '\x1b[38;5;', ';', '\x1b[1m', '\u202e']) {
    const runs = parse(evil.repeat(200_000));
    assert.ok(runs.length <= MAX_CHARACTERS + 2);
  }
  assert.match(text('x'.repeat(MAX_CHARACTERS + 1234)), /x … 1,234 more characters$/);
  parse(`\x1b[${'1;'.repeat(2000)}m x`);
  parse('\x1b[38m \x1b[38;5m \x1b[48;2;999;-1m \x1b[99999999999m x');
});

test('matches are found, and empty ones do not count', () => {
  assert.deepEqual(ranges('a503 503', /503/gu), [
    [1, 4],
    [5, 8],
  ]);
  assert.deepEqual(ranges('abc', /x*/gu), []);
});
