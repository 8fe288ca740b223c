import { MESSAGE } from '../caller.ts';
import type { Row } from '../types.ts';
import { GRPC_HEADERS, type Upstream, whole } from '../upstream.ts';

const CODES: Readonly<Record<number, string>> = {
  0: 'NO_ERROR',
  1: 'PROTOCOL_ERROR',
  2: 'INTERNAL_ERROR',
  3: 'FLOW_CONTROL_ERROR',
  5: 'STREAM_CLOSED',
  7: 'REFUSED_STREAM',
  8: 'CANCEL',
  11: 'ENHANCE_YOUR_CALM',
};

const before = (code: number): Row => ({
  name: `reset-${code}-before`,
  situation: `RST_STREAM ${code} (${CODES[code]}) before the response`,
  upstream: async (upstream) => (await whole(upstream)).reset(code),
});

const after = (code: number): Row => ({
  name: `reset-${code}-after`,
  situation: `RST_STREAM ${code} (${CODES[code]}) after headers and a message`,
  upstream: async (upstream) => {
    const stream = await begun(upstream);
    stream.reset(code);
  },
});

async function begun(upstream: Upstream) {
  const stream = await whole(upstream);
  stream.headers(GRPC_HEADERS);
  stream.data(MESSAGE);
  return stream;
}

/** The upstream breaks off. */
export const RESETS: readonly Row[] = [
  {
    name: 'closed-before-headers',
    situation: 'the upstream closes before its headers',
    upstream: async (upstream) => {
      await whole(upstream);
      (await upstream.wire(0)).end();
    },
  },
  {
    name: 'cut-before-headers',
    situation: 'the upstream resets the connection (TCP) before its headers',
    upstream: async (upstream) => {
      await whole(upstream);
      (await upstream.wire(0)).cut();
    },
  },
  ...[0, 1, 2, 3, 5, 7, 8, 11].map(before),
  {
    name: 'no-status',
    situation: 'response headers without :status',
    upstream: async (upstream) => {
      const stream = await whole(upstream);
      stream.headers([['content-type', 'application/grpc']]);
      upstream.note(await stream.ending());
    },
  },
  {
    name: 'upper-case',
    situation: 'a response field with an upper-case name',
    upstream: async (upstream) => {
      const stream = await whole(upstream);
      stream.headers([...GRPC_HEADERS, ['X-Upper', '1']]);
      upstream.note(await stream.ending());
    },
  },
  ...[0, 1, 2, 7, 8, 11].map(after),
  {
    name: 'closed-after-headers',
    situation: 'the upstream closes after headers and a message',
    upstream: async (upstream) => {
      await begun(upstream);
      (await upstream.wire(0)).end();
    },
  },
  {
    name: 'cut-after-headers',
    situation: 'the upstream resets the connection (TCP) after headers and a message',
    upstream: async (upstream) => {
      await begun(upstream);
      await upstream.marks.reached('message');
      (await upstream.wire(0)).cut();
    },
    caller: async (caller) => {
      const stream = caller.open({}, true);
      await stream.until(({ octets }) => octets === 5);
      caller.marks.set('message');
      await stream.over();
    },
  },
  {
    name: 'bad-trailers',
    situation: 'trailers with an upper-case name',
    upstream: async (upstream) => {
      const stream = await begun(upstream);
      stream.headers([['Grpc-Status', '0']], true);
    },
  },
];
