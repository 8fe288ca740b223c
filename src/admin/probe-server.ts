import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Clock, HostPort, Service } from '../core/index.ts';
import { type BoundServer, listenHttp } from './http-server.ts';

/** Whether the process is ready, and in words for people. */
interface Readiness {
  readonly ok: boolean;
  readonly text: string;
}

export interface ProbeServerOptions {
  readonly listen: HostPort;
  readonly clock: Clock;
  /** Asked at every /ready. */
  readonly ready: () => Readiness;
}

/** The probe server. */
export interface ProbeServer extends Service {
  /** host:port it is bound to (port 0 resolved); throws before `start`. */
  readonly address: string;
}

/**
 * A server for probes alone: GET /ready says 200 or 503, GET /healthz says 200 while the process runs; nothing else. It tells nothing
 * worth hiding, so it may listen anywhere: a kubelet asks from outside the pod. `start` throws RingwayError `ADMIN_LISTEN`.
 */
export function createProbeServer(options: ProbeServerOptions): ProbeServer {
  return new HttpProbeServer(options);
}

class HttpProbeServer implements ProbeServer {
  readonly name = 'probe';
  readonly #options: ProbeServerOptions;
  #bound: BoundServer | null = null;

  constructor(options: ProbeServerOptions) {
    this.#options = options;
  }

  get address(): string {
    if (!this.#bound) throw new Error('the probe server is not started');
    return this.#bound.address;
  }

  async start(): Promise<void> {
    if (this.#bound) return;
    const { listen, clock } = this.#options;
    this.#bound = await listenHttp({ name: this.name, listen, clock }, (request, response) => this.#answer(request, response));
  }

  async stop(): Promise<void> {
    const bound = this.#bound;
    this.#bound = null;
    await bound?.close();
  }

  #answer({ method, url = '/' }: IncomingMessage, response: ServerResponse): void {
    const path = url.split('?', 1)[0];
    if (path !== '/ready' && path !== '/healthz') write(response, 404, 'known: /ready /healthz');
    else if (method !== 'GET' && method !== 'HEAD') write(response, 405, 'allowed: GET');
    else if (path === '/healthz') write(response, 200, 'ok');
    else {
      const { ok, text } = this.#options.ready();
      write(response, ok ? 200 : 503, text);
    }
  }
}

function write(response: ServerResponse, status: number, text: string): void {
  const body = `${text}\n`;
  response.writeHead(status, {
    'content-type': 'text/plain; charset=utf-8',
    'content-length': Buffer.byteLength(body),
    'cache-control': 'no-store',
    ...(status === 405 ? { allow: 'GET' } : {}),
  });
  response.end(response.req.method === 'HEAD' ? undefined : body);
}
