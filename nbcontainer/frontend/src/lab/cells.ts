// Adds the cells that a view requests: acting on rows of a table means running a magic, visible in a cell below it.

import { NotebookActions, type Notebooks } from '@jupyterlab/notebook';
import { NEW_CELLS, type NewCells } from '../new_cells';

export function addCells(notebooks: Notebooks): void {
  document.addEventListener(NEW_CELLS, (event) => {
    const target = event.target as Element;
    const panel = notebooks.find(({ content }) => content.node.contains(target));
    const index = panel?.content.widgets.findIndex((cell) => cell.node.contains(target)) ?? -1;
    if (!panel || index < 0) return;
    event.preventDefault(); // tells the view that the cells are added
    const { sources, run } = (event as CustomEvent<NewCells>).detail;
    const { content, sessionContext } = panel;
    for (const [number, source] of sources.entries()) {
      content.activeCellIndex = index + number;
      content.deselectAll();
      // requested again, an existing cell is run again rather than added twice
      if (content.widgets[index + number + 1]?.model.sharedModel.getSource() === source)
        content.activeCellIndex = index + number + 1;
      else NotebookActions.insertBelow(content);
      content.activeCell?.model.sharedModel.setSource(source);
      if (run) void NotebookActions.run(content, sessionContext);
    }
    if (!run) content.mode = 'edit';
  });
}
