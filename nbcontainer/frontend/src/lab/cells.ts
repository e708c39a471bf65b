// Cells that a view asks for: what is done with rows of a table is a magic that everybody can read, in a cell below it.

import { NotebookActions, type Notebooks } from '@jupyterlab/notebook';
import { NEW_CELL, type NewCell } from '../tables_verbs';

export function addCells(notebooks: Notebooks): void {
  document.addEventListener(NEW_CELL, (event) => {
    const target = event.target as Element;
    const panel = notebooks.find(({ content }) => content.node.contains(target));
    const index = panel?.content.widgets.findIndex((cell) => cell.node.contains(target)) ?? -1;
    if (!panel || index < 0) return;
    event.preventDefault(); // it is done here
    const { source, run } = (event as CustomEvent<NewCell>).detail;
    const { content, sessionContext } = panel;
    content.activeCellIndex = index;
    content.deselectAll();
    // asked for once more, it runs once more
    if (content.widgets[index + 1]?.model.sharedModel.getSource() === source)
      content.activeCellIndex = index + 1;
    else NotebookActions.insertBelow(content);
    content.activeCell?.model.sharedModel.setSource(source);
    if (run) void NotebookActions.run(content, sessionContext);
    else content.mode = 'edit';
  });
}
