// Actions on the selected rows: the magics themselves, in a cell below the table, or on the clipboard where the page
// cannot add cells.

import { make, setText } from './elements';
import { requestCells } from './new_cells';
import { STRINGS, TABLE } from './strings';
import type { Row, WireVerb } from './tables_store';

const MAX_LINES = 10;
const NAME = /^[A-Za-z0-9][\w.-]*$/; // a name with anything else never becomes code
const ROWS = /\{rows(?::([\w.-]+))?\}/; // {rows} are names, {rows:KIND} are KIND/NAME
const STATUS_TIME = 1500; // milliseconds that a message stays

/** The magic's lines for these rows: one per namespace, or per row; none if that would be too many. */
export function magicLines([, , line, many]: WireVerb, rows: readonly Row[]): string[] {
  const groups = new Map<string, Row[]>();
  for (const row of rows) {
    if (!NAME.test(row.name) || (row.namespace && !NAME.test(row.namespace))) continue;
    const group = many ? row.namespace : row.key;
    groups.set(group, [...(groups.get(group) ?? []), row]);
  }
  if (groups.size > MAX_LINES) return [];
  return [...groups.values()].map((group) =>
    line.replace(ROWS, (_, kind: string | undefined) => namesOf(group, kind)),
  );
}

/** Rows of one namespace on a line; several with their kind: in `logs web db`, db is a container, as for kubectl. */
function namesOf(rows: readonly Row[], always = ''): string {
  const namespace = rows[0]?.namespace;
  const names = rows.map(({ name, kind }) => {
    const prefix = always || (rows.length > 1 ? kind.toLowerCase() : '');
    return prefix ? `${prefix}/${name}` : name;
  });
  return [...(namespace ? [`-n ${namespace}`] : []), ...names].join(' ');
}

/** The magic's line for display, before any row is selected. */
export function lineInWords([, , line]: WireVerb): string {
  return line
    .replace(ROWS, (_, kind: string | undefined) => (kind ? `${kind}/NAME` : 'NAME'))
    .replace(/ --(table-context|table-server)=('[^']*'|\S+)/g, '');
}

/** The key as labelled on a keyboard. */
export function keyCap(key: string): string {
  return key === 'Delete' ? 'Ctrl-D' : key;
}

/** Whether an event is a verb's key; Ctrl-D deletes, as in k9s, and Enter describes. */
export function isKey([key]: WireVerb, event: KeyboardEvent): boolean {
  if (event.ctrlKey || event.metaKey || event.altKey)
    return key === 'Delete' && event.ctrlKey && event.key === 'd';
  return (
    key === event.key ||
    (key === 'Delete' && event.key === 'Backspace') ||
    (key === 'd' && event.key === 'Enter' && !event.shiftKey)
  );
}

/** The buttons for the selected rows. */
export class RowVerbs {
  readonly element = make('span', { class: 'nbc-verbs', role: 'toolbar', 'aria-label': TABLE.selectedRows });
  private readonly copy = make(
    'button',
    { class: 'nbc-button', type: 'button', title: TABLE.copyNamesTitle },
    TABLE.copyNames,
  );
  private readonly said = make('span', { class: 'nbc-dim', role: 'status' });
  private drawn = '';
  private clearing = 0;

  constructor(private readonly chosen: () => Row[]) {
    this.copy.addEventListener('click', () => this.copyNames());
  }

  draw(verbs: readonly WireVerb[]): void {
    const key = JSON.stringify(verbs);
    if (key === this.drawn) return;
    this.drawn = key;
    const buttons = verbs.map((verb) =>
      make(
        'button',
        {
          class: 'nbc-button',
          type: 'button',
          title: `${lineInWords(verb)} (${keyCap(verb[0])})`,
          onclick: () => this.act(verb),
        },
        verb[1],
      ),
    );
    this.element.replaceChildren(...buttons, this.copy, this.said);
  }

  act(verb: WireVerb): void {
    const lines = magicLines(verb, this.chosen());
    if (!lines.length) return this.say(TABLE.tooMany(verb[1], MAX_LINES));
    const text = lines.join('\n');
    const [, , , many, run] = verb;
    // a cell shows only its last line's result, so each line gets its own cell
    const added = requestCells(this.element, { sources: run && !many ? lines : [text], run });
    if (!added) void this.copyText(text, STRINGS.copied(lines[0] ?? ''));
  }

  copyNames(): void {
    const names = this.chosen().map((row) => row.name);
    void this.copyText(names.join('\n'), STRINGS.copied(names.length === 1 ? '' : TABLE.names(names.length)));
  }

  private async copyText(text: string, said: string): Promise<void> {
    try {
      await navigator.clipboard.writeText(text);
      this.say(said);
    } catch {
      this.say(STRINGS.noClipboard);
    }
  }

  private say(text: string): void {
    setText(this.said, text);
    window.clearTimeout(this.clearing);
    this.clearing = window.setTimeout(() => setText(this.said, ''), STATUS_TIME);
  }
}
