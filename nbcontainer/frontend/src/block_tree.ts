// A tree: nodes open and close, and load their children from the kernel when they are opened for the first time. Its
// keys are those of the tree view pattern of the ARIA Authoring Practices.

import { visible } from './ansi';
import type { TreeBlock, TreeNode } from './blocks';
import type { BlockView, Context } from './block_views';
import { drawSpans, type Tick } from './block_line';
import { make, setAttribute, setText } from './elements';
import { STRINGS } from './strings';

/** What the page knows about a node, besides what the kernel sends. */
interface Known {
  /** Whether it is open: what the user chose, if they did. */
  open?: boolean;
  loaded?: TreeNode[];
  /** Shown behind it: that it is loading, or why it cannot be loaded. */
  remark?: string;
}

/** A node that is visible: where it is, and its row. */
interface Place {
  node: TreeNode;
  parent: string | undefined;
  level: number;
  position: number;
  count: number;
}

export class TreeView implements BlockView<TreeBlock> {
  readonly element = make('div', { class: 'nbc-tree', role: 'tree' });
  private readonly known = new Map<string, Known>();
  private readonly rows = new Map<string, NodeView>();
  private places: Place[] = [];
  private current = ''; // the node that the keyboard reaches
  private block: TreeBlock | undefined;

  constructor(private readonly context: Context) {
    this.element.addEventListener('keydown', (event) => this.press(event));
    this.element.addEventListener('click', (event) => {
      const place = this.placeOf(event.target);
      if (!place || (event.target as Element).closest('button')) return;
      this.focus(place);
      this.open(place.node, !this.isOpen(place.node));
    });
    this.element.addEventListener('focusin', (event) => {
      const place = this.placeOf(event.target);
      if (place && place.node.key !== this.current) this.reach(place);
    });
  }

  get ticking(): boolean {
    return [...this.rows.values()].some((row) => row.ticks.length > 0);
  }

  draw(block: TreeBlock): void {
    if (block === this.block) return;
    this.block = block;
    setAttribute(this.element, 'aria-label', visible(block.label ?? '') || null);
    this.drawRows();
  }

  tick(now: number): void {
    for (const row of this.rows.values()) for (const tick of row.ticks) tick(now);
  }

  private drawRows(): void {
    this.places = [];
    this.collect(this.block?.nodes ?? [], undefined, 1);
    if (!this.places.some(({ node }) => node.key === this.current))
      this.current = this.places[0]?.node.key ?? '';
    const visibleKeys = new Set(this.places.map(({ node }) => node.key));
    for (const [key, row] of this.rows) {
      if (visibleKeys.has(key)) continue;
      row.element.remove();
      this.rows.delete(key);
    }
    let next = this.element.firstElementChild;
    for (const place of this.places) {
      let row = this.rows.get(place.node.key);
      if (!row) {
        row = new NodeView(place.node.key);
        this.rows.set(place.node.key, row);
      }
      const expandable = this.isExpandable(place.node);
      const remark = this.known.get(place.node.key)?.remark ?? '';
      row.draw(place, expandable ? this.isOpen(place.node) : null, remark, this.context);
      setAttribute(row.element, 'tabindex', place.node.key === this.current ? '0' : '-1');
      if (next === row.element) next = next.nextElementSibling;
      else this.element.insertBefore(row.element, next);
    }
  }

  /** Lists the visible nodes, in order. */
  private collect(nodes: readonly TreeNode[], parent: string | undefined, level: number): void {
    nodes.forEach((node, index) => {
      this.places.push({ node, parent, level, position: index + 1, count: nodes.length });
      if (this.isOpen(node)) this.collect(this.childrenOf(node) ?? [], node.key, level + 1);
    });
  }

  /** null if they have not been loaded. */
  private childrenOf(node: TreeNode): readonly TreeNode[] | null {
    if (node.children === null) return this.known.get(node.key)?.loaded ?? null;
    return node.children ?? [];
  }

  private isExpandable(node: TreeNode): boolean {
    return this.childrenOf(node)?.length !== 0;
  }

