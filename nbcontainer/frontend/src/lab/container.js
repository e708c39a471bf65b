// The container that JupyterLab loads: module federation's interface, written by hand. build.mjs fills in the two
// placeholders.
(() => {
  const shared = __SHARED__;
  let scope;

  /** The newest version of a module that the page shares. */
  async function fromPage(name) {
    const versions = Object.entries(scope[name] ?? {});
    if (!versions.length) throw new Error(`nbcontainer: this page does not share ${name}`);
    const parts = (version) => version.split(/[.+-]/).map(Number);
    versions.sort(([a], [b]) => {
      const [left, right] = [parts(a), parts(b)];
      const at = left.findIndex((part, index) => part !== right[index]);
      return at < 0 ? 0 : right[at] - left[at];
    });
    const factory = await versions[0][1].get();
    return factory();
  }

  function plugin(require, module, exports) {
    __PLUGIN__;
  }

  globalThis._JUPYTERLAB ??= {};
  globalThis._JUPYTERLAB.nbcontainer = {
    init(pageScope) {
      scope = pageScope;
    },
    async get() {
      const modules = new Map(await Promise.all(shared.map(async (name) => [name, await fromPage(name)])));
      return () => {
        const module = { exports: {} };
        plugin((name) => modules.get(name), module, module.exports);
        return module.exports;
      };
    },
  };
})();
