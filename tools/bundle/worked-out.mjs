// What is the same at every start is worked out when the bundle is made. It saves more than its time: a loop that is hot at the start
// brings V8's optimizing compiler into memory, 5 MiB that an idle sidecar needs for nothing else.
import { pathToFileURL } from 'node:url';

/** Modules that import nothing and export only numbers and arrays of numbers. */
const MODULES = /\/src\/http2\/hpack\/huffman-code\.ts$/;

/** An esbuild plugin. */
export const workedOut = {
  name: 'worked-out',
  setup(bundle) {
    bundle.onLoad({ filter: MODULES }, async ({ path }) => {
      const values = Object.entries(await import(pathToFileURL(path).href));
      return { contents: values.map(([name, value]) => `export const ${name} = ${literal(value)};\n`).join('') };
    });
  },
};

function literal(value) {
  if (typeof value === 'number') return String(value);
  const octets = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  return `new ${value.constructor.name}(new Uint8Array(Buffer.from('${octets.toString('base64')}', 'base64')).buffer)`;
}
