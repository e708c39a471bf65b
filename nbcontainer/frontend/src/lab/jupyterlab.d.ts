// The few declarations of JupyterLab 4 that the plugins use. Its packages (455 MB with dependencies) are not installed;
// the page's own copies are used at run time.

declare module '@jupyterlab/codemirror' {
  import type { Extension } from '@codemirror/state';

  export interface EditorExtension {
    readonly instance: (editor: unknown) => Extension;
  }
  export const EditorExtensionRegistry: {
    createImmutableExtension(extension: Extension): EditorExtension;
  };
  export interface IEditorExtensionRegistry {
    addExtension(factory: {
      readonly name: string;
      readonly factory: (options: {
        model?: { type?: string; sharedModel?: { getSource(): string } };
      }) => EditorExtension | null;
    }): void;
  }
  export const IEditorExtensionRegistry: unique symbol;
}

declare module '@jupyterlab/completer' {
  export interface CompletionItem {
    label: string;
    insertText?: string;
    type?: string;
    documentation?: string;
  }
  export interface Request {
    readonly text: string;
    readonly offset: number;
  }
  export interface CompletionContext {
    editor?: { model: { sharedModel: { getSource(): string } } } | null;
  }
  export interface CompletionProvider {
    readonly identifier: string;
    readonly rank: number;
    readonly renderer: null;
    isApplicable(context: CompletionContext): Promise<boolean>;
    fetch(request: Request): Promise<{ start: number; end: number; items: CompletionItem[] }>;
  }
  export interface ICompletionProviderManager {
    registerProvider(provider: CompletionProvider): void;
    getProviders?(): Map<string, CompletionProvider>;
  }
  export const ICompletionProviderManager: unique symbol;
}

declare module '@jupyterlab/notebook' {
  export interface MimeModel {
    readonly data: Record<string, unknown>;
  }
  export interface Renderer {
    readonly node: HTMLElement;
    renderModel(model: MimeModel): Promise<void>;
  }
  export interface Factory {
    createRenderer(type: string, ...rest: unknown[]): Renderer;
  }
  export interface Cell {
    readonly node: HTMLElement;
    readonly model: { readonly sharedModel: { getSource(): string; setSource(source: string): void } };
  }
  export interface Notebook {
    readonly node: HTMLElement;
    readonly rendermime: Factory;
    readonly widgets: readonly Cell[];
    readonly activeCell: Cell | null;
    activeCellIndex: number;
    mode: 'command' | 'edit';
    deselectAll(): void;
  }
  export interface Panel {
    readonly content: Notebook;
    readonly sessionContext: SessionContext;
    readonly context: { readonly ready: Promise<void>; save(): Promise<void> };
    readonly model: { readonly sharedModel: { setMetadata(key: string, value: unknown): void } } | null;
  }
  export interface Comm {
    readonly isDisposed: boolean;
    onMsg: (message: { content: { data: unknown } }) => void;
    onClose: () => void;
    send(data: unknown): void;
    close(): void;
  }
  export interface Kernel {
    registerCommTarget(
      name: string,
      callback: (comm: Comm, message: { content: { data: unknown } }) => void,
    ): void;
    requestCommInfo(content: {
      target_name: string;
    }): Promise<{ content: { comms?: Record<string, unknown> } }>;
    hasComm(id: string): boolean;
    createComm(target: string, id: string): Comm;
  }
  export interface SessionContext {
    readonly session: { readonly kernel: Kernel | null } | null;
    readonly kernelChanged: { connect(slot: () => void): void };
  }
  export interface Notebooks {
    readonly widgetAdded: { connect(slot: (sender: unknown, panel: Panel) => void): void };
    find(test: (panel: Panel) => boolean): Panel | undefined;
  }
  export const INotebookTracker: unique symbol;
  export interface CodeCell {
    /** Only code cells have one. */
    readonly outputArea?: { readonly node: HTMLElement };
  }
  export interface Actions {
    insertBelow(notebook: Notebook): void;
    run(notebook: Notebook, session: unknown): Promise<boolean>;
    /** Emitted just before a cell's code is sent to the kernel and its outputs are cleared. */
    readonly executionScheduled: {
      connect(slot: (sender: unknown, run: { cell: CodeCell }) => void): void;
    };
  }
  export const NotebookActions: Actions;
}
