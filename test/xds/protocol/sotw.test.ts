import t from 'tap';
import { SotwDriver } from '../../support/xds-session.ts';

const two = { cluster: { a: '1', b: '1' }, endpoint: { a: '1', b: '1' }, listener: { l: '1' }, route: { r: '1' } };

/** A client with the clusters of `two`, all answered. */
function withClusters(names: string[] = []): SotwDriver {
  const client = new SotwDriver();
  client.offer(two);
  client.send('cluster', names);
  client.send('cluster', names);
  return client;
}

t.test('rule 4: acknowledging one type changes nothing of another', (t) => {
  const client = new SotwDriver();
  client.offer(two);
  t.same(client.send('cluster', []), ['cluster a b']);
  t.same(client.send('endpoint', ['a']), ['endpoint a']);
  client.send('cluster', []);
  const [cluster, endpoint] = [...client.session.types.values()];
  t.equal(cluster?.exchange.acked, 'a=1,b=1');
  t.equal(endpoint?.exchange.acked, '');
  t.equal(endpoint?.exchange.phase.kind, 'waiting');
  t.end();
});

t.test('rule 5: a type that was never requested is not pushed', (t) => {
  const client = new SotwDriver();
  client.send('cluster', []);
  t.same(client.offer(two), ['cluster a b']);
  t.same(client.send('cluster', []), []);
  t.same(client.offer({ ...two, listener: { l: '2' } }), []);
  t.end();
});

t.test('rule 6: a nonce is never empty, never repeated, and one from another stream means nothing', (t) => {
  const client = new SotwDriver();
  client.offer(two);
  t.same(client.send('cluster', [], { nonce: 'from-before' }), ['cluster a b']);
  t.equal(client.outcome?.kind, 'first');
  client.send('cluster', []);
  client.send('listener', []);
  const nonces = client.received.map((response) => response.nonce);
  t.notOk(nonces.includes(''));
  t.equal(new Set(nonces).size, nonces.length);
  t.end();
});

t.test('rule 8: an unknown type is left unanswered and the others go on', (t) => {
  const client = new SotwDriver();
  client.offer(two);
  t.same(client.send('other', ['x']), []);
  t.same(client.send('cluster', []), ['cluster a b']);
  t.end();
});

t.test('rules 11 and 12: only error_detail is a NACK, and what was refused is not sent again', (t) => {
  const client = new SotwDriver();
  client.offer(two);
  client.send('cluster', []);
  t.same(client.send('cluster', [], { error: 'no' }), []);
  t.match(client.outcome, { kind: 'nack', version: 'a=1,b=1', error: { code: 13, message: 'no' } });
  t.same(client.send('cluster', []), []);
  t.equal(client.outcome?.kind, 'spontaneous', 'the same request without an error is no NACK');
  t.same(client.offer({ ...two, endpoint: { a: '2' } }), [], 'a change elsewhere does not bring it back');
  t.end();
});

t.test('rule 13: a NACK may change the names, and the change counts', (t) => {
  const client = new SotwDriver();
  client.offer(two);
  t.same(client.send('endpoint', ['a']), ['endpoint a']);
  t.same(client.send('endpoint', ['a', 'b'], { error: 'bad a' }), ['endpoint b']);
  t.end();
});

t.test('rules 14 and 16: a refusal is remembered until a fix is accepted', (t) => {
  const client = new SotwDriver();
  client.offer(two);
  client.send('cluster', []);
  client.nowMs += 40;
  client.send('cluster', [], { error: 'cluster a: no' });
  const exchange = [...client.session.types.values()][0]?.exchange;
  t.same(exchange?.nacked, { version: 'a=1,b=1', message: 'cluster a: no', atMs: 1_795_000_001_040 });
  t.equal(exchange?.acked, '');
  t.same(client.offer({ ...two, cluster: { a: '2', b: '1' } }), ['cluster a b']);
  t.not(exchange?.nacked, null);
  client.send('cluster', []);
  t.equal(exchange?.nacked, null);
  t.equal(exchange?.acked, 'a=2,b=1');
  t.end();
});

