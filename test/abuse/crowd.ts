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

/** What a kind sends, whether it reads, and how many of it make a crowd. */
interface NuisanceKind {
  readonly sends: () => Buffer;
  readonly reads: boolean;
  readonly count: number;
}

export type Nuisance =
  | 'silent'
  | 'half a preface'
  | 'no settings'
  | 'half a header block'
  | 'deaf'
  | 'shut'
  | 'shut to much'
  | 'half a body'
  | 'idle';

const GREETED_REQUEST = frame('HEADERS', END_HEADERS, 1, literals(BASE));

/** 2000 connections altogether. */
export const NUISANCES: Readonly<Record<Nuisance, NuisanceKind>> = {
  silent: { sends: () => Buffer.alloc(0), reads: true, count: 245 },
  'half a preface': { sends: () => PREFACE.subarray(0, 20), reads: true, count: 245 },
  'no settings': { sends: () => PREFACE, reads: true, count: 245 },
  'half a header block': {
    sends: () => Buffer.concat([GREETING, frame('HEADERS', END_STREAM, 1, literals(BASE))]),
    reads: true,
    count: 245,
  },
  // asks for 16 MiB and reads nothing; the kernel takes up to ten of them for each
  deaf: { sends: () => Buffer.concat([GREEDY, ...[1, 3, 5, 7].map((id) => get(id, '/large'))]), reads: false, count: 40 },
  // gives no window for the answer, of which all fits into the buffers, or not
  shut: { sends: () => Buffer.concat([SHUT, get(1, '/piece')]), reads: true, count: 245 },
  'shut to much': { sends: () => Buffer.concat([SHUT, get(1, '/large')]), reads: true, count: 245 },
  'half a body': {
    sends: () => Buffer.concat([GREETING, GREETED_REQUEST, frame('DATA', 0, 1, Buffer.from('x'))]),
    reads: true,
    count: 245,
  },
  idle: { sends: () => Buffer.concat([GREETING, get(1, '/small')]), reads: true, count: 245 },
};

/** Opens the connections of a kind; resolves when all have sent what they send. */
export async function gather(port: number, kind: Nuisance): Promise<Crowd> {
  const { sends, reads, count } = NUISANCES[kind];
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
