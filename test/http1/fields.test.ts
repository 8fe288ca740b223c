// How heads and trailers of HTTP/1.1 become those of HTTP/2 and back, and what is refused on the way.
import t from 'tap';
import { readTrailers } from '../../src/http1/raw-fields.ts';
import { parserProblem, readRequestHead } from '../../src/http1/request-head.ts';
import { outgoingHead } from '../../src/http1/request-out.ts';
import { rawResponse, readResponseHead } from '../../src/http1/response-head.ts';
import { headerBlock } from '../../src/http2/index.ts';
import type { HeaderBlock } from '../../src/http2/types.ts';

const text = (block: HeaderBlock): string[] => block.map(({ name, value }) => `${name}=${value}`);

function read(fields: Readonly<Record<string, string | readonly string[]>>, target = '/', method = 'GET', version = '1.1') {
  const rawHeaders = Object.entries(fields).flatMap(([name, values]) => [values].flat().flatMap((value) => [name, value]));
  return readRequestHead({ method, target, version, rawHeaders }, 'http', 100);
}

function head(...args: Parameters<typeof read>) {
  const verdict = read(...args);
  if (verdict.kind === 'problem') throw new Error(verdict.problem.details);
  return verdict.head;
}

function problem(...args: Parameters<typeof read>): string {
  const verdict = read(...args);
  return verdict.kind === 'problem' ? `${verdict.problem.status} ${verdict.problem.details}` : 'taken';
}

t.test('host becomes :authority, names are lowered, fields between neighbours are gone', (t) => {
  const fields = {
    Host: 'a:1',
    'X-Up': 'Q',
    Connection: ['x-mine, keep-alive', 'TE'],
    'X-Mine': '1',
    'Keep-Alive': 'timeout=5',
    'Proxy-Connection': 'keep-alive',
    TE: 'gzip;q=0.5, trailers',
    Upgrade: 'h2c',
    'HTTP2-Settings': 'AAMAAABk',
  };
  const { headers, endStream, closes } = head(fields);
  t.same(text(headers), [':method=GET', ':scheme=http', ':path=/', ':authority=a:1', 'x-up=Q', 'te=trailers']);
  t.same([endStream, closes], [true, false]);
  t.equal(head({ host: 'a', connection: 'Close' }).closes, true);
  t.same(text(head({ host: 'a', te: 'gzip' }).headers).slice(4), []);
  t.end();
});

t.test('targets: a path, an absolute URI whose authority counts, and *', (t) => {
  t.same(text(head({ host: 'a' }, 'http://b:2/x?y').headers).slice(2), [':path=/x?y', ':authority=b:2']);
  t.same(text(head({ host: 'a' }, 'HTTPS://b').headers).slice(2), [':path=/', ':authority=b']);
  t.same(text(head({ host: 'a' }, 'http://b?x=1').headers).slice(2), [':path=/?x=1', ':authority=b']);
  t.same(text(head({ host: 'a' }, '*', 'OPTIONS').headers).slice(2), [':path=*', ':authority=a']);
  t.same(text(head({ host: 'a' }, 'b:443', 'CONNECT').headers), [':method=CONNECT', ':authority=b:443']);
  t.equal(problem({ host: 'a' }, 'http://u@b/'), '400 http1.codec_error');
  t.equal(problem({ host: 'a' }, '*'), '400 http1.codec_error');
  t.equal(problem({ host: 'a' }, 'foo'), '400 http1.codec_error');
  t.end();
});

t.test('a body is announced by one field only', (t) => {
  t.equal(head({ host: 'a', 'content-length': '3' }, '/', 'POST').endStream, false);
  t.equal(head({ host: 'a', 'content-length': '0' }, '/', 'POST').endStream, true);
  const chunked = head({ host: 'a', 'transfer-encoding': 'Chunked' }, '/', 'POST');
  t.equal(chunked.endStream, false);
  t.same(text(chunked.headers).slice(4), []);
  // the parser refuses both together; were it to let them through, the length would not be passed on
  t.same(text(head({ host: 'a', 'content-length': '3', 'transfer-encoding': 'chunked' }, '/', 'POST').headers).slice(4), []);
  t.same(text(head({ host: 'a', connection: 'content-length', 'content-length': '3' }, '/', 'POST').headers).slice(4), []);
  for (const coding of ['gzip, chunked', 'identity', 'chunked, chunked', '\tchunked x']) {
    t.equal(problem({ host: 'a', 'transfer-encoding': coding }, '/', 'POST'), '501 http1.invalid_transfer_encoding', coding);
  }
  t.equal(problem({ host: 'a', 'transfer-encoding': ['chunked', 'chunked'] }, '/', 'POST'), '501 http1.invalid_transfer_encoding');
  t.end();
});

