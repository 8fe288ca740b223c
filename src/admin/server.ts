import type { IncomingMessage, ServerResponse } from 'node:http';
import { type Clock, type HostPort, messageOf, type Service } from '../core/index.ts';
import type { Logger, MetricRegistry } from '../telemetry/index.ts';
import { AdminError } from './admin-error.ts';
import { checkExposure, checkHost, checkOrigin } from './guard.ts';
import { type BoundServer, listenHttp } from './http-server.ts';
import { indexRoute } from './index-page.ts';
import { Router } from './router.ts';
import type { AdminResponse, AdminRoute } from './types.ts';

export interface AdminServerOptions {
  readonly listen: HostPort;
  /** Everything but `/`, which lists them. */
  readonly routes: readonly AdminRoute[];
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: MetricRegistry;
  /** The operator accepts that other machines may look; warned of, and `ringway_insecure_listener` is 1. Default false. */
  readonly insecure?: boolean;
  /** Longest body of a POST in bytes. Default 64 KiB. */
  readonly maxBodyBytes?: number;
}

/** The admin server: pages and JSON. */
export interface AdminServer extends Service {
  /** host:port it is bound to (port 0 resolved); throws before `start`. */
  readonly address: string;
}

/**
 * Builds the server; nothing is bound before `start`. Throws RingwayError `ADMIN_EXPOSED`; `start` throws `ADMIN_LISTEN`. There is
 * no TLS and no CORS: on loopback only requests to a loopback Host are answered, anywhere no POST from another site's page.
 */
export function createAdminServer(options: AdminServerOptions): AdminServer {
  return new HttpAdminServer(options);
}

class HttpAdminServer implements AdminServer {
  readonly name = 'admin';
  readonly #options: AdminServerOptions;
  readonly #router: Router;
  readonly #isExposed: boolean;
  #bound: BoundServer | null = null;

  constructor(options: AdminServerOptions) {
    this.#options = options;
    this.#isExposed = checkExposure(options.listen, options.insecure ?? false);
    this.#router = new Router([indexRoute(options.routes), ...options.routes]);
  }

  get address(): string {
    if (!this.#bound) throw new Error('the admin server is not started');
    return this.#bound.address;
  }

  async start(): Promise<void> {
    if (this.#bound) return;
    const { listen, clock, logger, metrics } = this.#options;
    this.#bound = await listenHttp({ name: this.name, listen, clock }, (request, response) => void this.#answer(request, response));
    const exposed = this.#isExposed ? 1 : 0;
    metrics.gauge({ name: 'ringway_insecure_listener', labels: { listener: 'admin' }, help: '1: open without TLS.' }).set(exposed);
    if (exposed) logger.warn('admin.insecure', { address: this.address }, 'admin pages are served without TLS');
    logger.info('admin.listening', { address: this.address }, `admin pages on http://${this.address}/`);
  }

  async stop(): Promise<void> {
    const bound = this.#bound;
    this.#bound = null;
    await bound?.close();
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      write(response, request.method === 'HEAD', await this.#handle(request));
    } catch (error) {
      this.#refuse(request, response, error);
    }
  }

  async #handle(request: IncomingMessage): Promise<AdminResponse> {
    const { method = 'GET', headers, url = '/' } = request;
    if (!this.#isExposed) checkHost(headers, this.#options.listen);
    const target = url.startsWith('/') ? URL.parse(`http://admin${url}`) : null;
    if (!target) throw new AdminError(400, 'BAD_PATH', 'the request target is not a path');
    const { route, params } = this.#router.find(method, target.pathname);
    if (route.method === 'POST') checkOrigin(headers);
    const body = route.method === 'POST' ? await readBody(request, this.#options.maxBodyBytes ?? 64 * 1024) : '';
    return route.handle({ params, query: target.searchParams, body });
  }

  #refuse(request: IncomingMessage, response: ServerResponse, error: unknown): void {
    if (response.headersSent) {
      response.destroy();
      return;
    }
    const known = error instanceof AdminError ? error : new AdminError(500, 'INTERNAL', 'internal error, see the log');
    if (known !== error) this.#options.logger.error('admin.failed', { path: request.url, err: error }, messageOf(error));
    for (const [name, value] of Object.entries(known.headers)) response.setHeader(name, value);
    // What was not read of a refused body is not worth a connection.
    if (!request.complete) response.setHeader('connection', 'close');
    write(response, request.method === 'HEAD', { status: known.status, json: { error: { code: known.code, message: known.message } } });
  }
}

function write(response: ServerResponse, headersOnly: boolean, answer: AdminResponse): void {
  const [contentType, body] =
    'json' in answer ? ['application/json; charset=utf-8', `${JSON.stringify(answer.json)}\n`] : [answer.contentType, answer.body];
  response.writeHead(answer.status ?? 200, {
    'content-type': contentType,
    'content-length': Buffer.byteLength(body),
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    'x-frame-options': 'DENY',
    'referrer-policy': 'no-referrer',
  });
  response.end(headersOnly ? undefined : body);
}

async function readBody(request: IncomingMessage, maxBytes: number): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request.iterator({ destroyOnReturn: false })) {
    size += (chunk as Buffer).byteLength;
    if (size > maxBytes) throw new AdminError(413, 'BODY_TOO_LONG', `the body is longer than ${maxBytes} bytes`);
    chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks).toString('utf8');
}
