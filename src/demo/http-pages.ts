import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { HostPort } from '../core/index.ts';
import { bind } from './bind.ts';

/** What a page answers. */
export interface PageReply {
  readonly status: number;
  readonly type: 'application/json' | 'application/octet-stream' | 'text/plain; charset=utf-8';
  readonly body: string | Uint8Array;
}

export type Page = (request: { readonly url: URL; readonly body: string }) => PageReply;

/** Pages by `METHOD /path`. */
export type PageTable = Readonly<Record<string, Page>>;

export function json(value: unknown, status = 200): PageReply {
  return { status, type: 'application/json', body: JSON.stringify(value) };
}

export function plain(text: string, status = 200): PageReply {
  return { status, type: 'text/plain; charset=utf-8', body: text };
}

/** A few pages over HTTP, for the sample parts. */
export class HttpPages {
  readonly #server: Server;

  constructor(pages: PageTable) {
    this.#server = createServer((request, response) => {
      answer(pages, request, response).catch(() => response.destroy());
    });
    this.#server.keepAliveTimeout = 1_000;
  }

  /** Resolves with the bound address. Throws RingwayError that names the address. */
  listen(address: HostPort): Promise<HostPort> {
    return bind(this.#server, address);
  }

  /** Stops accepting and cuts what is open; resolves when closed. */
  close(): Promise<void> {
    return new Promise((resolve) => {
      this.#server.close(() => resolve());
      this.#server.closeAllConnections();
    });
  }
}

const MAX_BODY = 64 * 1024;

async function answer(pages: PageTable, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = new URL(request.url ?? '/', 'http://sample');
  let body = '';
  for await (const chunk of request.setEncoding('utf8')) {
    body += chunk;
    if (body.length > MAX_BODY) throw new Error('body too large');
  }
  const page = pages[`${request.method} ${url.pathname}`];
  const reply = page ? safely(page, url, body) : plain('404 page not found\n', 404);
  response.writeHead(reply.status, { 'content-type': reply.type, 'content-length': Buffer.byteLength(reply.body) });
  response.end(reply.body);
}

function safely(page: Page, url: URL, body: string): PageReply {
  try {
    return page({ url, body });
  } catch (error) {
    return plain(`${(error as Error).message}\n`, 400);
  }
}
