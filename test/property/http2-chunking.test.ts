// Whatever the chunks, the engine hears the same: preface, frames, header blocks in any number of pieces, padding, resets.
import fc from 'fast-check';
import t from 'tap';
import { createServerConnection, looksLikeHttp2Preface } from '../../src/http2/index.ts';
import type { HeaderBlock, StreamHandler } from '../../src/http2/types.ts';
import { Dice } from '../fuzz/dice.ts';
import { MemorySocket, turn } from '../fuzz/memory-socket.ts';
import { Mutator } from '../fuzz/mutator.ts';
import { CallingPeer } from '../fuzz/peers.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { END_STREAM, frame } from '../support/http2-raw.ts';

const { RINGWAY_SEED } = process.env;
const seed = Number(RINGWAY_SEED ?? Math.floor(Math.random() * 2 ** 31));
t.comment(`seed ${seed} (RINGWAY_SEED)`);

const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
const chunkSizes = fc.array(fc.oneof(fc.integer({ min: 1, max: 12 }), fc.integer({ min: 1, max: 3000 })), { minLength: 1, maxLength: 10 });

/** What a caller says in so many frames. Harmed, it is an attacker. */
function spoken(ofSeed: number, frames: number, isHarmed: boolean): Buffer {
  const dice = new Dice(ofSeed, 0);
  const caller = new CallingPeer(dice, '/path');
  const mutator = new Mutator(dice, isHarmed ? 'some' : 'none');
  const parts: Buffer[] = [PREFACE];
  for (let count = 0; count < frames; count += 1) {
    const said = caller.next();
    if (said) parts.push(...mutator.pass(said));
  }
  return Buffer.concat(parts);
}

/** Everything that handlers heard of `bytes` in chunks of these sizes, data of a stream in one piece, and how the connection ended. */
async function heard(bytes: Buffer, sizes: readonly number[]): Promise<string> {
  const socket = new MemorySocket();
  const streams = new Map<number, string>();
  let ending = 'open';
  const connection = createServerConnection(
    socket,
    { clock: new FakeClock(), streamErrorOnInvalidMessage: true },
    {
      onStream: (stream) => listener((event) => streams.set(stream.id, (streams.get(stream.id) ?? '') + event)),
      onClose: (error) => {
        ending = String(error);
      },
    },
  );
  await turn();
  for (let at = 0, next = 0; at < bytes.length; next += 1) {
    const size = sizes[next % sizes.length]!;
    socket.deliver(bytes.subarray(at, at + size));
    at += size;
  }
  await turn();
  const events = [...streams].map(([id, events]) => `${id}: ${events}`);
  const was = ending;
  connection.destroy();
  socket.deliverEnd();
  return `${events.join('\n')}\n${was}`;
}

function listener(tell: (event: string) => void): StreamHandler {
  const fields = (block: HeaderBlock): string => block.map(({ name, value }) => `${name}=${value}`).join('&');
  return {
    onHeaders: (headers, endStream) => tell(`HEADERS ${fields(headers)}${endStream ? ' END' : ''} `),
    onData: (chunk, endStream) => tell(`${chunk.toString('hex')}${endStream ? ' END' : ''}`),
    onTrailers: (trailers) => tell(` TRAILERS ${fields(trailers)}`),
    onReset: ({ code, origin }) => tell(` RESET ${code} ${origin}`),
    onDrain: () => {},
  };
}

for (const isHarmed of [false, true])
  t.test(`the engine hears the same of ${isHarmed ? 'an attacker' : 'a caller'} in any chunks`, async () => {
    const property = fc.asyncProperty(fc.nat(), fc.integer({ min: 5, max: 80 }), chunkSizes, async (ofSeed, frames, sizes) => {
      const bytes = spoken(ofSeed, frames, isHarmed);
      const [whole, pieces] = [await heard(bytes, [bytes.length]), await heard(bytes, sizes)];
      if (whole !== pieces) throw new Error(`whole:\n${whole}\nin pieces:\n${pieces}`);
    });
    await fc.assert(property, { seed, numRuns: 150 });
  });

t.test('a header block may be cut anywhere, in chunks of any size', async () => {
  const cuts = fc.array(fc.nat(), { maxLength: 20 });
  const property = fc.asyncProperty(fc.nat(), cuts, chunkSizes, async (ofSeed, anywhere, sizes) => {
    const frames = framesOf(spoken(ofSeed, 12, false).subarray(PREFACE.length));
    const bytes = Buffer.concat([PREFACE, ...withBlocksCut(frames, anywhere)]);
    const [expected, came] = [await heard(Buffer.concat([PREFACE, ...frames]), [bytes.length]), await heard(bytes, sizes)];
    if (expected !== came) throw new Error(`whole:\n${expected}\ncut:\n${came}`);
  });
  await fc.assert(property, { seed, numRuns: 150 });
});

/** `PRI * HTTP/2`. */
const TELLING = 12;

t.test('HTTP/2 is told from anything else by the same octet in any chunks', async () => {
  const almost = fc.nat(PREFACE.length - 1).map((at) => PREFACE.with(at, 0x20));
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 40 }), almost, fc.constant(PREFACE)), (octets) => {
      const other = octets.findIndex((octet, at) => octet !== PREFACE[at]);
      const agreeing = other < 0 ? octets.length : other;
      for (let length = 0; length <= octets.length; length += 1) {
        const isTold = length >= TELLING && agreeing >= TELLING;
        const expected = isTold ? 'yes' : length <= agreeing ? 'more' : 'no';
        if (looksLikeHttp2Preface(octets.subarray(0, length)) !== expected) return false;
      }
      return true;
    }),
    { seed },
  );
});

function framesOf(bytes: Buffer): Buffer[] {
  const frames: Buffer[] = [];
  for (let at = 0; at < bytes.length; ) {
    const end = at + 9 + bytes.readUIntBE(at, 3);
    frames.push(bytes.subarray(at, end));
    at = end;
  }
  return frames;
}

/** Blocks of one HEADERS frame without padding and priority come in a piece for each cut, the last of them maybe empty. */
function withBlocksCut(frames: readonly Buffer[], anywhere: readonly number[]): Buffer[] {
  return frames.flatMap((whole) => {
    const [type, flags, streamId] = [whole[3], whole[4]!, whole.readUInt32BE(5)];
    if (type !== 1 || (flags & ~END_STREAM) !== 4 || anywhere.length === 0) return [whole];
    const block = whole.subarray(9);
    const cuts = [...new Set(anywhere.map((cut) => 1 + (cut % block.length)))].sort((a, b) => a - b);
    const pieces = [0, ...cuts].map((from, i) => block.subarray(from, cuts[i] ?? block.length));
    return pieces.map((piece, i) => {
      const end = i === pieces.length - 1 ? 4 : 0;
      return i === 0 ? frame('HEADERS', (flags & END_STREAM) | end, streamId, piece) : frame('CONTINUATION', end, streamId, piece);
    });
  });
}