t.test('rules 17 and 18: a plain ACK gets no response', (t) => {
  const client = withClusters();
  t.match(client.outcome, { kind: 'ack', version: 'a=1,b=1' });
  t.same(client.send('cluster', []), []);
  t.equal(client.received.length, 1);
  t.end();
});

t.test('rule 19: only what was named comes back', (t) => {
  const client = new SotwDriver();
  client.offer(two);
  t.same(client.send('endpoint', ['b']), ['endpoint b']);
  t.same(client.send('cluster', ['b']), ['cluster b']);
  t.end();
});

t.test('rule 20: a stale nonce gets no response, its names count with the next matching one', (t) => {
  const client = new SotwDriver();
  client.offer(two);
  client.send('endpoint', ['a']);
  const first = client.lastNonce('endpoint');
  client.send('endpoint', ['a']);
  t.same(client.offer({ ...two, endpoint: { a: '2', b: '1' } }), ['endpoint a']);
  t.same(client.send('endpoint', ['a', 'b'], { nonce: first }), [], 'written before the second response was seen');
  t.equal(client.outcome?.kind, 'stale');
  t.same(client.send('endpoint', ['a', 'b']), ['endpoint b']);
  t.end();
});

t.test('rule 20: a stale nonce while nothing waits is held until the next matching nonce or snapshot', (t) => {
  const held = (): SotwDriver => {
    const client = new SotwDriver();
    client.offer(two);
    client.send('endpoint', ['a']);
    client.send('endpoint', ['a']);
    t.same(client.send('endpoint', ['a', 'b'], { nonce: 'bogus' }), []);
    return client;
  };
  t.same(held().send('endpoint', ['a', 'b']), ['endpoint b']);
  t.same(held().offer({ ...two, version: 'next' }), ['endpoint b']);
  t.same(held().send('endpoint', ['a', 'b'], { nonce: '' }), ['endpoint b'], 'a client that starts afresh');
  t.end();
});

t.test('rule 21: while a response is unanswered only the latest request counts', (t) => {
  const client = new SotwDriver();
  client.offer(two);
  client.send('endpoint', ['a']);
  const [before] = [client.lastNonce('endpoint')];
  t.same(client.send('endpoint', ['a', 'b', 'c'], { nonce: 'older' }), []);
  t.same(client.send('endpoint', ['b'], { nonce: before }), ['endpoint b']);
  t.end();
});

t.test('rule 22: a name that is added again is sent again though it did not change', (t) => {
  const client = new SotwDriver();
  client.offer(two);
  client.send('endpoint', ['a']);
  t.same(client.send('endpoint', []), []);
  t.same(client.send('endpoint', ['a']), ['endpoint a']);
  const wildcard = new SotwDriver();
  wildcard.offer(two);
  wildcard.send('endpoint', ['*']);
  t.same(wildcard.send('endpoint', ['*', 'a']), ['endpoint a'], 'also when the wildcard covered it');
  t.end();
});

t.test('rule 23: added names: the complete set of a full-set type, the added ones of another', (t) => {
  const client = new SotwDriver();
  client.offer(two);
  client.send('endpoint', ['a']);
  t.same(client.send('endpoint', ['a', 'b']), ['endpoint b']);
  client.send('cluster', ['a']);
  t.same(client.send('cluster', ['a', 'b']), ['cluster a b']);
  t.end();
});

t.test('rule 24: fewer names of a partial type: no response, and no updates of what was dropped', (t) => {
  const client = new SotwDriver();
  client.offer(two);
  client.send('endpoint', ['a', 'b']);
  t.same(client.send('endpoint', ['a']), []);
  t.same(client.offer({ ...two, endpoint: { a: '1', b: '2' } }), []);
  t.end();
});

t.test('rule 25: no names after names is nothing at all, not a wildcard', (t) => {
  const client = new SotwDriver();
  client.offer(two);
  client.send('cluster', ['a']);
  t.same(client.send('cluster', []), []);
  t.same(client.offer({ ...two, cluster: { a: '2', b: '2' } }), []);
  t.end();
});

t.test('rule 26: a name that does not exist is answered when it appears', (t) => {
  const client = new SotwDriver();
  client.offer(two);
  t.same(client.send('endpoint', ['new']), []);
  t.same(client.offer({ ...two, endpoint: { ...two.endpoint, new: '1' } }), ['endpoint new']);
  t.end();
});

