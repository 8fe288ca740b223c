import { type ClientRequest, type IncomingHttpHeaders, type IncomingMessage, type RequestOptions, request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { type Clock, codeOf, GrowingBytes, messageOf, RingwayError } from '../../core/index.ts';
import type { RequestAccess } from './request-access.ts';

/** One GET. Redirects are not followed, connections not kept: a name may lead to another process next time, and a secret may have changed. */
export interface GetOptions {
  readonly accept: string;
  /** How the URL is told, where it is not the same from read to read; as it is unless given. */
  readonly told?: string;
  readonly access: RequestAccess;
  /** For the whole answer. */
  readonly timeoutMs: number;
  /** Of the body; more is an error. */
  readonly maxBytes: number;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/** Whatever came. */
export interface Answer {
  /** As it is told. */
  readonly url: string;
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** Without parameters, lower case; '' when there is none. */
  readonly contentType: string;
  readonly body: Buffer;
  /** As that of the access it was asked for with: to be applied to whole texts, before anything is cut off. */
  readonly hide: (text: string) => string;
}

/**
 * Resolves with any answer. Rejects with RingwayError `PEER_UNREACHABLE`, `PEER_TIMEOUT`, `PEER_TOO_LARGE`, or `PEER_COMPRESSED` (which
 * nobody asked for, and which may be of any size), that names the URL.
 */
export function get(url: string, options: GetOptions): Promise<Answer> {
  const { timeoutMs, maxBytes, clock, access, told = url } = options;
  const failure = (code: string, what: string, cause?: unknown): RingwayError => new RingwayError(`${told}: ${what}`, { code, cause });
  return new Promise((resolve, reject) => {
    const sent = start(url, options);
    if (sent instanceof Error) return reject(failure('PEER_UNREACHABLE', reasonOf(sent), sent));
    const timer = clock.after(timeoutMs, () => fail('PEER_TIMEOUT', `did not answer within ${timeoutMs}ms`));
    const fail = (code: string, what: string, cause?: unknown): void => {
      timer.cancel();
      reject(failure(code, what, cause));
      sent.destroy();
    };
    sent.on('error', (error) => fail('PEER_UNREACHABLE', reasonOf(error), error));
    sent.on('response', (response) => {
      const body = new GrowingBytes(maxBytes);
      const encoding = response.headers['content-encoding'] ?? 'identity';
      if (encoding !== 'identity') fail('PEER_COMPRESSED', `sent "${access.hide(encoding).slice(0, 40)}", which was not asked for`);
      response.on('error', (error) => fail('PEER_UNREACHABLE', `broke off its answer: ${reasonOf(error)}`, error));
      response.on('data', (chunk: Buffer) => {
        if (!body.add(chunk)) fail('PEER_TOO_LARGE', `sent more than the ${maxBytes} bytes that are allowed`);
      });
      response.on('end', () => {
        timer.cancel();
        resolve({ ...answerOf(told, response), body: body.view(), hide: access.hide });
      });
    });
    sent.end();
  });
}

/** What Node throws at once: a certificate that is none, a character that no header can have. */
function start(url: string, { accept, access, signal }: GetOptions): ClientRequest | Error {
  const headers = { 'user-agent': 'ringway', ...Object.fromEntries(access.headers), accept, 'accept-encoding': 'identity' };
  const options: RequestOptions = { agent: false, headers, signal };
  try {
    return url.startsWith('https:') ? requestHttps(url, { ...options, ...access.tls }) : requestHttp(url, options);
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}

/** OpenSSL's errors say more than a line: what is wrong is in `reason`. Of an unknown authority Node says how to start Node. */
function reasonOf(error: unknown): string {
  const isOpenSsl = codeOf(error)?.startsWith('ERR_SSL_') && typeof error === 'object' && error !== null && 'reason' in error;
  return (isOpenSsl ? String(error.reason) : messageOf(error))
    .replaceAll(/\s+/g, ' ')
    .replace(/; if the root CA is installed locally, .*$/, '; tls.ca says whom to trust')
    .trim();
}

function answerOf(url: string, { statusCode = 0, headers }: IncomingMessage): Omit<Answer, 'body' | 'hide'> {
  return { url, status: statusCode, headers, contentType: mediaType(headers['content-type'] ?? '') };
}

function mediaType(contentType: string): string {
  return (contentType.split(';')[0] as string).trim().toLowerCase();
}

/** No secret that a request can carry is longer: one that begins in what is shown stands in here whole. */
const SHOWN_FROM_BYTES = 32 * 1024;

/** An answer in a few words: `200 text/html "<!doctype html>..."`. */
export function describeAnswer({ status, headers, body, hide }: Answer): string {
  if (status >= 300 && status < 400) return `${status} to "${hide(headers.location ?? '').slice(0, 100)}"`;
  const text = hide(body.subarray(0, SHOWN_FROM_BYTES).toString('latin1'))
    .slice(0, 400)
    .replaceAll(/[^\x20-\x7e]+/g, ' ')
    .trim();
  const type = mediaType(hide(headers['content-type'] ?? '')).slice(0, 60) || 'without content-type';
  return `${status} ${type} "${text.length > 60 ? `${text.slice(0, 57)}...` : text}"`;
}
