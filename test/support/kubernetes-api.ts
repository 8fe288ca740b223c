import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import type { Random } from '../../src/core/index.ts';
import type { SliceObject } from './kubernetes-slices.ts';

/** A request as it came in. */
export interface ApiRequestSeen {
  readonly verb: 'list' | 'watch';
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  readonly authorization: string | undefined;
}

/** One write to etcd. */
interface Revision {
  readonly revision: number;
  readonly key: string;
  readonly before: SliceObject | null;
  readonly after: SliceObject | null;
}

interface Watcher {
  readonly response: ServerResponse;
  readonly query: Readonly<Record<string, string>>;
  readonly path: string;
  /** Writes that were not made yet, in pieces. */
  readonly queue: Buffer[];
}

const PATH = /^\/apis\/discovery\.k8s\.io\/v1\/namespaces\/([^/]+)\/endpointslices$/;

/**
 * The part of a Kubernetes API server that serves EndpointSlices, with its rules: one revision counter for all that is written; lists as
 * they are now, in pages that are all of the revision of the first; watches that replay from a revision and then follow; 410 for what was
 * compacted; a watch from a revision that is still to come waits for it without a word; objects leave a watch by DELETED when they no
 * longer match its selector. Nothing happens by time: bookmarks, ends and resets come when they are called for.
 */
export class KubernetesApi {
  readonly url: string;
  /** Needed as a bearer token; null: none is. */
  token: string | null = null;
  /** Answers instead, while it is not null. */
  fault: ((request: IncomingMessage, response: ServerResponse) => void) | null = null;
  /** Cuts what watches send into pieces at random places, each written on its own. */
  chunking: Random | null = null;
  /** A page of a list is never longer. */
  maxPage = 500;
  readonly requests: ApiRequestSeen[] = [];
  readonly #sockets: ReadonlySet<Socket>;
  readonly #watchers = new Set<Watcher>();
  #history: Revision[] = [];
  #revision = 1000;
  #compacted = 0;
  #batch: Revision[] | null = null;

  constructor(url: string, sockets: ReadonlySet<Socket>) {
    this.url = url;
    this.#sockets = sockets;
  }

  get revision(): number {
    return this.#revision;
  }

  /** How many watches are open. */
  get watches(): number {
    return this.#watchers.size;
  }