t.test('rule 27: absence deletes in a full-set type and says nothing in another', (t) => {
  const client = withClusters();
  client.send('endpoint', ['a', 'b']);
  client.send('endpoint', ['a', 'b']);
  t.same(client.offer({ cluster: { a: '1' }, endpoint: { a: '1' } }), ['cluster a']);
  client.send('cluster', []);
  t.same(client.offer({ cluster: {}, endpoint: {} }), ['cluster']);
  client.send('cluster', []);
  t.same(client.offer(two), ['cluster a b', 'endpoint a b'], 'what comes back is sent again');
  t.end();
});

t.test('rules 9 and 28: a new stream starts from nothing, whatever version the client says', (t) => {
  const client = new SotwDriver();
  client.offer(two);
  t.same(client.send('endpoint', ['a'], { nonce: '7' }), ['endpoint a']);
  t.end();
});

t.test('rules 29 and 30: no names in the first request is everything, until something is named', (t) => {
  const client = withClusters();
  t.same(client.offer({ ...two, cluster: { ...two.cluster, c: '1' } }), ['cluster a b c']);
  t.same(client.send('cluster', []), [], 'still the wildcard');
  t.same(client.offer({ ...two, cluster: { c: '2' } }), ['cluster c a b'], 'what went is kept until the last step');
  t.same(client.send('cluster', []), ['cluster c']);
  t.end();
});

t.test('rule 29: an explicit * is the wildcard of any type', (t) => {
  const client = new SotwDriver();
  client.offer(two);
  t.same(client.send('endpoint', ['*']), ['endpoint a b']);
  t.same(client.send('endpoint', ['*']), []);
  t.same(client.offer({ ...two, endpoint: { ...two.endpoint, c: '1' } }), ['endpoint c']);
  t.end();
});

t.test('an empty first list of a partial type is nothing: Envoy reconnects so while it wants no endpoints', (t) => {
  const client = new SotwDriver();
  client.offer(two);
  t.same(client.send('endpoint', []), []);
  t.same(client.offer({ ...two, endpoint: { a: '2' } }), []);
  t.same(client.send('endpoint', ['a']), ['endpoint a']);
  t.end();
});

t.test('rule 31: {} then {*,A} then {A} then {}', (t) => {
  let version = 1;
  const client = withClusters();
  const update = (): string[] => {
    version += 1;
    const sent = client.offer({ cluster: { a: String(version), b: String(version) } });
    return sent;
  };
  t.same(update(), ['cluster a b']);
  t.same(client.send('cluster', ['*', 'a']), ['cluster a b'], 'a is named now and must be sent');
  client.send('cluster', ['*', 'a']);
  t.same(update(), ['cluster a b']);
  t.same(client.send('cluster', ['a']), []);
  t.same(update(), ['cluster a']);
  t.same(client.send('cluster', []), []);
  t.same(update(), []);
  t.end();
});

t.test('an empty set is an answer to a wildcard: a client waits for its first one', (t) => {
  const client = new SotwDriver();
  t.same(client.send('cluster', []), [], 'but nothing is said before there is a snapshot');
  t.same(client.offer({}), ['cluster']);
  t.same(client.send('cluster', []), []);
  t.same(client.send('listener', []), ['listener']);
  t.end();
});

t.test('a stream that asks for too many types or names, or for none, is a client error', (t) => {
  const client = new SotwDriver();
  t.throws(() => client.request({ typeUrl: '', names: [], nonce: '', error: null, node: null }), {
    code: 'INVALID_ARGUMENT',
    message: /type_url/,
  });
  const many = Array.from({ length: 100_001 }, (_, i) => `n${i}`);
  t.throws(() => client.send('endpoint', many), { code: 'RESOURCE_EXHAUSTED', message: /100000 names/ });
  for (let i = 0; i < 63; i += 1) client.request({ typeUrl: `t/${i}`, names: ['x'], nonce: '', error: null, node: null });
  t.throws(() => client.request({ typeUrl: 't/64', names: [], nonce: '', error: null, node: null }), { code: 'RESOURCE_EXHAUSTED' });
  t.end();
});
