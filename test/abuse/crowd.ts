import { connect, type Socket } from 'node:net';
import { END_HEADERS, END_STREAM, frame, literals, setting, u32 } from '../support/http2-raw.ts';
import { BASE } from './cases/frames.ts';

/** Many connections of one kind of nuisance. */
export interface Crowd {
  /** Ends them from this side. */
  close(): void;
}

const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
const GREETING = Buffer.concat([PREFACE, frame('SETTINGS', 0, 0)]);
/** Windows so large that only reading bounds what comes. */
const GREEDY = Buffer.concat([PREFACE, frame('SETTINGS', 0, 0, setting(4, 0x7fff_ffff)), frame('WINDOW_UPDATE', 0, 0, u32(0x7000_0000))]);
/** Streams that may not be sent to. */
const SHUT = Buffer.concat([PREFACE, frame('SETTINGS', 0, 0, setting(4, 0))]);

const get = (id: number, path: string): Buffer =>
  frame('HEADERS', END_HEADERS | END_STREAM, id, literals(BASE.map(([name, value]) => [name, name === ':path' ? path : value] as const)));

/** What each nuisance sends, and whether it reads. */
export const NUISANCES = {
  /** Nothing at all. */
  silent: { sends: () => Buffer.alloc(0), reads: true },
  /** Half of the preface. */
  'half a preface': { sends: () => PREFACE.subarray(0, 20), reads: true },
  /** The preface without SETTINGS. */
  'no settings': { sends: () => PREFACE, reads: true },
  /** A header block that never ends. */
  'half a header block': { sends: () => Buffer.concat([GREETING, frame('HEADERS', END_STREAM, 1, literals(BASE))]), reads: true },
  /** Asks for much and reads nothing of it. */
  deaf: { sends: () => Buffer.concat([GREEDY, get(1, '/large'), get(3, '/large')]), reads: false },
  /** Asks, and gives no window for the answer. */
  shut: { sends: () => Buffer.concat([SHUT, get(1, '/large')]), reads: true },
  /** A body that never ends and never gets further. */
  'half a body': {
    sends: () => Buffer.concat([GREETING, frame('HEADERS', END_HEADERS, 1, literals(BASE)), frame('DATA', 0, 1, Buffer.from('x'))]),
    reads: true,
  },
  /** Asks and goes silent: an idle connection. */
  idle: { sends: () => Buffer.concat([GREETING, get(1, '/small')]), reads: true },
} as const satisfies Readonly<Record<string, { readonly sends: () => Buffer; readonly reads: boolean }>>;

export type Nuisance = keyof typeof NUISANCES;

/** Opens `count` connections of a kind; resolves when all are accepted and have sent what they send. */
export async function gather(port: number, kind: Nuisance, count: number): Promise<Crowd> {
  const { sends, reads } = NUISANCES[kind];
  const sockets = new Set<Socket>();
  const open = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const socket = connect({ port, host: '127.0.0.1' });
      sockets.add(socket);
      socket.once('error', reject);
      socket.once('connect', () => {
        socket.off('error', reject);
        socket.on('error', () => {});
        if (reads) socket.resume();
        else socket.pause();
        socket.write(sends(), () => resolve());
      });
    });
  for (let begun = 0; begun < count; begun += 100) await Promise.all(Array.from({ length: Math.min(100, count - begun) }, open));
  return {
    close: () => {
      for (const socket of sockets) socket.destroy();
    },
  };
}
