// What Node brings is loaded when something of it is first used.
import { builtinModules } from 'node:module';

/** Cheap to load, and with no property that loads more: imported as they are. */
const CHEAP = new Set([
  'async_hooks',
  'buffer',
  'diagnostics_channel',
  'events',
  'net',
  'os',
  'path',
  'process',
  'stream',
  'timers',
  'url',
]);
const NAMES = new Set(builtinModules);
const IDENTIFIER = /^[A-Za-z_$][\w$]*$/;

/** What CommonJS packages call; builtin modules are all that is left for it. */
export const requireOfChunks = 'const require = process.getBuiltinModule;';

/**
 * An esbuild plugin. `import` of a builtin module reads every property it has, also those that load half of Node when they are read
 * (`http.WebSocket`, `crypto.subtle`): 13 MiB for node:http. Here an import becomes an object of getters, and the module is loaded
 * when the first is read, without those properties.
 */
export const lateBuiltins = {
  name: 'late-builtins',
  setup(bundle) {
    bundle.onResolve({ filter: /^(node:)?[a-z0-9_/]+$/ }, ({ path, kind }) => {
      const name = path.replace(/^node:/, '');
      if (!NAMES.has(name)) return undefined;
      if (kind === 'require-call') return { path, external: true };
      if (kind === 'dynamic-import') return { path: name, namespace: 'builtin-awaited' };
      return CHEAP.has(name) ? { path: `node:${name}`, external: true } : { path: name, namespace: 'builtin-late' };
    });
    bundle.onLoad({ filter: /./, namespace: 'builtin-late' }, ({ path }) => ({ contents: lateModule(`node:${path}`) }));
    bundle.onLoad({ filter: /./, namespace: 'builtin-awaited' }, ({ path }) => ({ contents: awaitedModule(`node:${path}`) }));
  },
};

function lateModule(name) {
  const load = `process.getBuiltinModule('${name}')`;
  const names = cheapNames(name);
  // a module that is a function, like node:assert, has no names to wait for
  if (names.length === 0) return `module.exports = ${load};`;
  const getters = names.map((key) => `get ${key}() { return load().${key}; },`).join('\n');
  return `let builtin;\nconst load = () => (builtin ??= ${load});\nmodule.exports = { ${getters} get default() { return load(); } };`;
}

function awaitedModule(name) {
  return `const builtin = process.getBuiltinModule('${name}');\nexport const { ${cheapNames(name).join(', ')} } = builtin;\nexport default builtin;`;
}

/** The names of a builtin module whose values are there without running anything. */
function cheapNames(name) {
  const builtin = process.getBuiltinModule(name);
  if (typeof builtin !== 'object') return [];
  return Object.entries(Object.getOwnPropertyDescriptors(builtin)).flatMap(([key, { get }]) =>
    get === undefined && IDENTIFIER.test(key) && key !== 'default' ? [key] : [],
  );
}
