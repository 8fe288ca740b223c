// How the kubernetes source follows its API server: pages, watches, and all the ways in which they end.
import type { IncomingMessage, ServerResponse } from 'node:http';
import t, { type Test } from 'tap';
import { seededRandom } from '../../../src/core/index.ts';
import type { MembersReport } from '../../../src/membership/types.ts';
import { type KubernetesApi, line, refuse, startKubernetesApi, statusOf } from '../../support/kubernetes-api.ts';
import { type Following, followKubernetes } from '../../support/kubernetes-follow.ts';
import { kubernetesOptions } from '../../support/kubernetes-options.ts';
import { pod, slice } from '../../support/kubernetes-slices.ts';

const LIST = '/apis/discovery.k8s.io/v1/namespaces/tempo/endpointslices';

interface Scene {
  readonly api: KubernetesApi;
  readonly following: Following;
  /** Puts one slice for each pod. */
  readonly put: (...names: string[]) => void;
}

/** A server with these pods. */
async function scene(t: Test, ...names: string[]): Promise<Scene> {
  const api = await startKubernetesApi(t);
  const put = (...given: string[]): void =>
    api.batch(() => {
      for (const [i, name] of given.entries()) api.put(slice(`of-${name}`, [pod(name, `10.0.0.${i + 1}`)]));
    });
  put(...names);
  return { api, put, following: followKubernetes(t, kubernetesOptions(api.url)) };
}

const idsOf = ({ members }: MembersReport): string => members.map(({ id }) => id).join(' ');
const verbsOf = ({ requests }: KubernetesApi): string => requests.map(({ verb }) => verb).join(' ');

/** The first `count` requests go on as they are, the one after that is answered so, and those after it go on again. */
function onceAfter(api: KubernetesApi, count: number, answer: (request: IncomingMessage, response: ServerResponse) => void): void {
  let seen = 0;
  const fault: KubernetesApi['fault'] = (request, response) => {
    api.fault = null;
    seen += 1;
    if (seen > count) answer(request, response);
    else {
      api.requests.pop();
      api.answer(request, response);
      api.fault = fault;
    }
  };
  api.fault = fault;
}

t.test('a list, then a watch from its resourceVersion', async (t) => {
  const { api, following, put } = await scene(t, 'a-0');
  t.equal(idsOf(await following.members()), 'a-0');
  await following.watching(api);
  const labelSelector = 'kubernetes.io/service-name=live-store';
  t.strictSame(api.requests, [
    { verb: 'list', path: LIST, query: { labelSelector, limit: '100' }, authorization: undefined },
    {
      verb: 'watch',
      path: LIST,
      query: { labelSelector, watch: 'true', allowWatchBookmarks: 'true', resourceVersion: '1001', timeoutSeconds: '300' },
      authorization: undefined,
    },
  ]);
  put('a-1');
  t.equal(idsOf(await following.members()), 'a-0 a-1');
  api.put(slice('of-a-1', [pod('a-2', '10.0.0.3')]));
  t.equal(idsOf(await following.members()), 'a-0 a-2');
  api.delete('of-a-0');
  t.equal(idsOf(await following.members()), 'a-2');
  api.put(slice('of-a-1', [], { service: 'another' }));
  t.match(await following.members(), { members: [], warning: /there are none/ }, 'a slice that is given to another Service');
  t.equal(verbsOf(api), 'list watch');
});

t.test('a list in pages', async (t) => {
  const api = await startKubernetesApi(t);
  api.maxPage = 2;
  for (let i = 0; i < 5; i += 1) api.put(slice(`s-${i}`, [pod(`a-${i}`, `10.0.0.${i}`)]));
  onceAfter(api, 1, (request, response) => {
    api.put(slice('s-9', [pod('a-9', '10.0.0.9')]));
    api.answer(request, response);
  });
  const following = followKubernetes(t, kubernetesOptions(api.url));
  t.equal(idsOf(await following.members()), 'a-0 a-1 a-2 a-3 a-4', 'of one moment');
  t.equal(idsOf(await following.members()), 'a-0 a-1 a-2 a-3 a-4 a-9', 'and the watch begins there');
  t.equal(verbsOf(api), 'list list list list watch');
  t.equal(api.requests.at(-1)?.query['resourceVersion'], '1005');
});

