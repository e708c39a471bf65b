// What a reopened notebook shows where its widgets are gone along with their kernel: the picture that was saved beside
// each, instead of "model not found".

import type { Factory, MimeModel, Notebooks } from '@jupyterlab/notebook';

const WIDGET = 'application/vnd.jupyter.widget-view+json';
const PICTURE = 'text/html';
const GONE = 'Error displaying widget: model not found'; // as JupyterLab's widget manager has it

/** Make every notebook opened from now on show saved pictures. */
export function showSaved(notebooks: Notebooks): void {
  notebooks.widgetAdded.connect((_sender, { content }) => {
    const factory = content.rendermime;
    const create = factory.createRenderer.bind(factory);
    factory.createRenderer = (type, ...rest) => {
      const renderer = create(type, ...rest);
      if (type !== WIDGET) return renderer;
      const render = renderer.renderModel.bind(renderer);
      renderer.renderModel = async (model) => {
        await render(model);
        if (renderer.node.textContent === GONE && PICTURE in model.data)
          await replace(renderer.node, model, factory);
      };
      return renderer;
    };
  });
}

async function replace(node: HTMLElement, model: MimeModel, factory: Factory): Promise<void> {
  const picture = factory.createRenderer(PICTURE); // this renderer sanitises the HTML of an untrusted notebook
  await picture.renderModel(model);
  node.replaceChildren(picture.node);
}
