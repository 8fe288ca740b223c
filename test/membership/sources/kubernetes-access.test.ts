// How the kubernetes source finds and logs in at its API server, and what it makes of one that answers something else.
import { readFileSync, writeFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import t, { type Test } from 'tap';
import type { KubernetesSourceOptions } from '../../../src/membership/sources/kubernetes/options.ts';
import { type KubernetesApi, refuse, startKubernetesApi } from '../../support/kubernetes-api.ts';
import { followKubernetes } from '../../support/kubernetes-follow.ts';
import { kubernetesOptions } from '../../support/kubernetes-options.ts';
import { pod, slice } from '../../support/kubernetes-slices.ts';

const golden = (name: string): string => join(import.meta.dirname, '../../golden/tls', name);
const TLS = { key: readFileSync(golden('localhost.key'), 'utf8'), cert: readFileSync(golden('localhost.crt'), 'utf8') };

/** An API server with TLS and one pod that wants this token. */
async function secureApi(t: Test, token: string | null): Promise<KubernetesApi> {
  const api = await startKubernetesApi(t, TLS);
  api.token = token;
  api.put(slice('s', [pod('a-0', '10.0.0.1')]));
  return api;
}

t.test('in a pod, everything is where Kubernetes puts it', async (t) => {
  const api = await secureApi(t, 'one');
  const directory = t.testdir({ token: 'one\n', 'ca.crt': TLS.cert, namespace: 'tempo' });
  const environment = { KUBERNETES_SERVICE_HOST: '127.0.0.1', KUBERNETES_SERVICE_PORT: new URL(api.url).port };
  const following = followKubernetes(t, kubernetesOptions(null, { namespace: null }), { environment, directory });
  t.match(await following.members(), { members: [{ id: 'a-0' }] });
  await following.watching(api);
  t.strictSame(
    api.requests.map(({ authorization }) => authorization),
    ['Bearer one', 'Bearer one'],
  );

  writeFileSync(join(directory, 'token'), 'two');
  api.token = 'two';
  await following.clock.advance(20_000);
  api.endWatches();
  await following.watching(api);
  t.equal(api.requests.at(-1)?.authorization, 'Bearer two', 'the file is read again for each connection');

  api.token = 'three';
  api.endWatches();
  t.equal(
    await following.failure(),
    `${api.url}: watch endpointslices of tempo/live-store: answered 401 "Unauthorized"; the token is that of ${directory}/token`,
  );
  writeFileSync(join(directory, 'token'), 'three');
  t.match(await following.members(), { members: [{ id: 'a-0' }] }, 'after a 401 as well');
});

t.test('a server that is named gets no token and no authority that are not', async (t) => {
  const api = await secureApi(t, null);
  const directory = t.testdir({ token: 'secret', 'ca.crt': TLS.cert, namespace: 'tempo' });
  const plain = followKubernetes(t, kubernetesOptions(api.url, { namespace: null }), { directory });
  t.match(await plain.failure(), `${api.url}: list endpointslices of tempo/live-store: self-signed certificate`);
  const trusting = followKubernetes(t, kubernetesOptions(api.url, { caFile: golden('localhost.crt') }), { directory });
  t.match(await trusting.members(), { members: [{ id: 'a-0' }] });
  t.equal(api.requests[0]?.authorization, undefined);
  api.token = 'secret';
  const anonymous = followKubernetes(t, kubernetesOptions(api.url, { caFile: golden('localhost.crt') }), { directory });
  t.equal(
    await anonymous.failure(),
    `${api.url}: list endpointslices of tempo/live-store: answered 401 "Unauthorized"; no token was sent, set tokenFile`,
  );
  const both = followKubernetes(t, kubernetesOptions(api.url, { caFile: golden('localhost.crt'), tokenFile: `${directory}/token` }));
  t.match(await both.members(), { members: [{ id: 'a-0' }] });
});

t.test('what is missing is named', async (t) => {
  const plain = await startKubernetesApi(t);
  const directory = t.testdir({
    good: 'token',
    empty: '',
    bad: 'two words',
    binary: Buffer.from([0xff, 0x0a, 0x41]),
    'ca.crt': 'no certificate',
  });
  const cases: readonly (readonly [Partial<KubernetesSourceOptions>, Record<string, string>, string | RegExp])[] = [
    [
      { server: null },
      {},
      'no API server: KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT do not say one, as they do in a pod; set server, tokenFile and namespace',
    ],
    [{ server: null }, { KUBERNETES_SERVICE_HOST: '10.0.0.1', KUBERNETES_SERVICE_PORT: 'https' }, /^no API server: /],
    [{ namespace: null }, {}, `no namespace: ${directory}/namespace: no such file; set namespace`],
    [{ server: null }, { KUBERNETES_SERVICE_HOST: '127.0.0.1', KUBERNETES_SERVICE_PORT: '1' }, `${directory}/token: no such file`],
    [{ server: 'https://127.0.0.1:1', tokenFile: `${directory}/empty` }, {}, `${directory}/empty: there is no secret in it`],
    [
      { server: 'https://127.0.0.1:1', tokenFile: `${directory}/bad` },
      {},
      `${directory}/bad: is not a token: it has white space or characters beyond ASCII in it`,
    ],
    [{ server: 'https://127.0.0.1:1', tokenFile: `${directory}/binary` }, {}, /binary: is not a token/],
    [{ server: 'https://127.0.0.1:1', caFile: `${directory}/none` }, {}, /^cannot read .*\/none: ENOENT/],
    [
      { server: 'https://127.0.0.1:1', caFile: `${directory}/ca.crt` },
      {},
      /^https:\/\/127\.0\.0\.1:1: list endpointslices of tempo\/live-store: /,
    ],
    [
      { server: plain.url.replace('http:', 'https:'), caFile: golden('localhost.crt') },
      {},
      /: list endpointslices of tempo\/live-store: write EPROTO [^\n]*wrong version number[^\n]*$/,
    ],
    [{ server: 'http://127.0.0.1:1' }, {}, 'http://127.0.0.1:1: list endpointslices of tempo/live-store: connect ECONNREFUSED 127.0.0.1:1'],
    [
      { server: null, tokenFile: `${directory}/ca.crt` },
      { KUBERNETES_SERVICE_HOST: 'a b', KUBERNETES_SERVICE_PORT: '1' },
      /is not a token/,
    ],
    [
      { server: null, tokenFile: `${directory}/good`, caFile: golden('localhost.crt') },
      { KUBERNETES_SERVICE_HOST: '::1', KUBERNETES_SERVICE_PORT: '1' },
      /^https:\/\/\[::1\]:1: list endpointslices of tempo\/live-store: connect E/,
    ],
    [{ server: 'https://a b' }, {}, 'https://a b: list endpointslices of tempo/live-store: Invalid URL'],
  ];
  for (const [fields, environment, message] of cases) {
    const following = followKubernetes(t, kubernetesOptions('http://127.0.0.1:1', fields), { environment, directory });
    const found = await following.failure();
    if (typeof message === 'string') t.equal(found, message);
    else t.match(found, message);
    await following.stop();
  }
});

t.test('a missing right is named, and where to put it', async (t) => {
  const api = await startKubernetesApi(t);
  const forbidden =
    'endpointslices.discovery.k8s.io is forbidden: User "system:serviceaccount:tempo:ringway" cannot list resource "endpointslices" in API group "discovery.k8s.io" in the namespace "tempo"';
  api.fault = (_, response) => refuse(response, 403, 'Forbidden', forbidden);
  t.equal(
    await followKubernetes(t, kubernetesOptions(api.url)).failure(),
    `${api.url}: list endpointslices of tempo/live-store: answered 403 "${forbidden.slice(0, 157)}..."; needed is a Role in tempo with get, list, watch of endpointslices in discovery.k8s.io; no token was sent, set tokenFile`,
  );
});

t.test('the token is never told, whatever the server does with it', async (t) => {
  const token = `eyJhbGciOi.${'secret-'.repeat(200)}`; // theirs are as long
  const api = await secureApi(t, token);
  const tokenFile = join(t.testdir({ token }), 'token');
  const page = (request: IncomingMessage) => `<html>${JSON.stringify(request.headers)}`;
  const answers: readonly KubernetesApi['fault'][] = [
    (request, response) => response.writeHead(200, { 'content-type': 'text/html' }).end(page(request)),
    (request, response) => response.writeHead(200, { 'content-type': 'application/json' }).end(page(request)),
    (request, response) => response.writeHead(302, { location: `/login?${request.headers.authorization}` }).end(),
    (request, response) => refuse(response, 401, 'Unauthorized', `bad ${request.headers.authorization}`),
    (request, response) => refuse(response, 403, 'Forbidden', `bad ${request.headers.authorization}`),
    (request, response) => refuse(response, 500, 'InternalError', `bad ${request.headers.authorization}`),
    (request, response) => response.writeHead(200, { 'content-type': `x/${request.headers.authorization}` }).end(),
    (request, response) => response.socket?.end(`HTTP/9 ${request.headers.authorization}\r\n\r\n`),
  ];
  const following = followKubernetes(t, kubernetesOptions(api.url, { caFile: golden('localhost.crt'), tokenFile }));
  for (const answer of answers) {
    api.fault = answer;
    const found = await following.failure();
    t.notMatch(found, 'secret');
    t.notMatch(found, '\n');
  }
  api.fault = null;
  await following.members();
  await following.watching(api);
  api.write(`Bearer ${token}\n`);
  t.equal(await following.failure(), `${api.url}: watch endpointslices of tempo/live-store: sent no JSON: "Bearer <token>"`);
});

/** The first failure of a source whose server answers so; the server is called `api`. */
async function failureOn(t: Test, answer: (request: IncomingMessage, response: ServerResponse) => void): Promise<string> {
  const api = await startKubernetesApi(t);
  api.fault = answer;
  const following = followKubernetes(t, kubernetesOptions(api.url));
  const found = await following.failure();
  await following.stop();
  return found.replaceAll(api.url, 'api').replace('api: list endpointslices of tempo/live-store: ', '');
}

t.test('what is no list of slices is told by what it is', async (t) => {
  const json = (body: string) => (_: IncomingMessage, response: ServerResponse) =>
    response.writeHead(200, { 'content-type': 'application/json; charset=utf-8' }).end(body);
  const list = (fields: object) =>
    json(JSON.stringify({ kind: 'EndpointSliceList', metadata: { resourceVersion: '1' }, items: [], ...fields }));
  const nothing = slice('s', []);
  const labelled = { ...nothing, metadata: { ...nothing.metadata, resourceVersion: '1' } };
  const cases: readonly (readonly [string, (request: IncomingMessage, response: ServerResponse) => void, string])[] = [
    [
      'a login page',
      (_, response) =>
        response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end('<!doctype html>\n<title>Sign in</title>'),
      'answered 200 text/html "<!doctype html> <title>Sign in</title>" instead of EndpointSlices as JSON',
    ],
    [
      'a redirect',
      (_, response) => response.writeHead(302, { location: 'https://login.example/?next=1' }).end(),
      'answered 302 to "https://login.example/?next=1" without content-type "" instead of EndpointSlices as JSON',
    ],
    [
      'another program',
      (_, response) => response.writeHead(404, { 'content-type': 'text/plain' }).end('404 page not found\n'),
      'answered 404 text/plain "404 page not found" instead of EndpointSlices as JSON',
    ],
    [
      'something compressed',
      (_, response) =>
        response.writeHead(200, { 'content-type': 'application/json', 'content-encoding': 'gzip' }).end(gzipSync(Buffer.alloc(1 << 20))),
      'answered 200 application/json (gzip) "',
    ],
    [
      'an endless error',
      (_, response) => endless(response.writeHead(500, { 'content-type': 'text/plain' })),
      'answered 500 text/plain "xxxx',
    ],
    ['nothing', json(''), 'answered no JSON: ""'],
    ['half a list', json('{"kind":"EndpointSliceList","items":['), 'answered no JSON: "{"kind":"EndpointSliceList","items":["'],
    ['a number', json('5'), 'answered what is not an EndpointSliceList: Invalid input: expected object, received number: "5"'],
    [
      'another kind',
      json('{"kind":"PodList"}'),
      'answered what is not an EndpointSliceList: kind: Invalid input: expected "EndpointSliceList": "{"kind":"PodList"}"',
    ],
    [
      'no version',
      list({ metadata: {} }),
      'answered what is not an EndpointSliceList: metadata.resourceVersion: Invalid input: expected string, received undefined: "',
    ],
    [
      'an empty version',
      list({ metadata: { resourceVersion: '' } }),
      'answered what is not an EndpointSliceList: metadata.resourceVersion: Too small',
    ],
    ['items that are none', list({ items: {} }), 'answered what is not an EndpointSliceList: items: is not a list of up to 1000000: "'],
    [
      'an item that is none',
      list({ items: [7] }),
      'answered what is not an EndpointSlice: Invalid input: expected object, received number: "',
    ],
    [
      'an item without a name',
      list({ items: [{ metadata: { resourceVersion: '1' }, addressType: 'IPv4' }] }),
      'answered what is not an EndpointSlice: metadata.name: Invalid input',
    ],
    [
      'ports that are none',
      list({ items: [{ ...labelled, ports: 'x' }] }),
      'answered what is not an EndpointSlice: ports: is not a list of up to 20000: "',
    ],
    [
      'a slice of another Service',
      list({ items: [{ ...labelled, metadata: { ...labelled.metadata, labels: {} } }] }),
      'answered EndpointSlice s, which is not of that Service: "',
    ],
    [
      'one of another namespace',
      list({ items: [{ ...labelled, metadata: { ...labelled.metadata, namespace: 'dev' } }] }),
      'answered EndpointSlice s, which is not of that Service: "',
    ],
    ['deep nesting', json(`{"items":${'['.repeat(200_000)}`), 'answered no JSON: "{"items":[[['],
    [
      'a bomb of endpoints',
      list({ items: [{ ...labelled, endpoints: Array.from({ length: 100_001 }, () => 0) }] }),
      'answered what is not an EndpointSlice: endpoints: is not a list of up to 100000: "',
    ],
    [
      'only bad endpoints',
      list({ items: [{ ...labelled, endpoints: Array(100_000).fill(0) }] }),
      'api: endpointslices of tempo/live-store: no endpoint can be used: slice s: endpoint 0 is no endpoint; slice s: endpoint 1 is no endpoint; slice s: endpoint 2 is no endpoint; and 99997 more',
    ],
    [
      'a bomb of slices',
      list({
        items: ['x', 'y', 'z'].map((name) => ({ ...labelled, metadata: { ...labelled.metadata, name }, endpoints: Array(40_000).fill(0) })),
      }),
      'answered more than 100000 endpoints: "',
    ],
    [
      'a broken connection',
      (_, response) =>
        response.writeHead(200, { 'content-type': 'application/json', 'content-length': 9 }).write('{', () => response.destroy()),
      'broke off: aborted',
    ],
    ['no HTTP', (_, response) => response.socket?.end('SSH-2.0-x\r\n'), 'Parse Error: Expected HTTP/, RTSP/ or ICE/'],
    ['nothing at all', (_, response) => response.destroy(), 'socket hang up'],
    ['no answer', () => {}, 'no answer within 10s'],
    [
      'an answer that does not end',
      (_, response) => response.writeHead(200, { 'content-type': 'application/json' }).write('{'),
      'did not end within 30s',
    ],
    [
      'too long an answer',
      (_, response) => endless(response.writeHead(200, { 'content-type': 'application/json' })),
      'sent a page of more than 16777216 bytes',
    ],
  ];
  for (const [name, answer, message] of cases) {
    const found = await failureOn(t, answer);
    t.ok(found.startsWith(message) && !/[\n\r\t]/.test(found) && found.length < 400, name, { found, wanted: message });
  }
});

t.test('too much on many pages', async (t) => {
  let count = 0;
  const filler = 'x'.repeat(15 << 20);
  const found = await failureOn(t, (_, response) => {
    count += 1;
    const metadata = { resourceVersion: '1', continue: String(count), filler };
    response
      .writeHead(200, { 'content-type': 'application/json' })
      .end(JSON.stringify({ kind: 'EndpointSliceList', metadata, items: null }));
  });
  t.equal(found, 'has more than 67108864 bytes on its pages');
  t.equal(count, 5);
});

/** Writes until nobody reads. */
function endless(response: ServerResponse): void {
  const more = (): void => {
    while (!response.destroyed && response.write(Buffer.alloc(1 << 20, 'x')));
  };
  response.on('drain', more);
  more();
}

t.test('a line of a watch that does not end, and too many endpoints by events', async (t) => {
  const api = await startKubernetesApi(t);
  const following = followKubernetes(t, kubernetesOptions(api.url));
  const where = `${api.url}: watch endpointslices of tempo/live-store`;
  await following.members();
  await following.watching(api);
  for (let i = 0; i < 9; i += 1) api.write('x'.repeat(1 << 20));
  t.equal(await following.failure(), `${where}: sent a line of more than 8388608 bytes`);
  await following.members();
  await following.watching(api);
  const endpoints = Array.from({ length: 50_001 }, (_, i) => pod(`a-${i}`, '10.0.0.1', { targetRef: { kind: 'Pod', name: `a-${i}` } }));
  api.put(slice('one', endpoints));
  t.equal((await following.members()).members.length, 50_001);
  api.put(slice('other', endpoints));
  t.match(await following.failure(), `${where}: sent more than 100000 endpoints: "{"type":"ADDED",`);
});