t.test('a list that expires between its pages is begun again, not for ever', async (t) => {
  const api = await startKubernetesApi(t);
  api.maxPage = 2;
  for (let i = 0; i < 3; i += 1) api.put(slice(`s-${i}`, [pod(`a-${i}`, `10.0.0.${i}`)]));
  onceAfter(api, 1, (request, response) => {
    api.put(slice('s-9', [pod('a-9', '10.0.0.9')]));
    api.compact();
    api.answer(request, response);
  });
  const following = followKubernetes(t, kubernetesOptions(api.url));
  t.equal(idsOf(await following.members()), 'a-0 a-1 a-2 a-9');
  await following.watching(api);
  t.equal(verbsOf(api), 'list list list list list watch');

  const other = await startKubernetesApi(t);
  other.fault = (_, response) => refuse(response, 410, 'Expired', 'The provided continue parameter is too old');
  t.equal(
    await followKubernetes(t, kubernetesOptions(other.url)).failure(),
    `${other.url}: list endpointslices of tempo/live-store: answered 410 "The provided continue parameter is too old"`,
  );
  t.equal(verbsOf(other), 'list list list list');
});

t.test('a list without an end is refused', async (t) => {
  const api = await startKubernetesApi(t);
  const page = (token: () => string) => (_: IncomingMessage, response: ServerResponse) =>
    response
      .writeHead(200, { 'content-type': 'application/json' })
      .end(JSON.stringify({ kind: 'EndpointSliceList', metadata: { resourceVersion: '5', continue: token() }, items: [] }));
  api.fault = page(() => 'same');
  const where = `${api.url}: list endpointslices of tempo/live-store`;
  const same = followKubernetes(t, kubernetesOptions(api.url));
  t.equal(await same.failure(), `${where}: has no last page, not even after 2`);
  await same.stop();
  let count = 0;
  api.fault = page(() => {
    count += 1;
    return String(count);
  });
  t.equal(await followKubernetes(t, kubernetesOptions(api.url)).failure(), `${where}: has no last page, not even after 250`);
});

t.test('events in pieces of any size', async (t) => {
  const { api, following } = await scene(t, 'a-0');
  await following.members();
  await following.watching(api);
  for (let seed = 1; seed <= 20; seed += 1) {
    api.chunking = seededRandom(seed);
    const zone = 'zöne-☃'.repeat(seed);
    const endpoints = Array.from({ length: seed }, (_, i) => pod(`a-${i}`, `10.0.${seed}.${i}`, { zone }));
    api.put(slice('of-a-0', endpoints));
    const { members } = await following.members();
    t.strictSame(members.map((member) => member.address).toSorted(), endpoints.map(({ addresses }) => `${addresses[0]}:9096`).toSorted());
    t.ok(members.every((member) => member.zone === zone));
  }
});

t.test('a bookmark says that all is as it was, and is where the next watch begins', async (t) => {
  const { api, following } = await scene(t, 'a-0');
  const first = await following.members();
  await following.watching(api);
  await following.clock.advance(60_000);
  api.bookmark();
  const second = await following.members();
  t.strictSame(second.members, first.members);
  t.ok(second.asOfMs >= first.asOfMs + 60_000);
  const { revision } = api;
  api.compact();
  api.endWatches();
  await following.watching(api);
  t.equal(verbsOf(api), 'list watch watch', 'no list, although what was before the bookmark is gone');
  t.equal(api.requests.at(-1)?.query['resourceVersion'], String(revision));
});

