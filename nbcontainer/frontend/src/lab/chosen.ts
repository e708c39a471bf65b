// The context and the namespace that a notebook has chosen (%kube context, %kube namespace) are kept in its metadata,
// from where its next kernel restores them: see nbcontainer/magics/chosen.py.

import type { Notebooks, Panel } from '@jupyterlab/notebook';

const KEY = 'nbcontainer';
const TARGET = 'nbcontainer:chosen';

export function keepChosen(notebooks: Notebooks): void {
  notebooks.widgetAdded.connect((_sender, panel) => {
    panel.sessionContext.kernelChanged.connect(() => listen(panel));
    listen(panel);
  });
}

function listen(panel: Panel): void {
  panel.sessionContext.session?.kernel?.registerCommTarget(TARGET, (comm, { content }) => {
    panel.model?.sharedModel.setMetadata(KEY, content.data);
    void panel.context.save(); // a kernel that is restarted now reads the file
    comm.close();
  });
}