  private isOpen(node: TreeNode): boolean {
    return this.childrenOf(node) !== null && (this.known.get(node.key)?.open ?? node.open ?? false);
  }

  private open(node: TreeNode, open: boolean): void {
    if (!this.isExpandable(node)) return;
    const known = this.known.get(node.key) ?? {};
    this.known.set(node.key, known);
    known.open = open;
    if (open && this.childrenOf(node) === null && known.remark !== STRINGS.loading) this.load(node, known);
    this.drawRows();
  }

  private load(node: TreeNode, known: Known): void {
    if (this.context.source.link === 'gone') {
      known.remark = STRINGS.unavailable;
      return;
    }
    known.remark = STRINGS.loading;
    void this.context.source.act('children', { block: this.block?.key, node: node.key }).then((reply) => {
      const { nodes, refused } = (reply ?? {}) as { nodes?: TreeNode[]; refused?: string };
      known.loaded = nodes;
      known.remark = nodes ? (nodes.length ? '' : STRINGS.empty) : (refused ?? STRINGS.unavailable);
      this.drawRows();
    });
  }

  private placeOf(target: EventTarget | null): Place | undefined {
    const element = (target as Element | null)?.closest('[role=treeitem]');
    return this.places.find(({ node }) => this.rows.get(node.key)?.element === element);
  }

  /** Makes a node the one that the keyboard reaches. */
  private reach({ node }: Place): void {
    this.rows.get(this.current)?.element.setAttribute('tabindex', '-1');
    this.current = node.key;
    this.rows.get(node.key)?.element.setAttribute('tabindex', '0');
  }

  private focus(place: Place | undefined): void {
    if (!place) return;
    this.reach(place);
    this.rows.get(place.node.key)?.element.focus();
  }

  private press(event: KeyboardEvent): void {
    const index = this.places.findIndex(({ node }) => node.key === this.current);
    const place = this.places[index];
    if (!place || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target !== this.rows.get(place.node.key)?.element) return; // a button in the row
    const { node } = place;
    switch (event.key) {
      case 'ArrowDown':
        this.focus(this.places[index + 1]);
        break;
      case 'ArrowUp':
        this.focus(this.places[index - 1]);
        break;
      case 'Home':
        this.focus(this.places[0]);
        break;
      case 'End':
        this.focus(this.places.at(-1));
        break;
      case 'ArrowRight':
        if (this.isOpen(node)) this.focus(this.places[index + 1]);
        else this.open(node, true);
        break;
      case 'ArrowLeft':
        if (this.isOpen(node)) this.open(node, false);
        else this.focus(this.places.find((other) => other.node.key === place.parent));
        break;
      case 'Enter':
      case ' ':
        this.open(node, !this.isOpen(node));
        break;
      default:
        return;
    }
    event.preventDefault();
    event.stopPropagation(); // otherwise the notebook moves to another cell, or runs this one
  }
}

class NodeView {
  private readonly marker = make('span', { class: 'nbc-marker', 'aria-hidden': 'true' });
  private readonly label = make('span');
  private readonly remark = make('span', { class: 'nbc-dim' });
  readonly element = make(
    'div',
    { class: 'nbc-node', role: 'treeitem' },
    this.marker,
    this.label,
    this.remark,
  );
  ticks: Tick[] = [];
  private node: TreeNode | undefined;

  constructor(readonly key: string) {}

  /** `open` is null if the node cannot be opened. */
  draw(
    { node, level, position, count }: Place,
    open: boolean | null,
    remark: string,
    context: Context,
  ): void {
    setAttribute(this.element, 'aria-level', `${level}`);
    setAttribute(this.element, 'aria-posinset', `${position}`);
    setAttribute(this.element, 'aria-setsize', `${count}`);
    setAttribute(this.element, 'aria-expanded', open === null ? null : `${open}`);
    this.element.style.setProperty('--nbc-level', `${level - 1}`);
    setText(this.marker, open === null ? '' : open ? '▾' : '▸');
    setText(this.remark, remark && ` ${visible(remark)}`);
    if (node.spans === this.node?.spans) return;
    this.node = node;
    this.ticks = drawSpans(this.label, node.spans, context);
  }
}