t.test('a watch that ends in its time is taken up at once; one that ends early after a pause', async (t) => {
  const { api, following, put } = await scene(t, 'a-0');
  await following.members();
  await following.watching(api);
  await following.clock.advance(100_000);
  const beforeMs = following.clock.nowMs();
  api.endWatches();
  put('a-1');
  t.equal(idsOf(await following.members()), 'a-0 a-1', 'what happened between the two is not lost');
  t.ok(following.clock.nowMs() - beforeMs < 200, 'at once');
  t.equal(following.clock.pending, 1, 'the watchdog');
  api.endWatches();
  const { length } = api.requests;
  await following.until(() => following.clock.pending === 1);
  await following.clock.advance(249);
  t.equal(api.requests.length, length);
  await following.clock.advance(1);
  await following.watching(api);
  t.equal(verbsOf(api), 'list watch watch watch');
});

t.test('after half an hour of good watches all is listed again', async (t) => {
  const { api, following } = await scene(t, 'a-0');
  await following.members();
  for (let watch = 1; watch <= 6; watch += 1) {
    await following.watching(api);
    t.equal(api.requests.filter(({ verb }) => verb === 'list').length, 1);
    for (let minute = 1; minute <= 5; minute += 1) {
      await following.clock.advance(60_000);
      api.bookmark();
      await following.members();
    }
    api.endWatches();
  }
  await following.members();
  t.equal(api.requests.at(-1)?.verb, 'list');
});

t.test('a reset, also within an event: taken up where it was, nothing lost, nobody alarmed', async (t) => {
  const { api, following, put } = await scene(t, 'a-0');
  await following.members();
  for (const rest of [null, '{"type":"ADDED","obj', 'x']) {
    await following.watching(api);
    await following.clock.advance(20_000);
    api.drop(rest);
    const name = `b-${api.revision}`;
    put(name);
    t.match(idsOf(await following.members()), name);
  }
  t.equal(verbsOf(api), 'list watch watch watch watch');
});

t.test('what was compacted is listed again', async (t) => {
  const { api, following, put } = await scene(t, 'a-0', 'a-1');
  await following.members();
  await following.watching(api);
  await following.clock.advance(20_000);
  api.drop();
  api.delete('of-a-0');
  put('a-2');
  api.compact();
  t.equal(idsOf(await following.members()), 'a-1 a-2');
  t.equal(verbsOf(api), 'list watch watch list');
  await following.watching(api);
  await following.clock.advance(20_000);

  api.drop();
  onceAfter(api, 0, (_, response) => refuse(response, 410, 'Gone', 'too old'));
  put('a-3');
  t.equal(idsOf(await following.members()), 'a-1 a-2 a-3', 'the same as a status of HTTP');
  t.equal(verbsOf(api), 'list watch watch list watch watch list');
});

t.test('another error in a watch is told, and all is listed again', async (t) => {
  const { api, following, put } = await scene(t, 'a-0');
  const where = `${api.url}: watch endpointslices of tempo/live-store`;
  const cases: readonly (readonly [string, string])[] = [
    [
      JSON.stringify({ type: 'ERROR', object: statusOf(500, 'InternalError', 'etcdserver: no leader') }),
      'was ended with 500 "etcdserver: no leader"',
    ],
    [
      JSON.stringify({ type: 'ERROR', object: {} }),
      'sent what is not a Status: code: Invalid input: expected number, received undefined: "{"type":"ERROR","object":{}}"',
    ],
    ['<html>\tproxy', 'sent no JSON: "<html> proxy"'],
    [
      '{"type":"SYNC","object":{}}',
      'sent what is not a watch event: type: Invalid option: expected one of "ADDED"|"MODIFIED"|"DELETED"|"BOOKMARK"|"ERROR": "{"type":"SYNC","object":{}}"',
    ],
    [
      '{"type":"BOOKMARK","object":{"metadata":{}}}',
      'sent what is not an EndpointSlice: metadata.resourceVersion: Invalid input: expected string, received undefined: "{"type":"BOOKMARK","object":{"metadata":{}}}"',
    ],
    ['null', 'sent what is not a watch event: Invalid input: expected object, received null: "null"'],
    [
      '{"type":"DELETED","object":{"metadata":{"resourceVersion":"5000"}}}',
      'sent an EndpointSlice without a name: "{"type":"DELETED","object":{"metadata":{"resourceVersion":"5000"}}}"',
    ],
    [
      line('ADDED', { ...slice('x', []), metadata: { ...slice('x', []).metadata, resourceVersion: '9000', namespace: 'dev' } }).trim(),
      'sent EndpointSlice x, which is not of that Service: "',
    ],
    [
      line('ADDED', {
        ...slice('x', [], { service: 'y' }),
        metadata: { ...slice('x', [], { service: 'y' }).metadata, resourceVersion: '9000' },
      }).trim(),
      'sent EndpointSlice x, which is not of that Service: "',
    ],
  ];
  await following.members();
  for (const [text, message] of cases) {
    await following.watching(api);
    const { length } = api.requests;
    api.write(`${text}\n`);
    const found = await following.failure();
    t.ok(found.startsWith(`${where}: ${message}`), message, { found });
    t.notMatch(found, /[\n\t]/);
    put('a-0');
    t.equal(idsOf(await following.members()), 'a-0');
    t.equal(api.requests[length]?.verb, 'list');
  }
});

