// The level of a log's line, by the same rules as the kernel's `level_of`.

const KEYS = 'level|lvl|severity|severity_text|log\\.level|loglevel|levelname|@l';
const LEVEL = new RegExp(
  `"(?:${KEYS})"\\s*:\\s*"?([A-Za-z]+|\\d+)` +
    `|(?:^|\\s)(?:${KEYS})="?([A-Za-z]+|\\d+)` +
    '|^([IWEF])\\d{4} \\d\\d:\\d\\d:\\d\\d' +
    '|^[^a-z\\n]{0,40}?\\b(TRACE|DEBUG|INFO|NOTICE|WARN|WARNING|ERROR|ERR|CRITICAL|CRIT|FATAL|PANIC)\\b' +
    '|^[^\\n]{0,60}?[[(<](trace|debug|info|notice|warn|warning|error|err|critical|fatal)[\\])>]',
);
// eslint-disable-next-line no-control-regex
const COLOUR = /\x1b\[[0-9;:]*m/g;
const SEARCHED = 1_000; // characters; a level stands near the beginning

const LEVELS = ['trace', 'debug', 'info', 'warning', 'error', 'fatal'];
const WORDS: [string, RegExp][] = [
  ['trace', /^(t|trace|trc|verbose|silly|finest)$/],
  ['debug', /^(d|debug|dbg|fine)$/],
  ['info', /^(i|info|inf|information|informational|notice|log)$/],
  ['warning', /^(w|warn|wrn|warning)$/],
  ['error', /^(e|err|error|severe)$/],
  ['fatal', /^(f|ftl|fatal|crit|critical|d?panic|alert|emerg|emergency)$/],
];

/** A line's level: "trace", "debug", "info", "warning", "error" or "fatal"; "" where none is found. */
export function levelOf(text: string): string {
  const found = LEVEL.exec(text.slice(0, SEARCHED).replace(COLOUR, ''));
  const word =
    found
      ?.slice(1)
      .find((group) => group !== undefined)
      ?.toLowerCase() ?? '';
  if (/^\d+$/.test(word))
    // pino and bunyan: 10 is trace, 20 debug, …
    return LEVELS[Math.min(Math.max(Math.floor(Number(word) / 10), 1), LEVELS.length) - 1] ?? '';
  return WORDS.find(([, words]) => words.test(word))?.[0] ?? '';
}
