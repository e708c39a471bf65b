// The page's fixed words. What pictures say comes from the kernel.

export const STRINGS = {
  stop: 'Stop',
  stopping: 'Stopping…',
  busy: 'The kernel is busy: its interrupt button (■) stops it too. ',
  silent: '◌ no response from the kernel',
  gone: '◌ not live: the kernel ended',
  stopped: '■ stopped',
  copied: 'copied: ',
  noClipboard: 'the browser refused the clipboard',
  unavailable: 'the kernel is gone',
  showAll: 'show all',
  showLess: 'show less',
  restIn: 'the rest is in ',
  line: 'line',
  output: 'Output',
  loading: 'loading…',
  empty: 'empty',
} as const;

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
