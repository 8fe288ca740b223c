// pino without the part that writes logs in a worker thread: Ringway has one destination, and 2 MiB less in every process.

/** An esbuild plugin. */
export const leanPino = {
  name: 'lean-pino',
  setup(bundle) {
    bundle.onResolve({ filter: /^(\.\/(lib\/)?transport|worker_threads)$/ }, ({ path, importer }) =>
      /node_modules\/pino\/(pino|lib\/tools)\.js$/.test(importer) ? { path, namespace: 'lean-pino' } : undefined,
    );
    bundle.onLoad({ filter: /./, namespace: 'lean-pino' }, ({ path }) => ({
      contents:
        path === 'worker_threads' ? 'exports.isMainThread = true;' : "module.exports = () => { throw new Error('no transports here'); };",
    }));
  },
};
