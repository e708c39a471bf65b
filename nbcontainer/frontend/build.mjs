// Builds the widgets' front ends into ../static and the JupyterLab extension into ../labextension.
//
// esbuild does all of it. A prebuilt ("federated") extension is a script that puts an object with `init(scope)` and
// `get(module)` into `window._JUPYTERLAB`; src/lab/container.js is that object, so neither webpack nor the @jupyterlab
// packages (455 MB) are needed. JupyterLab's modules come from its own share scope.

import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as esbuild from 'esbuild';

const here = dirname(fileURLToPath(import.meta.url));
const source = join(here, 'src');
const statics = join(here, '..', 'static');
const labextension = join(here, '..', 'labextension');
const watch = process.argv.includes('--watch');
const version = JSON.parse(readFileSync(join(here, 'package.json'), 'utf8')).version;

// a module that exports a live widget is an entry: src/NAME.ts and src/NAME.css become static/NAME.js and static/NAME.css
const names = readdirSync(source)
  .filter((file) => file.endsWith('.ts'))
  .filter((file) => /^export default liveWidget/m.test(readFileSync(join(source, file), 'utf8')))
  .map((file) => file.slice(0, -'.ts'.length));

/** @type {esbuild.BuildOptions} */
const widgets = {
  entryPoints: names.flatMap((name) =>
    ['ts', 'css'].map((kind) => join(source, `${name}.${kind}`)).filter(existsSync),
  ),
  outdir: statics,
  bundle: true,
  format: 'esm',
  target: 'es2022',
  minify: !watch,
  charset: 'utf8',
  legalComments: 'none',
  logLevel: 'warning',
};

/** @type {esbuild.BuildOptions} */
const lab = {
  entryPoints: [join(source, 'lab', 'index.ts')],
  bundle: true,
  write: false,
  format: 'cjs',
  target: 'es2022',
  minify: !watch,
  charset: 'utf8',
  legalComments: 'none',
  logLevel: 'warning',
  // these must be the page's own copies: CodeMirror and the plugin tokens are compared by identity
  external: ['@codemirror/language', '@codemirror/state', '@codemirror/view', '@lezer/*', '@jupyterlab/*'],
};

function writeLabextension(result) {
  const plugin = result.outputFiles[0].text;
  const shared = [...new Set([...plugin.matchAll(/require\(["']([^"']+)["']\)/g)].map((found) => found[1]))];
  const container = readFileSync(join(source, 'lab', 'container.js'), 'utf8')
    .replace('__SHARED__', () => JSON.stringify(shared))
    .replace('__PLUGIN__;', () => plugin);
  const name = `remoteEntry.${createHash('sha256').update(container).digest('hex').slice(0, 12)}.js`;
  rmSync(labextension, { recursive: true, force: true });
  mkdirSync(join(labextension, 'static'), { recursive: true });
  writeFileSync(join(labextension, 'static', name), container);
  const description = {
    name: 'nbcontainer',
    version,
    description: 'Dockerfile and Kubernetes cells for JupyterLab and Notebook 7.',
    license: 'Apache-2.0',
    jupyterlab: { extension: true, _build: { load: `static/${name}`, extension: './extension' } },
  };
  writeFileSync(join(labextension, 'package.json'), `${JSON.stringify(description, null, 2)}\n`);
}

const hasLab = existsSync(lab.entryPoints[0]);
if (watch) {
  const onEnd = { name: 'labextension', setup: (build) => build.onEnd(writeLabextension) };
  await (await esbuild.context(widgets)).watch();
  if (hasLab) await (await esbuild.context({ ...lab, plugins: [onEnd] })).watch();
} else {
  rmSync(statics, { recursive: true, force: true });
  await esbuild.build(widgets);
  if (hasLab) writeLabextension(await esbuild.build(lab));
}
