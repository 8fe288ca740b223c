// One member that announces itself: a live-store that does as it is told, in this process, and its inbound sidecar as a process.
import { once } from 'node:events';
import { createServer, type Http2Server, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2';
import { resolve } from 'node:path';
import type { Test } from 'tap';
import { RunningChild } from '../../src/demo/supervisor/child.ts';
import { encodeHealthResponse } from '../../src/grpc/index.ts';
import { answerGrpc } from './h2-peers.ts';
import { freePort } from './ports.ts';

/** RINGWAY_PROGRAM: another build of the program. */
const PROGRAM = resolve(process.env['RINGWAY_PROGRAM'] ?? 'dist/bin/ringway.js');

/** How a live-store answers health checks; other calls it answers with an empty message, but while it hangs. */
export type Health = 'SERVING' | 'NOT_SERVING' | 'hang';

/** A live-store on a port of its own, which it keeps while it is away. */
export class TestLiveStore {
  readonly port: number;
  health: Health = 'SERVING';
  /** Other calls than health checks wait, until `release`. */
  hold = false;
  /** `x-scope-orgid` of the last health check. */
  tenant: string | undefined;
  #server: Http2Server | null = null;
  readonly #sessions = new Set<ServerHttp2Session>();
  readonly #held: ServerHttp2Stream[] = [];

  constructor(port: number) {
    this.port = port;
  }

  async start(): Promise<void> {
    const server = createServer();
    server.on('session', (session) => {
      this.#sessions.add(session);
      session.on('error', () => {});
      session.once('close', () => this.#sessions.delete(session));
    });
    server.on('sessionError', () => {});
    server.on('stream', (stream, headers) => {
      stream.on('error', () => {});
      const isCheck = headers[':path'] === '/grpc.health.v1.Health/Check';
      if (isCheck) this.tenant = String(headers['x-scope-orgid']);
      if (this.health === 'hang') return;
      if (!isCheck && this.hold) {
        stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
        stream.once('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
        this.#held.push(stream);
        return;
      }
      const message = isCheck ? encodeHealthResponse(this.health) : Buffer.alloc(0);
      answerGrpc(stream, { body: Buffer.concat([Buffer.from([0, 0, 0, 0, message.length]), message]) });
    });
    server.listen(this.port, '127.0.0.1');
    await once(server, 'listening');
    this.#server = server;
  }

  /** Answers every call that waits. */
  release(): void {
    for (const stream of this.#held.splice(0)) stream.end(Buffer.from([0, 0, 0, 0, 0]));
  }

  /** As SIGKILL would. */
  async kill(): Promise<void> {
    const server = this.#server;
    if (!server) return;
    this.#server = null;
    const closed = new Promise<void>((done) => server.close(() => done()));
    for (const session of this.#sessions) session.destroy();
    await closed;
  }
}

/** A live-store that is not started yet; it ends with the test. */
export async function liveStore(t: Test): Promise<TestLiveStore> {
  const store = new TestLiveStore(await freePort());
  t.teardown(() => store.kill());
  return store;
}

/** A sidecar as a process. */
export interface SidecarProcess {
  readonly child: RunningChild;
  /** Its lines of JSON so far. */
  readonly lines: Readonly<Record<string, unknown>>[];
  /** Lines of one event. */
  of(event: string): Readonly<Record<string, unknown>>[];
  /** Resolves with the first line of this event, and with these words, now or later. */
  says(event: string, words?: string): Promise<Readonly<Record<string, unknown>>>;
  /** SIGTERM; resolves with how it ended. */
  terminate(): Promise<string>;
}

/** Starts `ringway sidecar <words>`; ends with the test. Resolves when it has said where it listens. */
export async function startSidecarProcess(
  t: Test,
  words: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<SidecarProcess> {
  const lines: Record<string, unknown>[] = [];
  const waiting = new Set<() => void>();
  const command = ['-c', 'exec "$0" "$@" 2>&1', process.execPath, PROGRAM, 'sidecar', ...words];
  const assigned = Object.entries(env).map(([name, value]) => `${name}=${value}`);
  let isUp = (): void => {};
  const up = new Promise<void>((done) => {
    isUp = done;
  });
  const child = new RunningChild(
    { name: 'sidecar', kind: 'ringway', program: '/usr/bin/env', args: [...assigned, '/bin/sh', ...command] },
    {
      onLine: (line) => {
        if (line.startsWith('ringway sidecar: ')) isUp();
        if (!line.startsWith('{')) return;
        lines.push(JSON.parse(line) as Record<string, unknown>);
        for (const tell of waiting) tell();
      },
    },
  );
  t.teardown(async () => {
    child.kill();
    await child.exited;
  });
  const of = (event: string): Record<string, unknown>[] => lines.filter((line) => line['event'] === event);
  const ended = child.exited.then(({ how }) => Promise.reject(new Error(`the sidecar ended: ${how}: ${JSON.stringify(lines)}`)));
  ended.catch(() => {});
  await Promise.race([up, ended]);
  return {
    child,
    lines,
    of,
    says: (event, words = '') =>
      Promise.race([
        ended,
        new Promise<Record<string, unknown>>((found) => {
          const tell = (): void => {
            const first = of(event).find((line) => JSON.stringify(line).includes(words));
            if (!first) return;
            waiting.delete(tell);
            found(first);
          };
          waiting.add(tell);
          tell();
        }),
      ]),
    terminate: async () => {
      child.terminate();
      return (await child.exited).how;
    },
  };
}
