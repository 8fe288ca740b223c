import { createSocket } from 'node:dgram';
import { isIPv6, type Socket } from 'node:net';
import { type Clock, GrowingBytes, type HostPort, messageOf, type Random } from '../../core/index.ts';
import { connect } from '../connect.ts';
import { encodeQuestion, type Question, type Reply, readReply } from './message.ts';

/** How to ask one server. */
export interface ExchangeOptions {
  /** The host is a literal address. */
  readonly server: HostPort;
  /** For an answer over UDP, and again for one over TCP. */
  readonly timeoutMs: number;
  readonly clock: Clock;
  readonly random: Random;
  readonly signal: AbortSignal;
}

/** What came of it. */
export type Outcome =
  | Reply
  /** No answer in time, or `signal` aborted. */
  | { readonly kind: 'silent' }
  | { readonly kind: 'unreachable'; readonly what: string };

/**
 * Asks one server: over UDP, over TCP when the answer does not fit, without EDNS when the server does not know it. Each question has an id
 * and a port of its own. Never rejects.
 */
export async function exchange(question: Question, options: ExchangeOptions): Promise<Outcome> {
  const id = Math.floor(options.random() * 65_536);
  const ask = async (extended: boolean): Promise<Outcome> => {
    const bytes = encodeQuestion(question, id, extended);
    const reply = await askOverUdp(bytes, (answer) => readReply(answer, question, id), options);
    return reply.kind === 'truncated' ? askOverTcp(bytes, (answer) => readReply(answer, question, id), options) : reply;
  };
  const reply = await ask(true);
  return reply.kind === 'refused' && reply.rcode === 'FORMERR' ? ask(false) : reply;
}

type Read = (bytes: Buffer) => Reply | null;

/** The socket is connected: the kernel passes on nothing but what comes from the server. What answers something else is passed over. */
async function askOverUdp(query: Buffer, read: Read, options: ExchangeOptions): Promise<Outcome> {
  const { host, port } = options.server;
  const socket = createSocket(isIPv6(host) ? 'udp6' : 'udp4');
  try {
    return await inTime(options, (end) => {
      socket.on('error', (error) => end(unreachable(error)));
      socket.on('message', (bytes) => {
        const reply = read(bytes);
        if (reply !== null) end(reply);
      });
      socket.on('connect', () => socket.send(query));
      socket.connect(port, host);
      return () => {};
    });
  } finally {
    socket.close();
  }
}

/** One message each way, each with its length before it (RFC 1035 §4.2.2). */
async function askOverTcp(query: Buffer, read: Read, options: ExchangeOptions): Promise<Outcome> {
  const opened: Socket[] = [];
  const length = Buffer.alloc(2);
  length.writeUInt16BE(query.length);
  try {
    return await inTime(options, (end) => {
      const fail = (error: Error): void => end(unreachable(error));
      const connecting = connect(
        { ...options.server, timeoutMs: options.timeoutMs, clock: options.clock },
        {
          onFailed: fail,
          onConnected: (socket) => {
            opened.push(socket);
            readMessage(socket, (bytes) => end(read(bytes) ?? { kind: 'malformed', what: 'an answer to another question' }), fail);
            socket.write(Buffer.concat([length, query]));
          },
        },
      );
      return () => connecting.cancel();
    });
  } finally {
    for (const socket of opened) socket.destroy();
  }
}

function readMessage(socket: Socket, onMessage: (bytes: Buffer) => void, onError: (error: Error) => void): void {
  const gathered = new GrowingBytes(2 + 0xffff);
  socket.on('error', onError);
  socket.on('end', () => onError(new Error('closed the connection without an answer')));
  socket.on('data', (chunk: Buffer) => {
    // What does not fit stands after the message.
    gathered.add(chunk.subarray(0, 2 + 0xffff - gathered.length));
    const received = gathered.view();
    if (received.length < 2) return;
    const end = 2 + received.readUInt16BE(0);
    if (received.length >= end) onMessage(received.subarray(2, end));
  });
}

/** What `work` ends with, unless its time is over or the signal aborts before. What `work` returns stops it. */
async function inTime(
  { timeoutMs, clock, signal }: ExchangeOptions,
  work: (end: (outcome: Outcome) => void) => () => void,
): Promise<Outcome> {
  if (signal.aborted) return { kind: 'silent' };
  const { promise, resolve } = Promise.withResolvers<Outcome>();
  const giveUp = (): void => resolve({ kind: 'silent' });
  const timer = clock.after(timeoutMs, giveUp, { keepAlive: true });
  signal.addEventListener('abort', giveUp, { once: true });
  const stop = work(resolve);
  const outcome = await promise;
  timer.cancel();
  signal.removeEventListener('abort', giveUp);
  stop();
  return outcome;
}

function unreachable(error: Error): Outcome {
  return { kind: 'unreachable', what: messageOf(error) };
}
