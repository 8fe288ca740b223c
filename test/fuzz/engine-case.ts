import { createClientConnection, createServerConnection, headerBlock } from '../../src/http2/index.ts';
import type { ConnectionHandler, Http2Connection, Http2Options } from '../../src/http2/types.ts';
import { FakeClock } from '../support/fake-clock.ts';
import type { Dice } from './dice.ts';
import { Link, type LinkOptions } from './link.ts';
import { turn } from './memory-socket.ts';
import { HARM, type Harm } from './mutator.ts';
import { AnsweringPeer, CallingPeer } from './peers.ts';
import { Watch } from './watched-stream.ts';

/** What a case came to. */
export interface Outcome {
  readonly frames: number;
  /** What was not as it must be; none when all is well. */
  readonly faults: readonly string[];
  /** What the engine got on each connection, when it was to be kept. */
  readonly connections: readonly { readonly engine: 'server' | 'client'; readonly chunks: readonly Buffer[] }[];
}

const REQUEST = headerBlock([
  [':method', 'POST'],
  [':scheme', 'http'],
  [':path', '/tempopb.Querier/FindTraceByID'],
  [':authority', '127.0.0.13:9096'],
  ['content-type', 'application/grpc'],
  ['te', 'trailers'],
]);

export const anyHarm = (dice: Dice): Harm => dice.one(Object.keys(HARM) as Harm[]);

/** Limits that are often met. */
function someLimits(dice: Dice): Http2Options {
  return {
    maxConcurrentStreams: dice.one([1, 10, 1024]),
    initialStreamWindowSize: dice.one([65_535, 100_000, 1 << 20]),
    initialConnectionWindowSize: dice.one([65_535, 1 << 20]),
    streamBufferLimit: dice.one([1000, 65_536, 1 << 20]),
    connectionBufferLimit: dice.one([10_000, 1 << 24]),
    hpackTableSize: dice.one([0, 100, 4096]),
    allowConnect: dice.oneIn(4),
    streamErrorOnInvalidMessage: dice.oneIn(2),
    maxConsecutiveEmptyFrames: 100,
    maxPrematureResets: dice.one([20, 250]),
  };
}

/** The engine alone, as a server or a client, with handlers that do anything. */
export async function runEngineCase(dice: Dice, side: 'server' | 'client', keepsChunks: boolean): Promise<Outcome> {
  const clock = new FakeClock();
  const throws = dice.oneIn(20);
  const options: LinkOptions = { engine: side, harm: anyHarm(dice), mayThrow: throws, keepsChunks };
  const link = new Link(dice, side === 'server' ? new CallingPeer(dice, '/fuzz') : new AnsweringPeer(dice), options);
  const watch = new Watch(dice, throws);
  const closings: (Error | undefined)[] = [];
  const handler: ConnectionHandler = { onStream: (stream) => watch.serve(stream), onClose: (error) => closings.push(error) };
  const create = side === 'server' ? createServerConnection : createClientConnection;
  const connection = create(link.socket, { clock, ...someLimits(dice) }, handler);
  for (let steps = dice.between(3, options.harm === 'none' || options.harm === 'rare' ? 150 : 40); steps > 0 && !link.isOver; steps -= 1) {
    if (side === 'client') act(dice, watch, connection);
    for (const stream of watch.streams.slice(-8)) if (dice.oneIn(3)) stream.catchUp();
    link.pump(dice.between(1, 24));
    if (dice.oneIn(3)) await turn();
    if (dice.oneIn(400)) void connection.drain(dice.between(1, 1000));
    if (dice.oneIn(100)) await clock.advance(dice.between(1, 6000));
    if (dice.oneIn(800)) connection.destroy();
  }
  link.leave();
  await ended(link, clock);
  if (closings.length !== 1) watch.fault(`onClose came ${closings.length} times`);
  if (connection.isOpen || connection.activeStreams !== 0) watch.fault(`${connection.activeStreams} streams after the end`);
  if (clock.pending !== 0) watch.fault(`${clock.pending} timers after the end`);
  watch.check();
  return { frames: link.frames, faults: [...watch.faults, ...link.faults], connections: [link] };
}

/** Opens streams and goes on with those that are open. */
function act(dice: Dice, watch: Watch, connection: Http2Connection): void {
  for (let left = dice.below(4); left > 0; left -= 1) {
    const watched = watch.call();
    const stream = connection.openStream(watched);
    if (stream) watched.begin(stream);
  }
  for (const stream of watch.streams.slice(-20)) if (dice.oneIn(2) && !stream.isOver) stream.speak(REQUEST);
}

/** Lets a link's end come: its socket is destroyed at the latest when its time to linger is over. */
export async function ended(link: Link, clock: FakeClock): Promise<void> {
  for (let turns = 0; turns < 4 && !link.socket.destroyed; turns += 1) {
    await turn();
    link.settle();
  }
  await clock.advance(1500);
  await turn();
}
