// What kernel and page say to each other: the frame of every widget, and the shared words. The Python side is
// nbcontainer/widgets/live.py; the content of a widget's own snapshot and messages is declared in its module's *Wire types.

/** Changes when the frame changes. */
export const PROTOCOL = 1;

/** What a word means; the class `nbc-<tone>` colours it. Mirrors model.tables.Tone. */
export type Tone = '' | 'dim' | 'good' | 'running' | 'cached' | 'warning' | 'bad';

/** Kernel to page. `sequence` counts batches from 1; `buffers` says how many binary buffers belong to each item. */
export type FromKernel =
  | { type: 'batch'; sequence: number; items: unknown[]; buffers: number[]; now: number }
  | { type: 'snapshot'; sequence: number; state: unknown; now: number }
  | { type: 'reply'; id: number; value: unknown }
  /** The answer to `hello` where the page has everything, and a sign of life while nothing changes. */
  | { type: 'here'; now: number };

/** Page to kernel. `hello` and `resync` are answered by a snapshot where the page's sequence is behind, else by `here`. */
export type ToKernel =
  | { type: 'hello'; protocol: number; sequence: number }
  | { type: 'resync'; sequence: number }
  | { type: 'acknowledge'; sequence: number }
  | { type: 'action'; id: number; name: string; [detail: string]: unknown };
