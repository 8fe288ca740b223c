// HPACK against Go's: what either encodes the other decodes, over table sizes that change in between.
import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface, type Interface } from 'node:readline';
import fc from 'fast-check';
import t from 'tap';
import { HpackDecoder } from '../../src/http2/hpack/decoder.ts';
import { HpackEncoder } from '../../src/http2/hpack/encoder.ts';
import { decodeHuffman, encodeHuffman, scanHuffman } from '../../src/http2/hpack/huffman.ts';
import { field } from '../../src/http2/index.ts';
import type { HeaderBlock } from '../../src/http2/types.ts';
import { goProgram } from '../support/go.ts';

const seed = Number(process.env['RINGWAY_SEED'] ?? Math.floor(Math.random() * 2 ** 31));

interface OracleField {
  readonly Name: string;
  readonly Value: string;
  readonly Sensitive: boolean;
}

interface Answer {
  readonly Block?: string;
  readonly Fields?: readonly OracleField[];
  readonly Text?: string;
  readonly Error?: string;
}

/** Go's hpack in a process of its own: asked and answered line by line. */
class Oracle {
  readonly #child: ChildProcess;
  readonly #lines: Interface;
  readonly #waiting: ((answer: Answer) => void)[] = [];

  constructor(program: string) {
    this.#child = spawn(program, ['hpack'], { stdio: ['pipe', 'pipe', 'inherit'] });
    this.#lines = createInterface({ input: this.#child.stdout! });
    this.#lines.on('line', (line) => this.#waiting.shift()?.(JSON.parse(line) as Answer));
  }

  ask(step: object): Promise<Answer> {
    this.#child.stdin!.write(`${JSON.stringify(step)}\n`);
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  async end(): Promise<void> {
    const ended = new Promise((resolve) => this.#child.once('close', resolve));
    this.#child.stdin!.end();
    await ended;
  }
}

const hex = (text: string): string => Buffer.from(text, 'latin1').toString('hex');
const asOracle = (block: HeaderBlock): OracleField[] =>
  block.map(({ name, value, neverIndexed }) => ({ Name: hex(name), Value: hex(value), Sensitive: neverIndexed }));

const name = fc.oneof(
  fc.constantFrom(':path', ':authority', 'content-type', 'x-scope-orgid', 'traceparent', 'cookie'),
  fc.stringMatching(/^[a-z][a-z0-9-]{0,15}$/),
);
const value = fc.oneof(
  fc.constantFrom('', '/', 'application/grpc', 'single-tenant', 'v'.repeat(300)),
  fc
    .array(
      fc.integer({ min: 0x20, max: 0xff }).filter((code) => code !== 0x7f),
      { maxLength: 60 },
    )
    .map((codes) => String.fromCharCode(...codes).trim()),
);
const block = fc.array(fc.record({ name, value, neverIndexed: fc.nat(9).map((n) => n === 0) }), { maxLength: 12 });
/** A block, or another SETTINGS_HEADER_TABLE_SIZE. */
const session = fc.array(fc.oneof({ weight: 5, arbitrary: block }, { weight: 1, arbitrary: fc.constantFrom(0, 40, 100, 1000, 4096) }), {
  maxLength: 25,
});

t.test(`HPACK and Go's agree (RINGWAY_SEED=${seed})`, async (t) => {
  t.setTimeout(200_000); // of it two minutes for the first compilation
  const program = await goProgram(t, 'interop');
  if (program === undefined) return;
  const oracle = new Oracle(program);
  t.teardown(() => oracle.end());

  await t.test('what we encode, Go decodes', async () => {
    const property = fc.asyncProperty(session, async (steps) => {
      const encoder = new HpackEncoder();
      await oracle.ask({ Reset: true });
      for (const step of steps) {
        if (typeof step === 'number') {
          encoder.setPeerTableSize(step);
          await oracle.ask({ TableSize: step });
          continue;
        }
        const fields = step.map(({ name, value, neverIndexed }) => field(name, value, { neverIndexed }));
        const target = Buffer.alloc(encoder.bound(fields));
        const end = encoder.encode(fields, target, 0);
        const { Fields = [], Error: error } = await oracle.ask({ Decode: target.toString('hex', 0, end) });
        if (error || JSON.stringify(Fields) !== JSON.stringify(asOracle(fields))) throw new Error(error || JSON.stringify(Fields));
      }
    });
    await fc.assert(property, { seed, numRuns: 150 });
  });

  await t.test('what Go encodes, we decode', async () => {
    const property = fc.asyncProperty(session, async (steps) => {
      const decoder = new HpackDecoder({ maxBytes: 1 << 20, maxFields: 1000 });
      await oracle.ask({ Reset: true });
      for (const step of steps) {
        if (typeof step === 'number') {
          decoder.setMaxTableSize(step);
          await oracle.ask({ TableSize: step });
          // Go announces a new size with the next field, so the block must have one
        } else if (step.length > 0) {
          const { Block = '' } = await oracle.ask({
            Encode: step.map(({ name, value, neverIndexed }) => ({ Name: hex(name), Value: hex(value), Sensitive: neverIndexed })),
          });
          const bytes = Buffer.from(Block, 'hex');
          const came = (decoder.decode(bytes, 0, bytes.length) ?? []).map(({ name, value, neverIndexed }) => ({
            name,
            value,
            neverIndexed,
          }));
          if (JSON.stringify(came) !== JSON.stringify(step)) throw new Error(JSON.stringify(came));
        }
      }
    });
    await fc.assert(property, { seed, numRuns: 150 });
  });

  await t.test('Huffman codes are the same, both ways', async () => {
    const property = fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), async (octets) => {
      const text = Buffer.from(octets).toString('latin1');
      const { Block = '', Text = '' } = await oracle.ask({ Huffman: hex(text) });
      const code = Buffer.from(Block, 'hex');
      const isSame = encodeHuffman(text).equals(code) && Text === hex(text);
      return isSame && scanHuffman(code, 0, code.length) >>> 1 === text.length && decodeHuffman(code, 0, code.length) === text;
    });
    await fc.assert(property, { seed, numRuns: 300 });
  });
});
