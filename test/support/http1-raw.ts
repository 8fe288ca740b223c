import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { parseHostPort } from '../../src/core/index.ts';

/** A response as it came. */
export interface RawResponse {
  readonly status: number;
  /** By lower-case name; several of one name are joined by `|`. */
  readonly headers: Readonly<Record<string, string>>;
  /** Chunks put together. */
  readonly body: string;
  readonly trailers: Readonly<Record<string, string>>;
}

/** A client that sends octets as they are. */
export interface RawClient {
  readonly socket: Socket;
  /** Everything that came. */
  readonly text: () => string;
  send(octets: string): void;
  /** Resolves with the next responses, 1xx among them; rejects when the connection ends before they are whole. */
  responses(count: number, methods?: readonly string[]): Promise<RawResponse[]>;
  /** Resolves when the peer closed, orderly or not, with what came. */
  closed(): Promise<string>;
}

export function rawClient(target: string): RawClient {
  const { host, port } = parseHostPort(target);
  return rawClientOver(connect({ host, port, noDelay: true }));
}

/** As `rawClient`, over a socket of one's own (TLS). */
export function rawClientOver(socket: Socket): RawClient {
  let text = '';
  let isClosed = false;
  const watchers = new Set<() => void>();
  const wake = (): void => {
    for (const watcher of [...watchers]) watcher();
  };
  socket.setEncoding('latin1');
  socket.on('data', (chunk: string) => {
    text += chunk;
    wake();
  });
  socket.on('error', () => {});
  socket.on('close', () => {
    isClosed = true;
    wake();
  });
  const when = <T>(test: () => T | undefined): Promise<T> =>
    new Promise((resolve, reject) => {
      const look = (): void => {
        const found = test();
        if (found !== undefined) resolve(found);
        else if (isClosed) reject(new Error(`closed after ${JSON.stringify(text)}`));
        else return;
        watchers.delete(look);
      };
      watchers.add(look);
      look();
    });
  return {
    socket,
    text: () => text,
    send: (octets) => void socket.write(octets, 'latin1'),
    responses: (count, methods = []) =>
      when(() => {
        const all = parseResponses(text, methods, isClosed);
        return all.length >= count ? all : undefined;
      }),
    closed: () => when(() => (isClosed ? text : undefined)),
  };
}

/** One request on a connection of its own; the connection's end is waited for if the peer announces it. */
export async function rawExchange(target: string, octets: string, method = ''): Promise<RawResponse & { readonly isClosed: boolean }> {
  const client = rawClient(target);
  client.send(octets);
  const responses = await client.responses(1, [method]);
  const response = responses.at(-1) as RawResponse;
  const isClosed = response.headers['connection'] === 'close';
  if (isClosed) await client.closed();
  client.socket.destroy();
  return { ...response, isClosed };
}

/** The whole responses at the beginning of `text`. `methods`: of the requests, where it matters (HEAD). */
function parseResponses(text: string, methods: readonly string[] = [], isClosed = false): RawResponse[] {
  const found: RawResponse[] = [];
  let at = 0;
  for (let index = 0; at < text.length; ) {
    const end = text.indexOf('\r\n\r\n', at);
    if (end < 0) break;
    const [line = '', ...lines] = text.slice(at, end).split('\r\n');
    const status = Number(line.split(' ')[1]);
    const headers = fieldsOf(lines);
    const body = status < 200 ? { body: '', trailers: {}, end: end + 4 } : bodyOf(text, end + 4, status, headers, methods[index], isClosed);
    if (!body) break;
    if (status >= 200) index += 1;
    found.push({ status, headers, body: body.body, trailers: body.trailers });
    at = body.end;
  }
  return found;
}

type Body = { readonly body: string; readonly trailers: Record<string, string>; readonly end: number };

