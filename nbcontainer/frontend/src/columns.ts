// The panel with a checkbox for each column of a table, or each field of a log.

import { visible } from './ansi';
import { make, setAttribute } from './elements';

export class ColumnsPanel<Column extends { readonly name: string }> {
  readonly button: HTMLButtonElement;
  readonly element: HTMLElement;

  constructor(
    text: string,
    title: string,
    private readonly columns: () => readonly Column[],
    private readonly shows: (column: Column) => boolean,
    private readonly toggle: (column: Column) => void,
  ) {
    this.button = make(
      'button',
      { class: 'nbc-button', type: 'button', 'aria-expanded': 'false', title },
      text,
    );
    this.element = make('div', { class: 'nbc-choice', role: 'group', 'aria-label': text, hidden: true });
    this.button.addEventListener('click', () => this.open(this.element.hidden));
    this.element.addEventListener('keydown', (event) => {
      event.stopPropagation(); // the page's own shortcuts do nothing here
      if (event.key !== 'Escape') return;
      this.open(false);
      this.button.focus();
    });
  }

  /** Shows or hides it. */
  open(open: boolean): void {
    this.element.hidden = !open;
    setAttribute(this.button, 'aria-expanded', String(open));
    if (open) this.draw();
  }

  private draw(): void {
    const boxes = this.columns().map((column) => {
      const box = make('input', { type: 'checkbox' });
      box.checked = this.shows(column);
      box.addEventListener('change', () => {
        this.toggle(column);
        box.checked = this.shows(column); // the last column stays
      });
      return make('label', {}, box, document.createTextNode(` ${visible(column.name)}`));
    });
    this.element.replaceChildren(...boxes);
    this.element.querySelector('input')?.focus();
  }
}
