import { MESSAGE } from '../caller.ts';
import type { Row } from '../types.ts';
import { answer, GRPC_HEADERS, whole } from '../upstream.ts';

/** Who ends when, and what that does to the other side. */
export const FLOW: readonly Row[] = [
  {
    name: 'half-close',
    situation: 'messages both ways, the caller ends first, answers go on',
    caller: async (caller) => {
      const stream = caller.open();
      await stream.until(({ fields }) => fields.length > 0);
      stream.data(MESSAGE);
      await stream.until(({ octets }) => octets === 5);
      stream.data(MESSAGE, true);
      await stream.over();
    },
    upstream: async (upstream) => {
      const stream = await upstream.request();
      stream.headers(GRPC_HEADERS);
      await stream.until(({ octets }) => octets === 5);
      stream.data(MESSAGE);
      await stream.over();
      upstream.note(`request of ${stream.octets} ended`);
      stream.data(MESSAGE);
      stream.headers([['grpc-status', '0']], true);
    },
  },
  {
    name: 'request-trailers',
    situation: 'a request with trailers',
    caller: async (caller) => {
      const stream = caller.open();
      stream.data(MESSAGE);
      stream.headers([['x-last', 'word']], true);
      await stream.over();
    },
    upstream: async (upstream) => {
      const stream = await whole(upstream);
      for (const event of stream.events) if (event.kind === 'trailers') upstream.note(`trailers ${event.fields.join(' ')}`);
      answer(stream);
    },
  },
  {
    name: 'answered-early',
    situation: 'the whole response before the request has ended',
    setup: { action: 'timeout: 0s' },
    caller: async (caller) => {
      const stream = caller.open();
      stream.data(MESSAGE);
      await stream.ending();
    },
    upstream: async (upstream) => {
      const stream = await upstream.request();
      await stream.until(({ octets }) => octets === 5);
      answer(stream);
      upstream.note(await stream.ending());
    },
  },
  {
    name: 'refused-early',
    situation: 'a local reply before the request has ended',
    setup: { route: 'direct_response: { status: 503 }' },
    caller: async (caller) => void (await caller.open().ending()),
    upstream: null,
  },
  {
    name: 'headers-early',
    situation: 'response headers before the request has ended',
    caller: async (caller) => {
      const stream = caller.open();
      await stream.until(({ fields }) => fields.length > 0);
      stream.data(MESSAGE, true);
      await stream.over();
    },
    upstream: async (upstream) => {
      const stream = await upstream.request();
      stream.headers(GRPC_HEADERS);
      await stream.over();
      stream.headers([['grpc-status', '0']], true);
    },
  },
  {
    name: 'continue',
    situation: 'the upstream sends 100 before its answer',
    upstream: async (upstream) => {
      const stream = await whole(upstream);
      stream.headers([[':status', '100']]);
      answer(stream);
    },
  },
  {
    name: 'early-hints',
    situation: 'the upstream sends 103 before its answer',
    upstream: async (upstream) => {
      const stream = await whole(upstream);
      stream.headers([
        [':status', '103'],
        ['link', '</a>'],
      ]);
      answer(stream);
    },
  },
  {
    name: 'switching',
    situation: 'the upstream sends 101',
    upstream: async (upstream) => {
      const stream = await whole(upstream);
      stream.headers([[':status', '101']]);
      upstream.note(await stream.ending());
    },
  },
  {
    name: 'expect',
    situation: 'the caller expects 100-continue',
    caller: async (caller) => {
      const stream = caller.open({ expect: '100-continue' });
      await stream.until(({ fields }) => fields.length > 0);
      stream.data(MESSAGE, true);
      await stream.over();
    },
    upstream: async (upstream) => {
      const stream = await whole(upstream);
      upstream.note(`expect: ${stream.field('expect') ?? 'none'}`);
      answer(stream);
    },
  },
  {
    name: 'cancelled',
    situation: 'the caller cancels before the response',
    caller: async (caller) => {
      const stream = caller.open({}, true);
      await caller.marks.reached('request');
      stream.reset(8);
      await caller.marks.reached('reset');
    },
    upstream: async (upstream) => {
      const stream = await whole(upstream);
      upstream.marks.set('request');
      upstream.note(await stream.ending());
      upstream.marks.set('reset');
    },
  },
  {
    name: 'cancelled-after',
    situation: 'the caller cancels after headers and a message',
    caller: async (caller) => {
      const stream = caller.open({}, true);
      await stream.until(({ octets }) => octets === 5);
      stream.reset(8);
      await caller.marks.reached('reset');
    },
    upstream: async (upstream) => {
      const stream = await whole(upstream);
      stream.headers(GRPC_HEADERS);
      stream.data(MESSAGE);
      upstream.note(await stream.ending());
      upstream.marks.set('reset');
    },
  },
  {
    name: 'caller-gone',
    situation: 'the caller closes its connection',
    caller: async (caller) => {
      caller.open({}, true);
      await caller.marks.reached('request');
      caller.wire.end();
      await caller.marks.reached('reset');
    },
    upstream: async (upstream) => {
      const stream = await whole(upstream);
      upstream.marks.set('request');
      upstream.note(await stream.ending());
      upstream.marks.set('reset');
    },
  },
  {
    name: 'goaway',
    situation: 'GOAWAY NO_ERROR: what runs ends, the next call has a new connection',
    caller: async (caller) => {
      const first = caller.open({}, true);
      await first.until(({ fields }) => fields.length > 0);
      await caller.call();
      caller.marks.set('second');
      await first.over();
    },
    upstream: async (upstream) => {
      const first = await whole(upstream);
      (await upstream.wire(0)).goAway(1, 0);
      first.headers(GRPC_HEADERS);
      answer(await whole(upstream, 1));
      await upstream.marks.reached('second');
      first.headers([['grpc-status', '0']], true);
      upstream.note(`${upstream.connections} connections`);
    },
  },
  {
    name: 'goaway-0',
    situation: 'GOAWAY with last stream 0, then the upstream closes',
    upstream: async (upstream) => {
      await whole(upstream);
      const wire = await upstream.wire(0);
      wire.goAway(0, 0);
      wire.end();
    },
  },
  {
    name: 'goaway-0-open',
    situation: 'GOAWAY with last stream 0, the connection stays, then an answer',
    upstream: async (upstream) => {
      const stream = await whole(upstream);
      const wire = await upstream.wire(0);
      wire.goAway(0, 0);
      answer(stream);
    },
  },
  {
    name: 'goaway-error',
    situation: 'GOAWAY with an error, the running call has its answer',
    upstream: async (upstream) => {
      const stream = await whole(upstream);
      (await upstream.wire(0)).goAway(1, 2);
      answer(stream);
    },
  },
  {
    name: 'broken-beside',
    situation: 'the caller breaks the protocol on one stream while another waits',
    caller: async (caller) => {
      const first = caller.open({}, true);
      await caller.marks.reached('request');
      caller.open({ connection: 'close' }, true);
      await first.over();
      await caller.marks.reached('reset');
    },
    upstream: async (upstream) => {
      const stream = await whole(upstream);
      upstream.marks.set('request');
      upstream.note(await stream.ending());
      upstream.marks.set('reset');
    },
  },
  {
    name: 'broken-upstream-beside',
    situation: 'the upstream breaks the protocol on one stream while another waits',
    caller: async (caller) => {
      const first = caller.open({}, true);
      await caller.marks.reached('request');
      const second = caller.open({}, true);
      await first.over();
      await second.over();
    },
    upstream: async (upstream) => {
      await whole(upstream);
      upstream.marks.set('request');
      const second = await whole(upstream, 0, 3);
      second.headers([['content-type', 'application/grpc']]);
      upstream.note(await second.ending());
    },
  },
  {
    name: 'drain',
    situation: 'the proxy is told to go while a call runs: GOAWAY twice, the call ends as it should',
    isLast: true,
    setup: { manager: 'drain_timeout: 0.1s' },
    caller: async (caller) => {
      const stream = caller.open({}, true);
      await caller.marks.reached('request');
      await caller.drain();
      caller.marks.set('drained');
      await stream.over();
      await caller.wire.ended();
    },
    upstream: async (upstream) => {
      const stream = await whole(upstream);
      upstream.marks.set('request');
      await upstream.marks.reached('drained');
      answer(stream);
    },
  },
];
