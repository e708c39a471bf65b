// The panel that `?` opens: what each key does, and what can be typed.

import { make } from './elements';

export class KeysPanel {
  readonly element = make('div', { class: 'nbc-help', role: 'note', hidden: true });

  /** Shows the groups, each a title with its keys and their meanings, or hides the panel if it is open. */
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

  /** Hides the panel; returns whether it was open. */
  close(): boolean {
    const open = !this.element.hidden;
    this.element.hidden = true;
    return open;
  }
}
