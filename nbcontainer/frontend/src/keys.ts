// The panel that `?` shows: what each key does, and what may be typed.

import { make } from './elements';

export class KeysPanel {
  readonly element = make('div', { class: 'nbc-help', role: 'note', hidden: true });

  /** Shows the groups, each a title with keys and their meaning, or hides them. */
  toggle(groups: Record<string, [string, string][]>): void {
    if (this.close()) return;
    this.element.replaceChildren(
      ...Object.entries(groups).map(([title, rows]) =>
        make(
          'dl',
          { 'aria-label': title },
          ...rows.flatMap(([key, meaning]) => [
            make('dt', { class: 'nbc-code' }, key),
            make('dd', { class: 'nbc-dim' }, meaning),
          ]),
        ),
      ),
    );
    this.element.hidden = false;
  }

  /** Whether it was open. */
  close(): boolean {
    const open = !this.element.hidden;
    this.element.hidden = true;
    return open;
  }
}
