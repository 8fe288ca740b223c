import { connect, type Socket } from 'node:net';
import { frame, RawPeer } from '../support/http2-raw.ts';
import type { AbuseCase, Outcome } from './cases/abuse-case.ts';

/** Behind an attack: whoever answers it goes on. */
const MARK = Buffer.from('the end!');
const PATIENCE_MS = 10_000;

export interface AttackOptions {
  /** What will become of it: how long to listen for more depends on that. */
  readonly expected: Outcome;
  /** A deaf attacker begins to read when this resolves. */
  readonly noticed: () => Promise<void>;
}

/** Sends one attack on a connection of its own, and says what became of it. */
export async function attack(port: number, one: AbuseCase, options: AttackOptions): Promise<Outcome> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  try {
    return await withinPatience(one.from === 'first octet' ? attackRaw(socket, one) : attackFramed(socket, one, options));
  } finally {
    socket.destroy();
  }
}

async function attackFramed(socket: Socket, one: AbuseCase, { expected, noticed }: AttackOptions): Promise<Outcome> {
  const peer = new RawPeer(socket);
  peer.sendPreface();
  if (one.isDeaf) peer.pause();
  peer.send(one.input(), one.isUnfinished ? Buffer.alloc(0) : frame('PING', 0, 0, MARK));
  if (one.isDeaf) await noticed();
  peer.resume();
  // whoever closes may have answered all that came before
  const isAnswered = (): boolean => expected.kind !== 'closed' && peer.of('PING').some(({ payload }) => payload.equals(MARK));
  await settled(peer, isAnswered);
  if (peer.isEnded) return closing(peer);
  const { stream = 1 } = one;
  if (stream === null) return { kind: 'ignored' };
  await settled(peer, () => peer.frames.some(({ type, flags, streamId }) => streamId === stream && (type === 'RST_STREAM' || flags & 1)));
  return peer.isEnded ? closing(peer) : streamOutcome(peer, stream);
}

async function settled(peer: RawPeer, test: () => boolean): Promise<void> {
  await peer.until(test).catch((error: unknown) => {
    if (!peer.isEnded) throw error;
  });
}

function closing(peer: RawPeer): Outcome {
  const goAway = peer.of('GOAWAY').at(-1)?.payload.readUInt32BE(4);
  return { kind: 'closed', ...(goAway === undefined ? {} : { goAway }) };
}

/** The upstream says that it was there; everything else is the proxy's own. */
function streamOutcome(peer: RawPeer, stream: number): Outcome {
  const blocks = peer.of('HEADERS').map(({ streamId, payload }) => ({ streamId, fields: peer.decodeHeaders(payload) }));
  const fields = blocks.find(({ streamId }) => streamId === stream)?.fields;
  if (fields === undefined) {
    const reset = peer.of('RST_STREAM').find(({ streamId }) => streamId === stream);
    return { kind: 'stream error', code: reset?.payload.readUInt32BE() ?? -1 };
  }
  if (fields.includes('x-upstream: yes')) return { kind: 'forwarded' };
  return { kind: 'local reply', status: Number(fields.find((line) => line.startsWith(':status: '))?.slice(9)) };
}

async function attackRaw(socket: Socket, one: AbuseCase): Promise<Outcome> {
  let text = '';
  socket.on('error', () => {});
  const ended = new Promise<void>((resolve) => {
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1');
      if (text.includes('\r\n\r\n')) resolve();
    });
    socket.once('end', resolve);
    socket.once('close', () => resolve());
  });
  socket.write(one.input());
  await ended;
  const status = /^HTTP\/1\.\d (\d{3})/.exec(text)?.[1];
  if (status === undefined) return { kind: 'closed' };
  return text.includes('x-upstream: yes') ? { kind: 'forwarded' } : { kind: 'local reply', status: Number(status) };
}

async function withinPatience(outcome: Promise<Outcome>): Promise<Outcome> {
  let timer: NodeJS.Timeout | undefined;
  const tooLate = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no outcome after ${PATIENCE_MS} ms`)), PATIENCE_MS);
  });
  try {
    return await Promise.race([outcome, tooLate]);
  } finally {
    clearTimeout(timer);
  }
}
