// grpc-go sends a PING with almost every call: when its answer leaves.
import t, { type Test } from 'tap';
import { headerBlock } from '../../src/http2/index.ts';
import { FakeClock, settle } from '../support/fake-clock.ts';
import { END_HEADERS, END_STREAM, frame, type Harness, harness, literals, REQUEST, setting, u32 } from '../support/http2-raw.ts';

const OVER = END_HEADERS | END_STREAM;
const RESPONSE = headerBlock([[':status', '200']]);
const request = frame('HEADERS', OVER, 1, literals(REQUEST));
const ping = (text: string): Buffer => frame('PING', 0, 0, Buffer.from(text.padEnd(8)));

interface Bench extends Harness {
  readonly clock: FakeClock;
  /** What was answered so far. */
  answers(): string[];
  /** Resolves with it once there are so many. */
  answered(count: number): Promise<string[]>;
}

/** A server whose peer has said hello. */
async function bench(): Promise<Bench> {
  const clock = new FakeClock();
  const made = harness('server', { clock });
  const answers = (): string[] => made.peer.of('PING').map(({ payload }) => payload.toString().trim());
  made.peer.sendPreface();
  await made.peer.until(() => made.peer.of('SETTINGS').length === 2);
  return { ...made, clock, answers, answered: (count) => made.peer.until(() => answers().length >= count).then(answers) };
}

/** One whose first PING waits for stream 1. */
async function waiting(t: Test): Promise<Bench> {
  const made = await bench();
  made.peer.send(ping('waits'), request);
  await settle();
  t.same(made.answers(), []);
  return made;
}

t.test('at once where no stream is open', async (t) => {
  const { peer, answered, clock } = await bench();
  peer.send(ping('idle'));
  t.same(await answered(1), ['idle']);
  t.equal(clock.pending, 0);
});

t.test('with what an open stream has to say', async (t) => {
  const { peer, streams, answered, clock } = await waiting(t);
  streams[0]!.stream.sendHeaders(RESPONSE, true);
  t.same(await answered(1), ['waits']);
  await peer.first('HEADERS');
  t.equal(clock.pending, 0, 'no timer is left');
});

t.test('after 5 ms at the latest', async (t) => {
  const { answered, answers, clock } = await waiting(t);
  await clock.advance(4);
  t.same(answers(), []);
  await clock.advance(1);
  t.same(await answered(1), ['waits']);
});

t.test('with whatever else leaves', async (t) => {
  const { peer, answered } = await waiting(t);
  peer.send(frame('SETTINGS', 0, 0));
  t.same(await answered(1), ['waits']);
});

t.test('when the last stream ends without a word', async (t) => {
  const { peer, answered, clock } = await waiting(t);
  peer.send(frame('RST_STREAM', 0, 1, u32(8)));
  t.same(await answered(1), ['waits']);
  t.equal(clock.pending, 0);
});

t.test('with the next one, so that they cannot pile up: thousands beside an open stream are no flood', async (t) => {
  const { peer, answered, connection, clock } = await waiting(t);
  peer.send(ping('next'));
  t.same(await answered(2), ['waits', 'next']);
  for (let index = 0; index < 3000; index += 2) {
    peer.send(ping(String(index)));
    await settle();
    peer.send(ping(String(index + 1)));
    await answered(index + 4);
  }
  t.equal(connection.isOpen, true);
  t.equal(clock.nowMs(), new FakeClock().nowMs(), 'nobody waited');
});

t.test('at once while octets wait for the window that the peer may be measuring', async (t) => {
  const { peer, streams, answered } = await bench();
  peer.send(frame('SETTINGS', 0, 0, setting(4, 10)), request);
  await peer.until(() => streams.length === 1);
  streams[0]!.stream.sendHeaders(RESPONSE, false);
  streams[0]!.stream.sendData(Buffer.alloc(20), true);
  await peer.until(() => peer.of('DATA').length === 1);
  peer.send(ping('measure'));
  t.same(await answered(1), ['measure']);
});

t.test('before the GOAWAY of a connection that is destroyed', async (t) => {
  const { peer, connection, answered, clock } = await waiting(t);
  connection.destroy(2);
  t.same(await answered(1), ['waits']);
  await peer.first('GOAWAY');
  t.same(
    peer.frames.map(({ type }) => type).filter((type) => type === 'PING' || type === 'GOAWAY'),
    ['PING', 'GOAWAY'],
  );
  await clock.advance(5);
  t.equal(peer.of('PING').length, 1);
});

t.test('on a client connection as well', async (t) => {
  const clock = new FakeClock();
  const { peer, connection } = harness('client', { clock });
  peer.send(frame('SETTINGS', 0, 0));
  const handler = { onHeaders: () => {}, onData: () => {}, onTrailers: () => {}, onReset: () => {}, onDrain: () => {} };
  const stream = connection.openStream(handler);
  stream?.sendHeaders(headerBlock(REQUEST), false);
  await peer.first('HEADERS');
  peer.send(ping('waits'));
  await settle();
  t.equal(peer.of('PING').length, 0);
  stream?.sendData(Buffer.from('x'), true);
  await peer.first('PING');
  t.equal(clock.pending, 0);
});