t.test('when a watch cannot be taken up, that is told and all is listed again', async (t) => {
  const { api, following } = await scene(t, 'a-0');
  await following.members();
  await following.watching(api);
  onceAfter(api, 0, (_, response) => refuse(response, 503, 'ServiceUnavailable', 'apiserver is shutting down'));
  api.endWatches();
  t.equal(
    await following.failure(),
    `${api.url}: watch endpointslices of tempo/live-store: answered 503 application/json "apiserver is shutting down" instead of EndpointSlices as JSON`,
  );
  t.equal(idsOf(await following.members()), 'a-0', 'the same members again');
  t.equal(verbsOf(api), 'list watch watch list');
});

t.test('a watch that is silent for too long is cut, and all is listed again', async (t) => {
  const { api, following } = await scene(t, 'a-0');
  const { clock } = following;
  const first = await following.members();
  await following.watching(api);
  await clock.advance(129_000);
  api.write('{"type":'); // a part of an event says nothing
  await clock.advance(400);
  t.equal(api.requests.length, 2);
  await clock.advance(600);
  const second = await following.members();
  t.strictSame(second.members, first.members);
  t.ok(second.asOfMs > first.asOfMs);
  t.equal(verbsOf(api), 'list watch list', 'nobody alarmed');
});

t.test('a watch that does not end in its time is cut as well', async (t) => {
  const { api, following } = await scene(t, 'a-0');
  const { clock } = following;
  await following.members();
  await following.watching(api);
  for (let minute = 1; minute <= 5; minute += 1) {
    await clock.advance(60_000);
    api.bookmark();
    await following.members();
  }
  await clock.advance(14_000);
  t.equal(verbsOf(api), 'list watch', 'the server has 300 s, and some more');
  await clock.advance(1000);
  await following.members();
  await following.watching(api);
  t.equal(verbsOf(api), 'list watch list watch');
});

t.test('watches that end at once, again and again, are a failure', async (t) => {
  const { api, following } = await scene(t, 'a-0');
  const ending: KubernetesApi['fault'] = (request, response) => {
    if (!request.url?.includes('watch=true')) return onceAfterList(request, response);
    response.writeHead(200, { 'content-type': 'application/json' }).end();
  };
  const onceAfterList = (request: IncomingMessage, response: ServerResponse): void => {
    api.fault = null;
    api.requests.pop();
    api.answer(request, response);
    api.fault = ending;
  };
  api.fault = ending;
  await following.members();
  t.equal(await following.failure(), `${api.url}: watch endpointslices of tempo/live-store: ended too soon`);
  t.equal(verbsOf(api), 'list watch watch watch');
  await following.members();
  api.fault = (_, response) => response.writeHead(200, { 'content-type': 'application/json' }).write(' ', () => response.destroy());
  t.match(await following.failure(), /: (broke off: aborted|ended too soon)$/);
});