t.test('what is refused', (t) => {
  t.equal(problem({ host: 'a' }, '/', 'GET', '1.0'), '426 low_version');
  t.equal(problem({}), '400 missing_host_header');
  t.equal(problem({ host: ['a', 'b'] }), '400 http1.codec_error');
  t.equal(problem({ host: 'a b' }), '400 http1.codec_error');
  t.equal(problem({ host: 'a', connection: 'x-forwarded-for' }), '400 http1.connection_header_rejected');
  t.equal(problem({ host: 'a', connection: 'host' }), '400 http1.connection_header_rejected');
  t.equal(problem({ host: 'a', connection: Array.from({ length: 11 }, (_, i) => `x${i}`) }), '400 http1.connection_header_rejected');
  t.equal(problem({ host: 'a', connection: 'upgrade', upgrade: 'websocket' }), '403 upgrade_failed');
  t.equal(problem({ host: 'a', upgrade: 'websocket' }), 'taken', 'without connection: upgrade it asks for nothing');
  t.equal(problem(Object.fromEntries(Array.from({ length: 101 }, (_, i) => [`x${i}`, '1']))), '431 http1.too_many_headers');
  t.equal(parserProblem('HPE_HEADER_OVERFLOW', '').status, 431);
  t.equal(parserProblem('HPE_INVALID_VERSION', 'Invalid HTTP version').status, 426);
  t.equal(parserProblem('HPE_INVALID_VERSION', 'Expected CRLF after version').status, 400);
  t.end();
});

t.test('100-continue is answered here', (t) => {
  const { headers, expectsContinue } = head({ host: 'a', expect: '100-Continue', 'content-length': '1' }, '/', 'POST');
  t.equal(expectsContinue, true);
  t.same(text(headers).slice(4), ['content-length=1']);
  t.same(text(head({ host: 'a', expect: 'other' }).headers).slice(4), ['expect=other']);
  t.end();
});

const REQUEST = [
  [':method', 'POST'],
  [':scheme', 'http'],
  [':path', '/p'],
  [':authority', 'a'],
] as const;

t.test('towards an upstream: :authority is host, cookies are one field, framing is made anew', (t) => {
  const crumbs = headerBlock([...REQUEST, ['cookie', 'a=1'], ['x', '1'], ['cookie', 'b=2'], ['x', '2'], ['host', 'other']]);
  const out = outgoingHead(crumbs, false);
  t.same([out?.method, out?.path], ['POST', '/p']);
  t.same(Object.fromEntries(out?.fields ?? []), { host: 'a', cookie: 'a=1; b=2', x: ['1', '2'], 'transfer-encoding': 'chunked' });
  const sized = outgoingHead(headerBlock([...REQUEST, ['content-length', '3'], ['content-length', '3']]), false);
  t.same(Object.fromEntries(sized?.fields ?? []), { host: 'a', 'content-length': '3' });
  t.same(Object.fromEntries(outgoingHead(headerBlock(REQUEST), true)?.fields ?? []), { host: 'a', 'content-length': '0' });
  const get = headerBlock([[':method', 'GET'], ...REQUEST.slice(1)]);
  t.same(Object.fromEntries(outgoingHead(get, true)?.fields ?? []), { host: 'a' });
  t.same(
    Object.fromEntries(outgoingHead(get, false)?.fields ?? []),
    { host: 'a', 'transfer-encoding': 'chunked' },
    'node:http would add nothing',
  );
  const expecting = headerBlock([...REQUEST, ['expect', '100-continue']]);
  t.notOk(outgoingHead(expecting, false)?.fields.has('expect'));
  for (const method of ['CONNECT', 'get']) t.equal(outgoingHead(headerBlock([[':method', method], ...REQUEST.slice(1)]), true), undefined);
  t.equal(outgoingHead(headerBlock([REQUEST[0], [':authority', 'a']]), true), undefined);
  t.end();
});

t.test('answers: a length where nothing follows, one length, none where none may be', (t) => {
  const raw = (fields: readonly (readonly [string, string])[], framing = {}): string[] =>
    rawResponse(headerBlock(fields), { endStream: true, isHead: false, closes: false, ...framing });
  t.same(raw([[':status', '200']]), ['content-length', '0']);
  t.same(raw([[':status', '200']], { endStream: false }), []);
  t.same(raw([[':status', '200']], { isHead: true }), []);
  t.same(
    raw([
      [':status', '204'],
      ['content-length', '3'],
    ]),
    [],
  );
  t.same(
    raw([
      [':status', '304'],
      ['content-length', '3'],
    ]),
    ['content-length', '3'],
  );
  t.same(
    raw(
      [
        [':status', '200'],
        ['content-length', '3'],
        ['content-length', '3'],
      ],
      { endStream: false },
    ),
    ['content-length', '3'],
  );
  t.same(raw([[':status', '503']], { closes: true }), ['content-length', '0', 'connection', 'close']);
  t.end();
});

t.test("an upstream's head", (t) => {
  const raw = ['Content-Length', '3', 'Connection', 'x-hop, close', 'X-Hop', '1', 'Set-Cookie', 'a=1', 'set-cookie', 'b=2'];
  const head = readResponseHead(200, raw, 100);
  t.same(text(head?.headers ?? []), [':status=200', 'content-length=3', 'set-cookie=a=1', 'set-cookie=b=2']);
  t.equal(head?.closes, true);
  t.equal(readResponseHead(200, ['transfer-encoding', 'gzip, chunked'], 100), undefined);
  t.equal(readResponseHead(200, raw, 4), undefined);
  t.equal(readResponseHead(99, [], 100), undefined);
  t.same(text(readResponseHead(200, ['transfer-encoding', 'chunked', 'content-length', '3'], 100)?.headers ?? []), [':status=200']);
  t.end();
});

t.test('trailers say nothing of framing or routing', (t) => {
  t.same(text(readTrailers(['Grpc-Status', '0', 'Content-Length', '3', 'Host', 'b', 'Transfer-Encoding', 'chunked'])), ['grpc-status=0']);
  t.end();
});
