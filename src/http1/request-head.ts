import { field, requestFault } from '../http2/index.ts';
import type { Field, HeaderBlock } from '../http2/types.ts';
import { type RawFields, type ReadFields, readFields } from './raw-fields.ts';
import type { Http1Problem } from './types.ts';

/** A request's head as node:http gives it. */
export interface RawRequest {
  readonly method: string;
  readonly target: string;
  /** `1.1` */
  readonly version: string;
  readonly rawHeaders: RawFields;
}

/** A head in HTTP/2's form. */
export interface RequestHead {
  readonly headers: HeaderBlock;
  /** No body follows. */
  readonly endStream: boolean;
  /** The caller wants the connection closed behind the answer. */
  readonly closes: boolean;
  /** `expect: 100-continue` was there; it is answered here and not passed on. */
  readonly expectsContinue: boolean;
}

export type RequestVerdict =
  | { readonly kind: 'head'; readonly head: RequestHead }
  | { readonly kind: 'problem'; readonly problem: Http1Problem };

/** RFC 9112 §3 and §6, with what Envoy refuses beyond it; field rules are those of HTTP/2. */
export function readRequestHead(raw: RawRequest, scheme: 'http' | 'https', maxFields: number): RequestVerdict {
  if (raw.version !== '1.1') return refused(UPGRADE_REQUIRED, []);
  if (raw.rawHeaders.length / 2 > maxFields) return refused(TOO_MANY_FIELDS, []);
  const read = readFields(raw.rawHeaders);
  const target = raw.method === 'CONNECT' ? { authority: raw.target, path: null } : targetOf(raw.target);
  const headers = block(raw.method, scheme, target.authority ?? read.hosts[0], target.path, read);
  if (!isChunkedOrPlain(read)) return refused(NO_SUCH_CODING, headers);
  if (read.connection.isRejected) return refused(CONNECTION_REJECTED, headers);
  if (read.hosts.length > 1) return refused(badRequest('http1.codec_error'), headers);
  // RFC 9112 §3.2: the field is there even where the target says it all
  if (read.hosts.length === 0) return refused(NO_HOST, headers);
  if (requestFault(headers) !== undefined) return refused(badRequest('http1.codec_error'), headers);
  if (asksForUpgrade(read)) return refused(NO_UPGRADE, headers);
  return { kind: 'head', head: headOf(headers, read) };
}

function headOf(headers: HeaderBlock, read: ReadFields): RequestHead {
  const expectsContinue = headers.some(isContinue);
  return {
    headers: expectsContinue ? headers.filter((one) => !isContinue(one)) : headers,
    endStream: read.codings.length === 0 && read.contentLength === 0,
    closes: read.connection.closes,
    expectsContinue,
  };
}

/** RFC 9112 §3.2: a path, `*`, or an absolute URI, whose authority is the one that counts. */
function targetOf(target: string): { readonly authority: string | undefined; readonly path: string } {
  const absolute = /^https?:\/\/([^/?#]*)(.*)$/is.exec(target);
  if (!absolute) return { authority: undefined, path: target };
  const rest = absolute[2] ?? '';
  return { authority: absolute[1], path: rest.startsWith('/') ? rest : `/${rest}` };
}

function block(method: string, scheme: string, authority: string | undefined, path: string | null, { fields }: ReadFields): HeaderBlock {
  const pseudo: Field[] = [field(':method', method)];
  if (path !== null) pseudo.push(scheme === 'https' ? HTTPS : HTTP, field(':path', path));
  if (authority !== undefined) pseudo.push(field(':authority', authority));
  return [...pseudo, ...fields];
}

const HTTP = field(':scheme', 'http');
const HTTPS = field(':scheme', 'https');

function isContinue({ name, value }: Field): boolean {
  return name === 'expect' && value.toLowerCase() === '100-continue';
}

/** Another coding would have to be undone here to be left out, or told of to be passed on. */
function isChunkedOrPlain({ codings }: ReadFields): boolean {
  return codings.length === 0 || (codings.length === 1 && codings[0]?.toLowerCase() === 'chunked');
}

/** h2c by upgrade is not taken up, which RFC 9110 §7.8 allows: the request is served as it is. */
function asksForUpgrade({ upgrade, connection }: ReadFields): boolean {
  return connection.upgrades && upgrade !== '' && upgrade !== 'h2c';
}

type Refusal = Omit<Http1Problem, 'headers'>;

const UPGRADE_REQUIRED: Refusal = { kind: 'protocol', status: 426, text: 'Upgrade Required', details: 'low_version' };
const TOO_MANY_FIELDS: Refusal = {
  kind: 'protocol',
  status: 431,
  text: 'Request Header Fields Too Large',
  details: 'http1.too_many_headers',
};
const TOO_LARGE: Refusal = { ...TOO_MANY_FIELDS, details: 'http1.headers_too_large' };
const NO_SUCH_CODING: Refusal = { kind: 'protocol', status: 501, text: 'Not Implemented', details: 'http1.invalid_transfer_encoding' };
const CONNECTION_REJECTED: Refusal = badRequest('http1.connection_header_rejected');
const NO_HOST: Refusal = { kind: 'no host', status: 400, text: '', details: 'missing_host_header' };
const NO_UPGRADE: Refusal = { kind: 'upgrade', status: 403, text: '', details: 'upgrade_failed' };
const TIMED_OUT: Refusal = { kind: 'timeout', status: 408, text: 'stream timeout', details: 'stream_idle_timeout' };

/** The head of a request did not come in time. */
export const HEAD_TIMEOUT: Http1Problem = { ...TIMED_OUT, headers: [] };

/** What node:http's parser refused, by its error code and words. */
export function parserProblem(code: string, reason: string): Http1Problem {
  return { ...parserRefusal(code, reason), headers: [] };
}

function parserRefusal(code: string, reason: string): Refusal {
  if (code === 'HPE_HEADER_OVERFLOW') return TOO_LARGE;
  if (code === 'HPE_INVALID_VERSION' && reason === 'Invalid HTTP version') return UPGRADE_REQUIRED;
  if (code !== 'HPE_INVALID_TRANSFER_ENCODING') return badRequest('http1.codec_error');
  return reason.includes('Content-Length') ? badRequest('http1.content_length_and_chunked_not_allowed') : NO_SUCH_CODING;
}

function badRequest(details: string): Refusal {
  return { kind: 'protocol', status: 400, text: 'Bad Request', details };
}

function refused(refusal: Refusal, headers: HeaderBlock): RequestVerdict {
  return { kind: 'problem', problem: { ...refusal, headers } };
}
