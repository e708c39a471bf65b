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

/** "error", "warning" or "debug" for lines that are drawn differently; "" for the others. */
export function levelOf(text: string): string {
  const found = LEVEL.exec(text.slice(0, SEARCHED).replace(COLOUR, ''));
  const word =
    found
      ?.slice(1)
      .find((group) => group !== undefined)
      ?.toLowerCase() ?? '';
  if (/^\d+$/.test(word))
    return ['', 'debug', 'debug', '', 'warning'][Math.floor(Number(word) / 10)] ?? 'error';
  if (/^(w|warn|wrn|warning)$/.test(word)) return 'warning';
  if (/^(e|f|err|error|severe|fatal|ftl|crit|critical|d?panic|alert|emerg|emergency)$/.test(word))
    return 'error';
  return /^(d|t|debug|dbg|fine|finest|trace|trc|verbose|silly)$/.test(word) ? 'debug' : '';
}
