import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { TlsOptions } from 'node:tls';
import type { Test } from 'tap';
import { type Clock, systemClock } from '../../src/core/index.ts';

/**
 * Plays Consul's key-value store as a reader sees it: indexes, blocking queries, datacenters, tokens. The index of a key is that of its
 * last change; of a key that is not there, that of the last change of all.
 */
export interface ConsulServer {
  readonly url: string;
  /** Writes these keys at once, each with an index of its own; null deletes. */
  put(values: Readonly<Record<string, Uint8Array | null>>): void;
  /** From now on every request is answered so, those that wait at once; null: as a Consul does. */
  answer(instead: ((request: IncomingMessage, response: ServerResponse) => void) | null): void;
  /** The cluster was restored: indexes go on from here. Queries that wait go on waiting. */
  restore(index: number): void;
  /** Each request's path and query, with the token that came. */
  readonly requests: readonly { readonly url: URL; readonly token: string | undefined }[];
  /** Queries that wait now. */
  readonly waiting: number;
  /** Resolves when this many queries wait. */
  hasWaiting(count: number): Promise<void>;
  close(): Promise<void>;
}

export interface ConsulServerOptions {
  /** For waits; the system's unless given. */
  readonly clock?: Clock;
  /** How much of the jitter is used, 0 to 1; 0 unless given. */
  readonly jitter?: number;
  /** Requests without it are refused; none unless given. */
  readonly token?: string;
  /** As https://localhost. */
  readonly tls?: TlsOptions;
}

interface Entry {
  readonly value: Uint8Array;
  readonly index: number;
}

/** A query that waits for another index than `index`. */
interface Blocked {
  readonly key: string;
  readonly index: number;
  end(): void;
}

const DATACENTER = 'dc1';
const MAX_WAIT_MS = 600_000;
const DEFAULT_WAIT_MS = 300_000;
const UNITS_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** Listens on a free port of 127.0.0.1 until the test ends. */
export async function startConsulServer(t: Test, options: ConsulServerOptions = {}): Promise<ConsulServer> {
  const { clock = systemClock, jitter = 0, token, tls } = options;
  const requests: { readonly url: URL; readonly token: string | undefined }[] = [];
  const entries = new Map<string, Entry>();
  const blocked = new Set<Blocked>();
  const watchers = new Set<() => void>();
  let lastIndex = 10;
  let instead: ((request: IncomingMessage, response: ServerResponse) => void) | null = null;
  const indexOf = (key: string): number => entries.get(key)?.index ?? lastIndex;
  const changed = (): void => {
    for (const query of blocked) if (instead !== null || indexOf(query.key) > query.index) query.end();
  };
  const say = (key: string, response: ServerResponse): void => {
    const entry = entries.get(key);
    response.setHeader('x-consul-index', indexOf(key)).setHeader('x-consul-knownleader', 'true').setHeader('x-consul-lastcontact', '0');
    if (entry === undefined) response.writeHead(404).end();
    else response.setHeader('x-content-type-options', 'nosniff').writeHead(200, { 'content-type': 'text/plain' }).end(entry.value);
  };
  const block = (key: string, index: number, waitMs: number, response: ServerResponse, then: () => void): void => {
    const limitMs = Math.min(waitMs, MAX_WAIT_MS);
    const timer = clock.after(limitMs + (jitter * limitMs) / 16, () => query.end());
    const query: Blocked = {
      key,
      index,
      end: () => {
        timer.cancel();
        if (blocked.delete(query)) then();
      },
    };
    response.on('close', () => {
      timer.cancel();
      blocked.delete(query);
    });
    blocked.add(query);
    for (const look of watchers) look();
  };
  const answer = (request: IncomingMessage, response: ServerResponse): void => {
    const url = new URL(request.url ?? '', 'http://consul');
    const given = request.headers['x-consul-token'];
    requests.push({ url, token: typeof given === 'string' ? given : undefined });
    const key = decodeURIComponent(url.pathname.replace('/v1/kv/', ''));
    const now = (): void => (instead === null ? say(key, response) : instead(request, response));
    const refusal = instead === null ? refuse(url, given, token) : null;
    if (refusal !== null) response.writeHead(refusal.status, { 'content-type': 'text/plain; charset=utf-8' }).end(refusal.text);
    else if (instead === null && Number(url.searchParams.get('index') ?? 0) >= indexOf(key))
      block(key, Number(url.searchParams.get('index')), parseWait(url.searchParams.get('wait')), response, now);
    else now();
  };
  const server = tls === undefined ? createServer(answer) : createTlsServer(tls, answer);
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const consul: ConsulServer = {
    url: `${tls === undefined ? 'http://127.0.0.1' : 'https://localhost'}:${(server.address() as AddressInfo).port}`,
    put: (values) => {
      for (const [key, value] of Object.entries(values)) {
        lastIndex += 1;
        if (value === null) entries.delete(key);
        else entries.set(key, { value, index: lastIndex });
      }
      changed();
    },
    answer: (next) => {
      instead = next;
      changed();
    },
    restore: (index) => {
      lastIndex = index;
      for (const [key, { value }] of entries) entries.set(key, { value, index });
    },
    requests,
    get waiting() {
      return blocked.size;
    },
    hasWaiting: (count) =>
      new Promise((resolve) => {
        const look = (): void => {
          if (blocked.size < count) return;
          watchers.delete(look);
          resolve();
        };
        watchers.add(look);
        look();
      }),
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
  t.teardown(() => consul.close());
  return consul;
}

/** What is said to requests that get nothing; null: they get what they ask for. */
function refuse(url: URL, given: unknown, token: string | undefined): { readonly status: number; readonly text: string } | null {
  const datacenter = url.searchParams.get('dc');
  if (!url.pathname.startsWith('/v1/kv/')) return { status: 404, text: 'Invalid URL path: not a recognized HTTP API endpoint' };
  if (datacenter !== null && datacenter !== DATACENTER) return { status: 500, text: 'No path to datacenter' };
  if (token === undefined || given === token) return null;
  if (given !== undefined) return { status: 403, text: 'ACL not found' };
  return { status: 403, text: 'Permission denied: anonymous token lacks permission \'key:read\' on "collectors/live-store"' };
}

function parseWait(text: string | null): number {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/.exec(text ?? '');
  return match === null ? DEFAULT_WAIT_MS : Number(match[1]) * (UNITS_MS[match[2] as string] as number);
}
