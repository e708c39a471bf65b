// The blocks of a picture, as the kernel sends them, and how its changes are folded into them. The fields mirror
// nbcontainer/views/kit.py, where they are explained; one that has its default is left out. The changes mirror
// nbcontainer/views/page.py.

import type { Tone } from './wire';

export interface Clock {
  since: number;
  until?: number;
  style?: 'seconds' | 'whole' | 'age';
  before?: string;
}

export interface Action {
  label: string;
  magic: string;
  verb: string[];
  values?: Record<string, unknown>;
  changes?: boolean;
}

export interface Span {
  text: string;
  tone?: Tone;
  bold?: boolean;
  code?: boolean;
  chip?: boolean;
  status?: boolean;
  bar?: [number, number | null];
  clock?: Clock;
  action?: Action;
  /** A page elsewhere opens in a new tab; a path from the notebook's folder is not known to a widget. */
  link?: string;
}

/** A span that is nothing but text is a string. */
export type AnySpan = string | Span;

export interface Block {
  kind: string;
  key: string;
}

export interface LineBlock extends Block {
  spans: AnySpan[];
  indent?: number;
  wraps?: boolean;
  head?: boolean;
}

export interface OutputBlock extends Block {
  lines: string[];
  tone?: Tone;
  count?: number;
  open?: boolean;
  preview?: number;
  rest?: string;
  ending?: string;
}

export interface GridBlock extends Block {
  rows: AnySpan[][];
  columns?: string[];
  right?: number[];
  flexible?: number;
  wraps?: boolean;
  keys?: string[];
  axis?: [number, number | null];
  outputs?: Record<string, OutputBlock>;
  optional?: number[];
  group?: number;
  chart?: boolean;
  label?: string;
}

export interface ProgressBlock extends Block {
  share: number | null;
  text?: string;
  tone?: Tone;
}

export interface TreeNode {
  key: string;
  spans: AnySpan[];
  /** null until they are loaded. */
  children?: TreeNode[] | null;
  open?: boolean;
}

export interface TreeBlock extends Block {
  nodes: TreeNode[];
  label?: string;
}

export interface PlotBlock extends Block {
  curves: { name: string; path: string; dots?: string; latest?: string; tone?: Tone }[];
  across: [number, string][];
  upward: [number, string][];
  table: Omit<GridBlock, keyof Block>;
  label?: string;
}

export interface ActionsBlock extends Block {
  actions: Action[];
}

export interface SectionBlock extends Block {
  title: Omit<LineBlock, keyof Block>;
  blocks: Block[];
  open?: boolean;
}

export interface Picture {
  label: string;
  blocks: Block[];
}

/** What changed in a block; one that has a `kind` is a whole block. */
interface Change {
  key: string;
  kind?: string;
  set?: Record<string, unknown>;
  unset?: string[];
  rows?: Record<string, AnySpan[]>;
  outputs?: Record<string, Change | null>;
  drop?: number;
  lines?: string[];
  blocks?: Change[];
  order?: string[];
}

export type PictureChange = Partial<Pick<Change, 'blocks' | 'order'>> & { label?: string };

/** The picture after a change. What has not changed is the same object as before. */
export function applyPicture(picture: Picture, change: PictureChange): Picture {
  return {
    label: change.label ?? picture.label,
    blocks: change.blocks || change.order ? applyBlocks(picture.blocks, change) : picture.blocks,
  };
}

function applyBlocks(blocks: Block[], change: PictureChange): Block[] {
  const known = new Map(blocks.map((block) => [block.key, block]));
  for (const changed of change.blocks ?? [])
    known.set(changed.key, applyBlock(known.get(changed.key), changed));
  return inOrder(known, change.order);
}

function applyBlock(block: Block | undefined, change: Change): Block {
  if (change.kind !== undefined || !block) return change as Block;
  const { set, unset, rows, outputs, drop, lines, blocks, order } = change;
  const next: Block & Record<string, unknown> = { ...block, ...set };
  for (const name of unset ?? []) delete next[name];
  if (drop || lines) next.lines = [...(block as OutputBlock).lines.slice(drop ?? 0), ...(lines ?? [])];
  if (block.kind === 'section' && (blocks || order))
    next.blocks = applyBlocks((block as SectionBlock).blocks, { blocks, order });
  if (block.kind === 'grid' && (rows || order)) {
    const grid = block as GridBlock;
    const keys = grid.keys ?? [];
    const known = new Map(keys.map((name, index) => [name, grid.rows[index] ?? []]));
    for (const [name, row] of Object.entries(rows ?? {})) known.set(name, row);
    next.keys = order ?? keys;
    next.rows = inOrder(known, order);
  }
  if (outputs) next.outputs = applyOutputs((block as GridBlock).outputs ?? {}, outputs);
  if (next.outputs === undefined) delete next.outputs;
  return next;
}

function applyOutputs(
  known: Record<string, OutputBlock>,
  changes: Record<string, Change | null>,
): Record<string, OutputBlock> | undefined {
  const outputs = new Map(Object.entries(known));
  for (const [name, change] of Object.entries(changes)) {
    if (change) outputs.set(name, applyBlock(outputs.get(name), change) as OutputBlock);
    else outputs.delete(name);
  }
  return outputs.size ? Object.fromEntries(outputs) : undefined;
}

function inOrder<Value>(known: Map<string, Value>, order: string[] | undefined): Value[] {
  if (!order) return [...known.values()];
  return order.map((key) => known.get(key)).filter((value) => value !== undefined);
}
