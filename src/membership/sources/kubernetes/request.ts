import { type ClientRequest, type IncomingMessage, type RequestOptions, request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { type Clock, messageOf, RingwayError } from '../../../core/index.ts';
import type { SourceDeps } from '../types.ts';
import { type ApiTarget, type Credentials, readCredentials } from './access.ts';

/** One GET of EndpointSlices. */
export interface ApiRequest {
  readonly verb: 'list' | 'watch';
  readonly target: ApiTarget;
  /** What comes after the label selector in the query. */
  readonly query: Readonly<Record<string, string>>;
  readonly deps: SourceDeps;
  readonly signal: AbortSignal;
}

/** An answer of the right kind, whose body is still to be read. */
export interface ApiAnswer {
  readonly body: IncomingMessage;
  /** An error about this request; of the server's own text only `quote` goes into its message. */
  readonly fail: (code: string, what: string, cause?: unknown) => RingwayError;
  /** What the server sent, in one short line, our token struck out should it come back. */
  readonly quote: (text: string) => string;
}

/** For the connection, TLS, and the beginning of the answer. */
const ANSWER_TIMEOUT_MS = 10_000;
/** Of an answer that is an error. */
const MAX_ERROR_BYTES = 16 * 1024;

/** `labelSelector` of the slices of a Service. */
export const SERVICE_LABEL = 'kubernetes.io/service-name';

/**
 * Resolves when the server has begun to answer 200 with JSON. Connections are not kept: the next request may find another server behind
 * the address, and another token. Redirects are not followed. Rejects with RingwayError, one line that names server, verb and Service:
 * `API_GONE` (410), `API_UNAUTHORIZED` (401), `API_FORBIDDEN` (403), `API_ANSWER` (anything else), `PEER_UNREACHABLE`, `PEER_TIMEOUT`,
 * and the codes of `readCredentials`.
 */
export async function openApi(request: ApiRequest): Promise<ApiAnswer> {
  const { target, verb, deps } = request;
  const credentials = await readCredentials(target, deps.readSecret);
  const quote = createQuote(credentials.token);
  const fail: ApiAnswer['fail'] = (code, what, cause) =>
    new RingwayError(`${target.server}: ${verb} endpointslices of ${target.namespace}/${target.service}: ${inOneLine(what)}`, {
      code,
      cause,
    });
  const body = await send(request, credentials, fail);
  if (body.statusCode === 200 && isPlainJson(body)) return { body, fail, quote };
  throw refusal(target, body, await readStart(body, deps.clock), { body, fail, quote });
}

function send({ target, query, deps, signal }: ApiRequest, { token, tls }: Credentials, fail: ApiAnswer['fail']): Promise<IncomingMessage> {
  const search = new URLSearchParams({ labelSelector: `${SERVICE_LABEL}=${target.service}`, ...query });
  const url = `${target.server}/apis/discovery.k8s.io/v1/namespaces/${encodeURIComponent(target.namespace)}/endpointslices?${search}`;
  const headers = {
    accept: 'application/json',
    'accept-encoding': 'identity',
    'user-agent': 'ringway',
    ...(token === null ? {} : { authorization: `Bearer ${token}` }),
  };
  return new Promise((resolve, reject) => {
    const sent = start(url, { agent: false, headers, signal }, tls, fail);
    const timer = deps.clock.after(ANSWER_TIMEOUT_MS, () => {
      reject(fail('PEER_TIMEOUT', `no answer within ${ANSWER_TIMEOUT_MS / 1000}s`));
      sent.destroy();
    });
    sent.on('error', (error) => {
      timer.cancel();
      reject(fail('PEER_UNREACHABLE', messageOf(error), error));
    });
    sent.on('response', (response) => {
      timer.cancel();
      response.on('error', () => {}); // whoever reads it is told; until then one must not end the process
      resolve(response);
    });
    sent.end();
  });
}

function start(url: string, options: RequestOptions, tls: Credentials['tls'], fail: ApiAnswer['fail']): ClientRequest {
  try {
    return tls === null ? requestHttp(url, options) : requestHttps(url, { ...options, ...tls });
  } catch (error) {
    throw fail('PEER_UNREACHABLE', messageOf(error), error); // a CA that is none, a host that is none
  }
}

/** A compressed body could be of any size, and was not asked for. */
function isPlainJson({ headers }: IncomingMessage): boolean {
  return contentTypeOf(headers).toLowerCase() === 'application/json' && (headers['content-encoding'] ?? 'identity') === 'identity';
}

function contentTypeOf(headers: IncomingMessage['headers']): string {
  return (headers['content-type'] ?? '').replace(/;.*/, '').trim();
}

async function readStart(body: IncomingMessage, clock: Clock): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  const timer = clock.after(ANSWER_TIMEOUT_MS, () => body.destroy());
  try {
    for await (const chunk of body as AsyncIterable<Buffer>) {
      chunks.push(chunk);
      size += chunk.length;
      if (size > MAX_ERROR_BYTES) break;
    }
  } catch {
    // the status says enough
  } finally {
    timer.cancel();
  }
  return Buffer.concat(chunks).subarray(0, MAX_ERROR_BYTES).toString();
}

function refusal(
  { namespace, tokenFile }: ApiTarget,
  { statusCode = 0, headers }: IncomingMessage,
  text: string,
  answer: ApiAnswer,
): RingwayError {
  const { fail, quote } = answer;
  const said = quote(statusMessageOf(text) ?? text);
  const login = tokenFile === null ? 'no token was sent, set tokenFile' : `the token is that of ${tokenFile}`;
  switch (statusCode) {
    case 410:
      return fail('API_GONE', `answered 410 "${said}"`);
    case 401:
      return fail('API_UNAUTHORIZED', `answered 401 "${said}"; ${login}`);
    case 403:
      return fail(
        'API_FORBIDDEN',
        `answered 403 "${said}"; needed is a Role in ${namespace} with get, list, watch of endpointslices in discovery.k8s.io; ${login}`,
      );
  }
  const encoding = headers['content-encoding'];
  const kind = `${contentTypeOf(headers) || 'without content-type'}${encoding === undefined ? '' : ` (${encoding})`}`;
  const where = headers.location === undefined ? '' : ` to "${quote(headers.location)}"`;
  return fail('API_ANSWER', `answered ${statusCode}${where} ${quote(kind)} "${said}" instead of EndpointSlices as JSON`);
}

/** The text of a Status, in which the API server says what is wrong. */
function statusMessageOf(text: string): string | null {
  try {
    const status: unknown = JSON.parse(text);
    if (typeof status !== 'object' || status === null || !('message' in status)) return null;
    return typeof status.message === 'string' ? status.message : null;
  } catch {
    return null;
  }
}

/** Strikes the token out before anything is cut: half of one is too much. */
function createQuote(token: string | null): ApiAnswer['quote'] {
  return (text) => {
    const start = inOneLine((token === null ? text : text.replaceAll(token, '<token>')).slice(0, 4096));
    return start.length > 160 ? `${start.slice(0, 157)}...` : start;
  };
}

/** OpenSSL ends its lines, and servers send what they like. */
function inOneLine(text: string): string {
  return text.replaceAll(/[^\x20-\x7e]+/g, ' ').trim();
}
