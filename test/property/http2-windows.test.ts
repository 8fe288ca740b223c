// Flow control adds up (RFC 9113 §6.9): what is taken in is credited to the octet, padding too; what goes out stays within the windows.
import fc from 'fast-check';
import t from 'tap';
import { createServerConnection, headerBlock } from '../../src/http2/index.ts';
import type { ConnectionHandler, Http2Stream } from '../../src/http2/types.ts';
import { MemorySocket, turn } from '../fuzz/memory-socket.ts';
import { Witness } from '../fuzz/witness.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { END_HEADERS, END_STREAM, frame, literals, REQUEST, setting, u32 } from '../support/http2-raw.ts';

const { RINGWAY_SEED } = process.env;
const seed = Number(RINGWAY_SEED ?? Math.floor(Math.random() * 2 ** 31));
t.comment(`seed ${seed} (RINGWAY_SEED)`);

const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
const RESPONSE = headerBlock([[':status', '200']]);
const BLOCK = literals(REQUEST);
const WINDOW = 65_535;

/** A server with the smallest windows, and a count of both sides' windows beside it. */
class Served {
  readonly socket: MemorySocket = new MemorySocket();
  readonly witness: Witness;
  readonly streams: Http2Stream[] = [];
  /** Of each stream, what its handler has not credited. */
  readonly held = new Map<Http2Stream, number>();
  /** Octets of DATA that came of each stream. */
  readonly came = new Map<number, number>();

  constructor(settings: Buffer = Buffer.alloc(0)) {
    this.witness = new Witness({ side: 'server', mayThrow: false, mayAnswerInText: false }, ({ type, streamId, payload }) => {
      if (type === 0) this.came.set(streamId, (this.came.get(streamId) ?? 0) + payload.length);
    });
    this.socket.onWritten = (bytes) => this.witness.fromEngine(bytes);
    const handler: ConnectionHandler = {
      onStream: (stream) => {
        this.streams.push(stream);
        return {
          onHeaders: () => {},
          onData: (chunk) => this.held.set(stream, (this.held.get(stream) ?? 0) + chunk.length),
          onTrailers: () => {},
          onReset: () => {},
          onDrain: () => {},
        };
      },
      onClose: () => {},
    };
    const limits = {
      initialStreamWindowSize: WINDOW,
      initialConnectionWindowSize: WINDOW,
      maxPrematureResets: 10_000,
      maxWindowUpdatesPerDataFrame: 100_000,
    };
    createServerConnection(this.socket, { clock: new FakeClock(), maxConsecutiveEmptyFrames: 1000, ...limits }, handler);
    this.send(PREFACE, frame('SETTINGS', 0, 0, settings), frame('SETTINGS', 1, 0));
  }

  send(...octets: readonly Buffer[]): void {
    for (const bytes of octets) {
      this.witness.toEngine(bytes);
      this.socket.deliver(bytes);
    }
  }

  async end(): Promise<void> {
    this.socket.deliverEnd();
    await turn();
    this.socket.destroy();
  }
}

/** What happens to one of three streams. */
const step = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant('data' as const),
      on: fc.nat(2),
      size: fc.nat(16_000),
      padding: fc.integer({ min: -1, max: 255 }),
    }),
  },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('credit' as const), on: fc.nat(2), size: fc.nat(20_000) }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constantFrom('cancel' as const, 'reset' as const), on: fc.nat(2) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('turn' as const) }) },
);