function bodyOf(
  text: string,
  start: number,
  status: number,
  headers: Record<string, string>,
  method: string | undefined,
  isClosed: boolean,
): Body | undefined {
  if (method === 'HEAD' || status === 204 || status === 304) return { body: '', trailers: {}, end: start };
  if (headers['transfer-encoding'] === 'chunked') return chunkedBody(text, start);
  const length = headers['content-length'];
  if (length === undefined) return isClosed ? { body: text.slice(start), trailers: {}, end: text.length } : undefined;
  const end = start + Number(length);
  return end <= text.length ? { body: text.slice(start, end), trailers: {}, end } : undefined;
}

function chunkedBody(text: string, start: number): Body | undefined {
  let body = '';
  for (let at = start; ; ) {
    const line = text.indexOf('\r\n', at);
    if (line < 0) return undefined;
    const size = Number.parseInt(text.slice(at, line), 16);
    if (size > 0) {
      if (text.length < line + 4 + size) return undefined;
      body += text.slice(line + 2, line + 2 + size);
      at = line + 4 + size;
      continue;
    }
    const end = text.startsWith('\r\n', line + 2) ? line : text.indexOf('\r\n\r\n', line);
    if (end < 0) return undefined;
    return { body, trailers: fieldsOf(text.slice(line + 2, end).split('\r\n')), end: end + 4 };
  }
}

function fieldsOf(lines: readonly string[]): Record<string, string> {
  const fields: Record<string, string> = {};
  for (const line of lines) {
    const colon = line.indexOf(':');
    if (colon < 0) continue;
    const name = line.slice(0, colon).toLowerCase();
    const value = line.slice(colon + 1).trim();
    fields[name] = name in fields ? `${fields[name]}|${value}` : value;
  }
  return fields;
}

/** A request as a backend got it. */
export interface RawRequest {
  readonly line: string;
  readonly headers: Readonly<Record<string, string>>;
  /** As it came: chunks and trailers are not taken apart. */
  readonly rawBody: string;
  /** Chunks put together. */
  readonly body: string;
}

/** A backend that speaks octets. */
export interface RawBackend {
  readonly address: string;
  readonly requests: RawRequest[];
  readonly sockets: Set<Socket>;
  /** Connections so far. */
  readonly connections: () => number;
  stop(): Promise<void>;
}

/** Answers each whole request with what `answer` says; null: with nothing. */
export async function startRawBackend(answer: (request: RawRequest, socket: Socket) => string | null): Promise<RawBackend> {
  const requests: RawRequest[] = [];
  const sockets = new Set<Socket>();
  let connections = 0;
  const server: Server = createServer((socket) => {
    connections += 1;
    sockets.add(socket);
    let text = '';
    socket.setEncoding('latin1');
    socket.on('error', () => {});
    socket.on('close', () => sockets.delete(socket));
    socket.on('data', (chunk: string) => {
      text += chunk;
      for (let request = takeRequest(text); request; request = takeRequest(text)) {
        text = text.slice(request.end);
        requests.push(request);
        const reply = answer(request, socket);
        if (reply !== null) socket.write(reply, 'latin1');
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    sockets,
    connections: () => connections,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}

/** A response with a body of declared length. */
export function plainResponse(body: string, more = ''): string {
  return `HTTP/1.1 200 OK\r\ncontent-length: ${body.length}\r\n${more}\r\n${body}`;
}

function takeRequest(text: string): (RawRequest & { readonly end: number }) | undefined {
  const head = text.indexOf('\r\n\r\n');
  if (head < 0) return undefined;
  const [line = '', ...lines] = text.slice(0, head).split('\r\n');
  const headers = fieldsOf(lines);
  const chunked = headers['transfer-encoding'] === 'chunked' ? chunkedBody(text, head + 4) : undefined;
  if (headers['transfer-encoding'] === 'chunked' && !chunked) return undefined;
  const end = chunked?.end ?? head + 4 + Number(headers['content-length'] ?? 0);
  if (end > text.length) return undefined;
  const rawBody = text.slice(head + 4, end);
  return { line, headers, rawBody, body: chunked?.body ?? rawBody, end };
}
