// The plugins for JupyterLab 4 and Notebook 7: highlighting, completion, tooltips and linting in our magics' cells, and
// what a notebook does for our views.

import { EditorExtensionRegistry, IEditorExtensionRegistry } from '@jupyterlab/codemirror';
import { ICompletionProviderManager, type CompletionContext } from '@jupyterlab/completer';
import { INotebookTracker, NotebookActions, type Notebooks } from '@jupyterlab/notebook';
import { addCells } from './cells';
import { keepChosen } from './chosen';
import { complete } from './complete';
import { keepOldViews } from './keep';
import { languageOf, magicCells, type Language } from './magic';
import { hoverHelp } from './hover';
import { lintDockerfile } from './lint';
import { hearProblems } from './problems';
import { showSaved } from './saved';

const RANK = 540; // just before the kernel's own (550)

const colours = {
  id: 'nbcontainer:colours',
  description: 'Highlights Dockerfile and YAML cells.',
  autoStart: true,
  requires: [IEditorExtensionRegistry],
  activate: (_app: unknown, registry: IEditorExtensionRegistry) => {
    registry.addExtension({
      name: 'nbcontainer:magic-cells',
      factory: ({ model }) =>
        model?.type !== undefined && model.type !== 'code'
          ? null
          : EditorExtensionRegistry.createImmutableExtension(
              magicCells(model?.sharedModel?.getSource() ?? '', {
                dockerfile: [lintDockerfile, hoverHelp],
                magics: hoverHelp,
                yaml: hoverHelp,
                text: hoverHelp,
              }),
            ),
    });
  },
};

function languageAt({ editor }: CompletionContext): Language | null {
  return editor ? languageOf(editor.model.sharedModel.getSource()) : null;
}

/** JupyterLab offers any word of the cell as well; where we know what fits, that is only in the way. */
function withoutWordsOfTheCell(manager: ICompletionProviderManager): void {
  const context = manager.getProviders?.().get('CompletionProvider:context');
  const before = context?.isApplicable.bind(context);
  if (!context || !before) return;
  context.isApplicable = async (at) => {
    const language = languageAt(at);
    return language !== 'dockerfile' && language !== 'magics' && (await before(at));
  };
}

const completion = {
  id: 'nbcontainer:completion',
  description: 'Completes instructions and flags, even while the kernel is busy.',
  autoStart: true,
  requires: [ICompletionProviderManager],
  activate: (app: { started?: Promise<void> }, manager: ICompletionProviderManager) => {
    void Promise.resolve(app.started).then(() => withoutWordsOfTheCell(manager));
    manager.registerProvider({
      identifier: 'CompletionProvider:nbcontainer',
      rank: RANK,
      renderer: null,
      isApplicable: async (at) => languageAt(at) !== null,
      fetch: async ({ text, offset }) =>
        complete(text, offset) ?? {
          start: offset,
          end: offset,
          items: [],
        },
    });
  },
};

const saved = {
  id: 'nbcontainer:saved',
  description: 'Shows the saved picture of a widget whose kernel is gone.',
  autoStart: true,
  optional: [INotebookTracker],
  activate: (_app: unknown, notebooks: Notebooks | null) => {
    if (notebooks) showSaved(notebooks);
  },
};

const kept = {
  id: 'nbcontainer:kept',
  description: 'Keeps the old view of a cell that is run again until the new one is drawn.',
  autoStart: true,
  activate: () => keepOldViews(NotebookActions),
};

const cells = {
  id: 'nbcontainer:cells',
  description: 'Adds the cells that a table requests.',
  autoStart: true,
  optional: [INotebookTracker],
  activate: (_app: unknown, notebooks: Notebooks | null) => {
    if (notebooks) addCells(notebooks);
  },
};

const chosen = {
  id: 'nbcontainer:chosen',
  description: 'Keeps the context and the namespace that a notebook has chosen in its metadata.',
  autoStart: true,
  optional: [INotebookTracker],
  activate: (_app: unknown, notebooks: Notebooks | null) => {
    if (notebooks) keepChosen(notebooks);
  },
};

const problems = {
  id: 'nbcontainer:problems',
  description: 'Shows what the kernel finds wrong with a cell that is typed, and its fixes.',
  autoStart: true,
  optional: [INotebookTracker],
  activate: (_app: unknown, notebooks: Notebooks | null) => {
    if (notebooks) hearProblems(notebooks);
  },
};

export default [colours, completion, saved, kept, cells, chosen, problems];
