import { type IncomingMessage, request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { type Clock, messageOf, RingwayError } from '../../../core/index.ts';

/** One GET. Redirects are not followed, connections not kept: a name may lead to another process next time. */
export interface GetOptions {
  readonly accept: string;
  /** For the whole answer. */
  readonly timeoutMs: number;
  /** Of the body; more is an error. */
  readonly maxBytes: number;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/** Whatever came. */
export interface Answer {
  readonly url: string;
  readonly status: number;
  /** Without parameters, lower case; '' when there is none. */
  readonly contentType: string;
  /** '' when there is none. */
  readonly location: string;
  readonly body: Buffer;
}

/** Resolves with any answer. Rejects with RingwayError `PEER_UNREACHABLE`, `PEER_TIMEOUT` or `PEER_TOO_LARGE` that names the URL. */
export function get(url: string, options: GetOptions): Promise<Answer> {
  const { accept, timeoutMs, maxBytes, clock, signal } = options;
  const send = url.startsWith('https:') ? requestHttps : requestHttp;
  return new Promise((resolve, reject) => {
    const sent = send(url, { agent: false, headers: { accept }, signal });
    const timer = clock.after(timeoutMs, () => fail('PEER_TIMEOUT', `did not answer within ${timeoutMs}ms`));
    const fail = (code: string, what: string, cause?: unknown): void => {
      timer.cancel();
      reject(new RingwayError(`${url}: ${what}`, { code, cause }));
      sent.destroy();
    };
    sent.on('error', (error) => fail('PEER_UNREACHABLE', messageOf(error), error));
    sent.on('response', (response) => {
      const chunks: Buffer[] = [];
      let size = 0;
      response.on('error', (error) => fail('PEER_UNREACHABLE', `broke off its answer: ${messageOf(error)}`, error));
      response.on('data', (chunk: Buffer) => {
        size += chunk.length;
        if (size > maxBytes) fail('PEER_TOO_LARGE', `sent more than the ${maxBytes} bytes that are allowed`);
        else chunks.push(chunk);
      });
      response.on('end', () => {
        timer.cancel();
        resolve(answerOf(url, response, Buffer.concat(chunks)));
      });
    });
    sent.end();
  });
}

function answerOf(url: string, { statusCode = 0, headers }: IncomingMessage, body: Buffer): Answer {
  const [contentType = ''] = (headers['content-type'] ?? '').split(';');
  return { url, status: statusCode, contentType: contentType.trim().toLowerCase(), location: headers.location ?? '', body };
}

/** An answer in a few words: `200 text/html "<!doctype html>..."`. */
export function describeAnswer({ status, contentType, location, body }: Answer): string {
  if (status >= 300 && status < 400) return `${status} to "${location.slice(0, 100)}"`;
  const text = body
    .subarray(0, 400)
    .toString('latin1')
    .replaceAll(/[^\x20-\x7e]+/g, ' ')
    .trim();
  return `${status} ${contentType || 'without content-type'} "${text.length > 60 ? `${text.slice(0, 57)}...` : text}"`;
}
