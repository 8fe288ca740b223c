import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { TlsOptions } from 'node:tls';
import type { Test } from 'tap';
import { type RecordedRing, recordedRing } from './recorded-rings.ts';

/** What one path answers. A function answers by itself, or never. */
export type Page =
  | { readonly status?: number; readonly type?: string; readonly body: string | Uint8Array; readonly location?: string }
  | ((request: IncomingMessage, response: ServerResponse) => void);

/** A server that plays the HTTP port of a Tempo process. `pages` may be changed while it runs. */
export interface TempoServer {
  readonly url: string;
  /** By path and query; what is absent is 404 "404 page not found". */
  pages: Readonly<Record<string, Page>>;
  /** Every request as `path accept`. */
  readonly requests: readonly string[];
  close(): Promise<void>;
}

export const INSTANCES_PATH = '/memberlist?downloadKey=collectors%2Flive-store';
export const PARTITIONS_PATH = '/memberlist?downloadKey=collectors%2Flivestore-partitions';

export const bytesPage = (body: Uint8Array): Page => ({ type: 'application/octet-stream', body });
export const jsonPage = (body: string): Page => ({ type: 'application/json', body });

/** What a process with the rings in memberlist serves. */
export function memberlistPages(recorded: RecordedRing = recordedRing('running')): Record<string, Page> {
  return { [INSTANCES_PATH]: bytesPage(recorded.instanceBytes), [PARTITIONS_PATH]: bytesPage(recorded.partitionBytes) };
}

/** What a process with the rings elsewhere serves: pages, and the memberlist page of a query-frontend. */
export function ringPages(recorded: RecordedRing = recordedRing('running')): Record<string, Page> {
  const none: Page = { type: 'text/plain', body: "This instance doesn't use memberlist." };
  return {
    [INSTANCES_PATH]: none,
    [PARTITIONS_PATH]: none,
    '/live-store/ring': jsonPage(recorded.ringPage),
    '/partition-ring': jsonPage(recorded.partitionPage),
  };
}

/** Listens on a free port of 127.0.0.1 until the test ends; with `tls` as https://localhost. */
export async function startTempoServer(t: Test, pages: Readonly<Record<string, Page>>, tls?: TlsOptions): Promise<TempoServer> {
  const requests: string[] = [];
  const answer = (request: IncomingMessage, response: ServerResponse): void => {
    requests.push(`${request.url} ${request.headers.accept}`);
    const page = tempo.pages[request.url ?? ''] ?? { status: 404, type: 'text/plain; charset=utf-8', body: '404 page not found\n' };
    if (typeof page === 'function') {
      page(request, response);
      return;
    }
    const headers = {
      ...(page.type === undefined ? {} : { 'content-type': page.type }),
      ...(page.location ? { location: page.location } : {}),
    };
    response.writeHead(page.status ?? 200, headers).end(page.body);
  };
  const server = tls === undefined ? createServer(answer) : createTlsServer(tls, answer);
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const tempo: TempoServer = {
    url: `${tls === undefined ? 'http://127.0.0.1' : 'https://localhost'}:${(server.address() as AddressInfo).port}`,
    pages,
    requests,
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
  t.teardown(() => tempo.close());
  return tempo;
}