  /** All slices of a namespace now, by name. */
  get slices(): readonly SliceObject[] {
    return [...this.#at(this.#revision).values()];
  }

  put(object: SliceObject): void {
    this.#write(keyOf(object.metadata.namespace, object.metadata.name), object);
  }

  delete(name: string, namespace = 'tempo'): void {
    this.#write(keyOf(namespace, name), null);
  }

  /** Watches are told of all writes of `writes` in one piece. */
  batch(writes: () => void): void {
    this.#batch = [];
    writes();
    const done = this.#batch;
    this.#batch = null;
    for (const watcher of this.#watchers) this.#send(watcher, done);
  }

  /** Tells all watches that want it how far they are. Writes to other objects move the revision on, too. */
  bookmark(): void {
    this.#revision += 1;
    for (const watcher of this.#watchers)
      if (watcher.query['allowWatchBookmarks'] === 'true' && this.#revision > Number(watcher.query['resourceVersion']))
        this.#emit(
          watcher,
          line('BOOKMARK', {
            metadata: { resourceVersion: String(this.#revision), creationTimestamp: null },
            endpoints: null,
            addressType: '',
            ports: null,
          }),
        );
  }

  /** Forgets what was before now. */
  compact(): void {
    this.#compacted = this.#revision;
  }

  /** What `timeoutSeconds` does at its time. */
  endWatches(): void {
    for (const { response, queue } of this.#watchers) {
      response.end(Buffer.concat(queue.splice(0)));
    }
    this.#watchers.clear();
  }

  /** Resets every connection; with a `rest`, after these bytes. */
  drop(rest: string | null = null): void {
    if (rest !== null) this.write(rest);
    this.#watchers.clear();
    for (const socket of this.#sockets) {
      if (rest !== null) socket.destroySoon();
      else if (socket.writableEnded)
        socket.destroy(); // a reset after the end never closes: uv_tcp_close_reset refuses it
      else socket.resetAndDestroy();
    }
  }

  /** As an operator does with a backup of etcd: what came after `revision` never was. All watches are gone. */
  restore(revision: number): void {
    this.#history = this.#history.filter((entry) => entry.revision <= revision);
    this.#revision = revision;
    this.#compacted = Math.min(this.#compacted, revision);
    this.drop();
  }

  /** Any bytes to every watch. */
  write(text: string): void {
    for (const watcher of this.#watchers) this.#emit(watcher, text);
  }

  /** What the server does with a request. */
  answer(request: IncomingMessage, response: ServerResponse): void {
    const { pathname, searchParams } = new URL(request.url ?? '', 'http://api');
    const query = Object.fromEntries(searchParams);
    const verb = query['watch'] === 'true' ? 'watch' : 'list';
    const { authorization } = request.headers;
    this.requests.push({ verb, path: pathname, query, authorization });
    if (this.fault !== null) this.fault(request, response);
    else if (this.token !== null && authorization !== `Bearer ${this.token}`) refuse(response, 401, 'Unauthorized', 'Unauthorized');
    else if (!PATH.test(pathname)) refuse(response, 404, 'NotFound', 'the server could not find the requested resource');
    else if (verb === 'watch') this.#watch(pathname, query, response);
    else this.#list(pathname, query, response);
  }

  #list(path: string, query: Readonly<Record<string, string>>, response: ServerResponse): void {
    const { revision, after } = query['continue']
      ? JSON.parse(Buffer.from(query['continue'], 'base64').toString())
      : { revision: this.#revision, after: '' };
    if (revision < this.#compacted) {
      refuse(response, 410, 'Expired', 'The provided continue parameter is too old to display a consistent list result.');
      return;
    }
    const all = [...this.#at(revision)]
      .filter(([key, object]) => key > after && isSelected(object, path, query))
      .sort(([a], [b]) => (a < b ? -1 : 1));
    const page = all.slice(0, Math.min(this.maxPage, Number(query['limit'] ?? all.length)));
    const last = page.at(-1)?.[0];
    const token = page.length < all.length ? Buffer.from(JSON.stringify({ revision, after: last })).toString('base64') : '';
    const metadata = {
      resourceVersion: String(revision),
      ...(token === '' ? {} : { continue: token, remainingItemCount: all.length - page.length }),
    };
    response
      .writeHead(200, { 'content-type': 'application/json' })
      .end(
        JSON.stringify({ kind: 'EndpointSliceList', apiVersion: 'discovery.k8s.io/v1', metadata, items: page.map(([, object]) => object) }),
      );
  }

  #watch(path: string, query: Readonly<Record<string, string>>, response: ServerResponse): void {
    const from = Number(query['resourceVersion']);
    response.writeHead(200, { 'content-type': 'application/json' }).flushHeaders();
    if (from < this.#compacted) {
      const status = statusOf(410, 'Expired', `too old resource version: ${from} (${this.#compacted})`);
      response.end(`${JSON.stringify({ type: 'ERROR', object: status })}\n`);
      return;
    }
    const watcher: Watcher = { response, query, path, queue: [] };
    this.#watchers.add(watcher);
    response.once('close', () => this.#watchers.delete(watcher));
    this.#send(watcher, this.#history);
  }

  #write(key: string, object: SliceObject | null): void {
    const before = this.#at(this.#revision).get(key) ?? null;
    if (object === null && before === null) return;
    this.#revision += 1;
    const version = { resourceVersion: String(this.#revision) };
    const after = object === null ? null : { ...object, metadata: { ...object.metadata, ...version } };
    const entry = { revision: this.#revision, key, before, after };
    this.#history.push(entry);
    if (this.#batch !== null) this.#batch.push(entry);
    else for (const watcher of this.#watchers) this.#send(watcher, [entry]);
  }

  /** All objects as they were at a revision. */
  #at(revision: number): ReadonlyMap<string, SliceObject> {
    const objects = new Map<string, SliceObject>();
    for (const { revision: at, key, after } of this.#history) {
      if (at > revision) break;
      if (after === null) objects.delete(key);
      else objects.set(key, after);
    }
    return objects;
  }

  #send(watcher: Watcher, entries: readonly Revision[]): void {
    const { query, path } = watcher;
    const lines = entries.flatMap(({ revision, before, after }) => {
      if (revision <= Number(query['resourceVersion'])) return [];
      const was = before !== null && isSelected(before, path, query);
      const is = after !== null && isSelected(after, path, query);
      if (is) return line(was ? 'MODIFIED' : 'ADDED', after);
      return was ? line('DELETED', { ...before, metadata: { ...before.metadata, resourceVersion: String(revision) } }) : [];
    });
    if (lines.length > 0) this.#emit(watcher, lines.join(''));
  }

  #emit(watcher: Watcher, text: string): void {
    const { response, queue } = watcher;
    if (this.chunking === null && queue.length === 0) {
      response.write(text);
      return;
    }
    const isIdle = queue.length === 0;
    queue.push(...piecesOf(Buffer.from(text), this.chunking ?? (() => 0.5)));
    if (isIdle) void flush(watcher);
  }
}

async function flush({ response, queue }: Watcher): Promise<void> {
  for (let piece = queue[0]; piece !== undefined && !response.destroyed; piece = queue[0]) {
    response.write(piece);
    queue.shift();
    await new Promise(setImmediate);
  }
}

function piecesOf(bytes: Buffer, random: Random): readonly Buffer[] {
  const pieces: Buffer[] = [];
  for (let start = 0; start < bytes.length; ) {
    const end = start + 1 + Math.floor(random() * 300);
    pieces.push(bytes.subarray(start, end));
    start = end;
  }
  return pieces;
}

function keyOf(namespace: string, name: string): string {
  return `${namespace}/${name}`;
}

function isSelected(object: SliceObject, path: string, query: Readonly<Record<string, string>>): boolean {
  const [label = '', value] = (query['labelSelector'] ?? '').split('=');
  return object.metadata.namespace === PATH.exec(path)?.[1] && (label === '' || object.metadata.labels[label] === value);
}

/** One event of a watch. */
export function line(type: string, object: object): string {
  return `${JSON.stringify({ type, object: { kind: 'EndpointSlice', apiVersion: 'discovery.k8s.io/v1', ...object } })}\n`;
}

/** An error as the API server says it. */
export function statusOf(code: number, reason: string, message: string): object {
  return { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message, reason, code };
}

/** Answers a request with a Status. */
export function refuse(response: ServerResponse, code: number, reason: string, message: string): void {
  response.writeHead(code, { 'content-type': 'application/json' }).end(`${JSON.stringify(statusOf(code, reason, message))}\n`);
}

/** Listens on a free port of 127.0.0.1 until the test ends; with TLS, if there is a key. */
export async function startKubernetesApi(
  t: { teardown(fn: () => unknown): unknown },
  tls: { readonly key: string; readonly cert: string } | null = null,
): Promise<KubernetesApi> {
  const sockets = new Set<Socket>();
  let api: KubernetesApi | null = null;
  const onRequest = (request: IncomingMessage, response: ServerResponse): void => api?.answer(request, response);
  const server = tls === null ? createServer(onRequest) : createTlsServer(tls, onRequest);
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.once('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  t.teardown(
    () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  );
  api = new KubernetesApi(`${tls === null ? 'http' : 'https'}://127.0.0.1:${(server.address() as AddressInfo).port}`, sockets);
  return api;
}