t.test('a resourceVersion that goes backwards is not followed, and not believed until it stays so', async (t) => {
  const { api, following, put } = await scene(t, 'a-0', 'a-1');
  const { clock } = following;
  await following.members();
  await following.watching(api);
  const backup = api.revision;
  put('a-2', 'a-3');
  t.equal(idsOf(await following.members()), 'a-0 a-1 a-2 a-3');
  await clock.advance(20_000);

  api.restore(backup);
  await following.watching(api);
  t.equal(verbsOf(api), 'list watch watch', 'a watch from a version that is still to come hears nothing');
  const list = `${api.url}: list endpointslices of tempo/live-store`;
  const text = `${list}: resourceVersion went backwards, from 1004 to 1002; believed when it stays so for 30s`;
  t.equal(await following.failure(), text);
  const doubtedMs = clock.nowMs();
  for (let report = await following.next(); ; report = await following.next()) {
    if (report.kind === 'failed') t.equal(report.error.message, text);
    else {
      t.equal(idsOf(report), 'a-0 a-1');
      break;
    }
  }
  t.ok(clock.nowMs() - doubtedMs >= 30_000 && clock.nowMs() - doubtedMs < 45_000);
  await following.watching(api);
  put('a-4');
  t.equal(idsOf(await following.members()), 'a-0 a-1 a-4', 'from there it is followed');

  api.write(line('BOOKMARK', { metadata: { resourceVersion: '7' } }));
  t.match(await following.failure(), 'watch endpointslices of tempo/live-store: sent resourceVersion 7 after 1003, which is newer: "');
  t.equal(idsOf(await following.members()), 'a-0 a-1 a-4');
});

t.test('lists that fall back further and further, or are of two minds, are not believed', async (t) => {
  const { api, following, put } = await scene(t, 'a-0');
  await following.members();
  await following.watching(api);
  const list = (version: string) => (_: IncomingMessage, response: ServerResponse) =>
    response
      .writeHead(200, { 'content-type': 'application/json' })
      .end(JSON.stringify({ kind: 'EndpointSliceList', metadata: { resourceVersion: version }, items: [] }));
  const startMs = following.clock.nowMs();
  let version = 1000;
  api.fault = (request, response) => {
    version -= 1;
    list(String(version))(request, response);
  };
  api.drop();
  while (following.clock.nowMs() - startMs < 120_000)
    t.match(await following.failure(), /: (resourceVersion went backwards, from 1001 to 9\d\d; |ended within an event$)/);
  api.fault = null;
  put('a-1');
  for (let report = await following.next(); ; report = await following.next()) if (report.kind === 'members') break;
  t.equal(version < 985, true);
});

t.test('versions that are no numbers are taken as they are', async (t) => {
  const { api, following } = await scene(t);
  const versions = ['zz', 'aa'];
  api.fault = (request, response) => {
    const resourceVersion = versions.shift() ?? 'mm';
    if (request.url?.includes('watch=true')) response.destroy();
    else
      response.writeHead(200, { 'content-type': 'application/json' }).end(
        JSON.stringify({
          kind: 'EndpointSliceList',
          metadata: { resourceVersion },
          items: [{ ...slice('s', [pod(`a-${versions.length}`, '10.0.0.1')]), metadata: { ...slice('s', []).metadata, resourceVersion } }],
        }),
      );
  };
  t.equal(idsOf(await following.members()), 'a-1');
  await following.failure();
  t.equal(idsOf(await following.members()), 'a-0');
});

t.test('reload lists again at once', async (t) => {
  const { api, following } = await scene(t, 'a-0');
  await following.members();
  await following.watching(api);
  await following.clock.advance(1000);
  following.source.reload?.();
  t.equal(idsOf(await following.members()), 'a-0');
  await following.watching(api);
  t.equal(verbsOf(api), 'list watch list watch');
  api.fault = (_, response) => refuse(response, 500, 'InternalError', 'x');
  api.drop();
  await following.failure();
  api.fault = null;
  const beforeMs = following.clock.nowMs();
  following.source.reload?.();
  await following.members();
  t.ok(following.clock.nowMs() - beforeMs < 300, 'a pause ends, too', { ms: following.clock.nowMs() - beforeMs });
});
