// The few words of JupyterLab 4 that the plugin uses. Its packages (455 MB with what they need) are not installed; the
// page has them, and its own copies are used.

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
  export interface ICompletionProviderManager {
    registerProvider(provider: {
      readonly identifier: string;
      readonly rank: number;
      readonly renderer: null;
      isApplicable(context: {
        editor?: { model: { sharedModel: { getSource(): string } } } | null;
      }): Promise<boolean>;
      fetch(request: Request): Promise<{ start: number; end: number; items: CompletionItem[] }>;
    }): void;
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
  export interface Notebooks {
    readonly widgetAdded: {
      connect(slot: (sender: unknown, panel: { content: { rendermime: Factory } }) => void): void;
    };
  }
  export const INotebookTracker: unique symbol;
}
