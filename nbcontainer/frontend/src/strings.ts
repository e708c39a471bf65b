// The page's fixed words, in one place; what pictures say comes from the kernel. A text with values is a function.

import { counted } from './format';

export const STRINGS = {
  stop: 'Stop',
  stopping: 'Stopping…',
  busy: 'The kernel is busy: its interrupt button (■) stops it too. ',
  silent: '◌ no response from the kernel',
  gone: '◌ not live: the kernel ended',
  asleep: (since: string, waking: boolean) =>
    `◌ asleep since ${since}; ${waking ? 'waking' : 'wakes when looked at'}`,
  live: '● live',
  stopped: '■ stopped',
  copied: (what: string) => `copied ${what}`.trim(),
  noClipboard: 'the browser refused the clipboard',
  unavailable: 'the kernel is gone',
  showAll: 'show all',
  showLess: 'show less',
  restIn: (path: string) => `the rest is in ${path}`,
  line: 'line',
  output: 'Output',
  keys: 'Keys',
  of: (part: string, all: string) => `${part} of ${all}`,
  loading: 'loading…',
  empty: 'empty',
};

/** As nbcontainer/views/kit.py has them. */
export const TONE_SIGNS: Record<string, string> = {
  good: '✓',
  bad: '✕',
  warning: '!',
  running: '◐',
  cached: '●',
  dim: '○',
};

/** What a sign means, for screen readers. */
export const TONE_WORDS: Record<string, string> = {
  good: 'done',
  bad: 'failed',
  running: 'running',
  cached: 'cached',
  warning: 'warning',
};

const SHOW_HELP = 'show or hide this';

type Meanings = [keys: string, meaning: string][];

export const LINTED = {
  fixAll: (count: number) => `Make all ${count.toLocaleString('en-US')} fixes`,
};

export const TABLE = {
  table: 'Table',
  help: 'Words that a row must contain; press ? on the rows for more',
  keys: [
    ['↑ ↓ PgUp PgDn Home End', 'move to a row; with Shift, extend the selection'],
    ['j k g G', 'down, up, first, last'],
    ['Enter', 'describe'],
    ['space · click', 'select a row; Ctrl-click adds one'],
    ['Ctrl-A', 'select all rows shown'],
    ['c', 'copy the names of the selected rows'],
    ['/', 'filter'],
    ['Esc', 'clear the selection, then the filter'],
    ['?', SHOW_HELP],
  ] as Meanings,
  filters: [
    ['web !canary', 'rows with “web” and without “canary”'],
    ['/web-\\d+/', 'a regular expression'],
    ['=Running !=Running', 'rows with a cell that is exactly this, or without one'],
    ['status=Running node~^a', 'in one column: exactly, or by a regular expression'],
    ['restarts>3 age<10m', 'by size or age'],
    ['-l app=web,tier!=db', 'labels, as kubectl selects them'],
  ] as Meanings,
  filter: 'Filter',
  filterHint: 'filter',
  wide: 'Wide',
  columns: 'Columns',
  columnsTitle: 'Choose the columns that are shown',
  connecting: '◌ connecting',
  selected: (count: string) => `${count} selected`,
  hints: ['/ filter', '? keys'],
  selectedRows: 'Selected rows',
  copyNames: 'copy names',
  copyNamesTitle: 'Copy the names (c)',
  names: (count: number) => `${count} names`,
  tooMany: (verb: string, most: number) => `${verb}: at most ${most} at a time`,
  noMatch: 'No row matches the filter.',
  nothing: 'Nothing here.',
  sortBy: (column: string) => `Sort by ${column}`,
};

export const LOG = {
  keys: [
    ['↑ ↓ PgUp PgDn Home End', 'scroll; End resumes following'],
    ['space', 'pause or resume following'],
    ['/', 'search the whole log'],
    ['n N', 'next, previous match'],
    ['e', 'find errors'],
    ['g', 'go to a time'],
    ['t', 'show or hide times'],
    ['w', 'wrap long lines'],
    ['c', 'show the fields of JSON and logfmt lines as columns'],
    ['r', 'show the raw text of a line below its columns, as a click on the line does'],
    ['?', SHOW_HELP],
  ] as Meanings,
  searches: [
    ['timed out', 'exactly this text; a capital letter makes it case-sensitive'],
    ['error OR 503', 'either one'],
    ['level:warning', 'lines of this level or a worse one: trace, debug, info, warning, error, fatal'],
    ['.*', 'when pressed: a regular expression, such as 5\\d\\d'],
  ] as Meanings,
  searching: 'Search',
  searchHint: 'search',
  search: 'Search the whole log',
  searchTitle: 'Search the whole log; OR separates alternatives; a capital letter makes it case-sensitive',
  regex: 'Regular expression',
  invalidRegex: 'invalid regex',
  previous: 'Previous match',
  next: 'Next match',
  time: 'Time',
  timeTitle: 'Show when each line was written (t)',
  wrap: 'Wrap',
  wrapTitle: 'Wrap long lines (w)',
  columns: 'Columns',
  columnsTitle: 'Show the fields of JSON and logfmt lines as columns (c); click a line for its raw text (r)',
  fields: 'Fields',
  fieldsTitle: 'Choose the fields that are columns',
  columnTime: 'Time',
  columnSource: 'Source',
  columnLevel: 'Level',
  columnMessage: 'Message',
  copy: 'Copy',
  copyTitle: (lines: string) => `Copy the selection, or the last ${lines} lines`,
  refused: 'the browser refused',
  download: 'Download',
  downloadTitle: 'Save the whole log as a file',
  downloading: (percent: number) => `${percent}%`,
  moment: 'Go to a time',
  momentHint: 'go to 14:05:30',
  momentTitle: 'Go to the first line of this time, such as 14:05 or 2026-01-02 14:05:30 (g)',
  pause: 'Pause',
  pauseTitle: 'Stop scrolling; nothing is lost (space)',
  resume: 'Resume',
  paused: '◌ paused',
  stopTitle: 'Stop following the log',
  sources: (count: number) => `${count} sources`,
  fileTitle: 'The file with the whole log',
  sizeIn: (size: string, path: string) => (path ? `${size} in ${path}` : size),
  linesOf: (title: string) => `Log lines of ${title}`,
  fresh: (count: number) => `↓ ${counted(count, 'new line')}`,
  toEnd: '↓ to the end',
};