t.test('all that was taken in is credited, of streams that go on and of those that ended early', async () => {
  const property = fc.asyncProperty(fc.array(step, { maxLength: 120, size: 'max' }), async (steps) => {
    const served = new Served();
    await turn();
    let last = 0;
    const ids = [0, 0, 0];
    const open = (on: number): number => {
      if (ids[on] === 0) {
        last = last === 0 ? 1 : last + 2;
        ids[on] = last;
        served.send(frame('HEADERS', END_HEADERS, last, BLOCK));
      }
      return ids[on]!;
    };
    for (const one of steps) {
      if (one.kind === 'turn') await turn();
      else if (one.kind === 'data') sendWithin(served, open(one.on), one.size, one.padding);
      else if (one.kind === 'credit') credit(served, ids[one.on]!, one.size);
      else if (ids[one.on] !== 0) {
        if (one.kind === 'cancel') served.send(frame('RST_STREAM', 0, ids[one.on]!, u32(8)));
        else served.streams.find(({ id }) => id === ids[one.on])?.reset(8);
        ids[one.on] = 0;
      }
    }
    for (const id of ids) credit(served, id, Number.MAX_SAFE_INTEGER);
    await turn();
    await turn();
    const { allowedToPeer, faults } = served.witness;
    // less than half a window is not told at once
    const short = ids.filter((id) => id !== 0 && allowedToPeer.leftOf(id) <= WINDOW / 2);
    const isWhole = allowedToPeer.left > WINDOW / 2 && short.length === 0 && allowedToPeer.left <= WINDOW;
    await served.end();
    if (faults.length > 0 || !isWhole) throw new Error(`${faults.join()} connection ${allowedToPeer.left}, short: ${short.join()}`);
  });
  await fc.assert(property, { seed, numRuns: 200 });
});

/** DATA as far as the windows go; padding -1 is none. */
function sendWithin(served: Served, id: number, size: number, padding: number): void {
  const { allowedToPeer } = served.witness;
  const spent = padding < 0 ? 0 : padding + 1;
  const room = Math.min(allowedToPeer.left, allowedToPeer.leftOf(id)) - spent;
  if (room < 0) return;
  const octets = Buffer.alloc(Math.min(size, room));
  const parts = padding < 0 ? [octets] : [Buffer.from([padding]), octets, Buffer.alloc(padding)];
  const payload = Buffer.concat(parts);
  if (allowedToPeer.onSending(id, payload.length) !== undefined) throw new Error('the test sends too much');
  served.send(frame('DATA', padding < 0 ? 0 : 8, id, payload));
}

function credit(served: Served, id: number, most: number): void {
  const stream = served.streams.find((one) => one.id === id);
  if (stream === undefined) return;
  const held = served.held.get(stream) ?? 0;
  const size = Math.min(most, held);
  served.held.set(stream, held - size);
  stream.credit(size);
}

t.test('exactly as much goes out as the windows allow, in any pieces of credit', async () => {
  const sizes = fc.array(fc.nat(10_000), { minLength: 1, maxLength: 5 });
  const credits = fc.array(fc.integer({ min: 40, max: 9000 }), { minLength: 1, maxLength: 8 });
  const property = fc.asyncProperty(sizes, credits, fc.constantFrom(0, 1, 100, 20_000), async (bodies, pieces, initial) => {
    const served = new Served(setting(4, initial));
    served.send(...bodies.map((_, i) => frame('HEADERS', END_HEADERS | END_STREAM, 1 + 2 * i, BLOCK)));
    await turn();
    for (const [i, size] of bodies.entries()) {
      served.streams[i]!.sendHeaders(RESPONSE, false);
      served.streams[i]!.sendData(Buffer.alloc(size), true);
    }
    await turn();
    for (const [i, size] of bodies.entries()) {
      let allowed = Math.min(size, initial);
      for (let next = 0; allowed < size; next += 1) {
        const piece = Math.min(pieces[next % pieces.length]!, size - allowed);
        served.send(frame('WINDOW_UPDATE', 0, 1 + 2 * i, u32(piece)), frame('WINDOW_UPDATE', 0, 0, u32(piece)));
        allowed += piece;
        // more updates than DATA would be a flood
        await turn();
      }
      served.send(frame('WINDOW_UPDATE', 0, 0, u32(1 + Math.min(size, initial))));
      await turn();
    }
    await turn();
    await turn();
    const came = bodies.map((_, i) => served.came.get(1 + 2 * i) ?? 0);
    const { faults } = served.witness;
    await served.end();
    if (faults.length > 0 || came.join() !== bodies.join()) throw new Error(`${faults.join()} came ${came.join()} of ${bodies.join()}`);
  });
  await fc.assert(property, { seed, numRuns: 200 });
});
