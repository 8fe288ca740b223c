import { connect as connectTcp, isIP, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { type Clock, codeOf, formatHostPort, GrowingBytes, type HostPort, messageOf, RingwayError } from '../../../core/index.ts';
import { type ClientTlsSettings, readClientTls } from '../../../transport/index.ts';
import type { GossipSourceOptions } from './options.ts';
import type { ReplyRoom } from './reply-room.ts';
import { encodePullRequest, MAX_REPLY_BYTES } from './wire/index.ts';

export type PullOptions = Pick<GossipSourceOptions, 'clusterLabel' | 'timeoutMs' | 'tls'> & {
  /** Shared by all exchanges of a source. */
  readonly room: ReplyRoom;
  readonly clock: Clock;
  readonly signal: AbortSignal;
};

/** A whole reply, not looked into. */
export interface Pulled {
  readonly reply: Uint8Array;
  /** The literal address that was reached: of a name's it is one. */
  readonly remoteAddress: string;
}

/**
 * One exchange with one member of the gossip: asks for all it knows, tells nothing, and reads until the other side closes. Rejects with
 * RingwayError, one line that names the peer: `PEER_UNREACHABLE`, `PEER_TIMEOUT`, `PEER_TOO_LARGE`, `PEER_SILENT` (closed without an answer)
 * or what `readClientTls` rejects with. Whatever comes of it, the connection is closed.
 */
export async function pull(peer: HostPort, options: PullOptions): Promise<Pulled> {
  const tls = options.tls === null ? null : await readClientTls(options.tls);
  const socket = open(peer, tls);
  try {
    return await converse(socket, peer, options);
  } finally {
    socket.destroy();
  }
}

/** SNI takes no addresses (RFC 6066 §3); the certificate is checked against the host all the same. */
function open({ host, port }: HostPort, tls: ClientTlsSettings | null): Socket {
  if (tls === null) return connectTcp({ host, port, noDelay: true });
  return connectTls({ host, port, ...(isIP(host) === 0 ? { servername: host } : {}), ...tls });
}

function converse(socket: Socket, peer: HostPort, { clusterLabel, timeoutMs, tls, room, clock, signal }: PullOptions): Promise<Pulled> {
  const { promise, resolve, reject } = Promise.withResolvers<Pulled>();
  const fail = (code: string, what: string, cause?: unknown): void =>
    reject(new RingwayError(`${formatHostPort(peer)}: ${what}`, { code, cause }));
  const silent = (): void => {
    const label = clusterLabel === '' ? 'none is set' : JSON.stringify(clusterLabel);
    if (!isOpen) fail('PEER_UNREACHABLE', 'closed the connection before TLS was agreed: does it speak TLS?');
    else fail('PEER_SILENT', `closed the connection without an answer: is clusterLabel right? (${label})`);
  };
  const reply = new GrowingBytes(MAX_REPLY_BYTES);
  let remoteAddress = '';
  /** Whether what is written is read by the peer itself, not by its TLS. */
  let isOpen = false;
  const timer = clock.after(timeoutMs, () => fail('PEER_TIMEOUT', `did not answer within ${timeoutMs}ms`), { keepAlive: true });
  const onAbort = (): void => fail('PEER_UNREACHABLE', 'the exchange was given up');
  signal.addEventListener('abort', onAbort, { once: true });
  if (signal.aborted) onAbort();

  socket.on('connect', () => {
    remoteAddress = socket.remoteAddress ?? '';
    isOpen = tls === null;
  });
  socket.on('secureConnect', () => {
    isOpen = true;
  });
  socket.on('data', (chunk: Buffer) => {
    if (!room.take(chunk.length)) return fail('PEER_TOO_LARGE', 'sent more than there is room for beside the other answers');
    if (reply.add(chunk)) return;
    room.give(chunk.length);
    fail('PEER_TOO_LARGE', `sent more than the ${MAX_REPLY_BYTES} bytes that are allowed`);
  });
  socket.on('end', () => (reply.length === 0 ? silent() : resolve({ reply: reply.view(), remoteAddress })));
  socket.on('error', (error) => {
    // A peer that refuses the label has not read what comes after it: the system then resets the connection.
    if (['ECONNRESET', 'EPIPE'].includes(codeOf(error) ?? '') && remoteAddress !== '' && reply.length === 0) silent();
    else fail('PEER_UNREACHABLE', reply.length === 0 ? messageOf(error) : `broke off its answer: ${messageOf(error)}`, error);
  });
  socket.write(encodePullRequest(clusterLabel));

  return promise.finally(() => {
    room.give(reply.length);
    timer.cancel();
    signal.removeEventListener('abort', onAbort);
  });
}
