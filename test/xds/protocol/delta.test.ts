import t from 'tap';
import { DeltaDriver } from '../../support/xds-session.ts';

const two = { cluster: { a: '1', b: '1' }, endpoint: { a: '1', b: '1' }, listener: { l: '1' }, route: { r: '1' } };

/** A client that holds the clusters of `two` by wildcard, answered. */
function withClusters(): DeltaDriver {
  const client = new DeltaDriver();
  client.offer(two);
  client.send('cluster', []);
  client.ack('cluster');
  return client;
}

/** A client that holds these endpoints by name, answered. */
function withEndpoints(...names: string[]): DeltaDriver {
  const client = new DeltaDriver();
  client.offer(two);
  client.send('endpoint', names);
  client.ack('endpoint');
  return client;
}

t.test('rules 11 and 12: only error_detail is a NACK, and what was refused is not sent again', (t) => {
  const client = new DeltaDriver();
  client.offer(two);
  client.send('cluster', []);
  t.same(client.nack('cluster', 'no'), []);
  t.match(client.outcome, { kind: 'nack', version: 'a=1,b=1', error: { message: 'no' } });
  t.same(client.offer({ ...two, route: { r: '2' } }), []);
  t.same(client.offer({ ...two, cluster: { a: '2', b: '1' } }), ['cluster a']);
  t.end();
});

t.test('rule 13: a NACK may change the subscription, and the change counts', (t) => {
  const client = new DeltaDriver();
  client.offer(two);
  client.send('endpoint', ['a']);
  t.same(client.send('endpoint', ['b'], [], { nonce: client.lastNonce('endpoint'), error: 'bad a' }), ['endpoint b']);
  t.end();
});

t.test('rule 15: what was refused may have been applied, so going back to the old version is an update', (t) => {
  const client = withClusters();
  client.offer({ ...two, cluster: { a: '2', b: '1' } });
  client.nack('cluster', 'bad a');
  t.same(client.offer(two), ['cluster a']);
  t.end();
});

t.test('rules 17, 18 and 36: an ACK gets no response', (t) => {
  const client = new DeltaDriver();
  client.offer(two);
  t.same(client.send('cluster', []), ['cluster a b']);
  client.nowMs += 7;
  t.same(client.ack('cluster'), []);
  t.match(client.outcome, { kind: 'ack', version: 'a=1,b=1', tookMs: 7 });
  t.end();
});

t.test('rules 29 and 30: nothing named in the first request is everything, for clusters and listeners only', (t) => {
  const client = withClusters();
  t.same(client.offer({ ...two, cluster: { ...two.cluster, c: '1' } }), ['cluster c']);
  t.same(client.send('endpoint', []), []);
  t.same(client.send('listener', []), [], 'clusters are not answered yet');
  t.same(client.ack('cluster'), ['listener l']);
  t.end();
});

t.test('rule 32: {} then +a then -* then -a', (t) => {
  const client = withClusters();
  t.same(client.send('cluster', ['a']), ['cluster a']);
  client.ack('cluster');
  t.same(client.offer({ cluster: { a: '2', b: '2' } }), ['cluster a b']);
  client.ack('cluster');
  t.same(client.send('cluster', [], ['*']), []);
  t.same(client.offer({ cluster: { a: '3', b: '3' } }), ['cluster a']);
  client.ack('cluster');
  t.same(client.send('cluster', [], ['a']), []);
  t.same(client.offer({ cluster: { a: '4', b: '4' } }), [], 'not the wildcard again');
  t.end();
});

t.test('rule 33: a name given up under the wildcard is answered: the resource, or that it is gone', (t) => {
  const client = withClusters();
  client.send('cluster', ['a', 'nope']);
  client.ack('cluster');
  t.same(client.send('cluster', [], ['a']), ['cluster a']);
  client.ack('cluster');
  t.same(client.send('cluster', [], ['nope']), ['cluster -nope']);
  client.ack('cluster');
  t.same(client.send('cluster', [], ['b']), ['cluster b'], 'held by the wildcard only');
  t.end();
});

t.test('rule 35: * in both lists is connected and nothing yet', (t) => {
  const client = new DeltaDriver();
  client.offer(two);
  t.same(client.send('cluster', ['*'], ['*']), []);
  t.same(client.offer({ ...two, cluster: { a: '2' } }), []);
  t.same(client.send('cluster', ['*']), ['cluster a']);
  t.end();
});

t.test('rule 37: a stale nonce cancels neither subscribe nor unsubscribe', (t) => {
  const client = withEndpoints('a');
  const old = client.lastNonce('endpoint');
  t.same(client.offer({ ...two, endpoint: { a: '2', b: '1' } }), ['endpoint a']);
  t.same(client.send('endpoint', ['b'], [], { nonce: old }), [], 'one response at a time');
  t.equal(client.outcome?.kind, 'stale');
  t.same(client.ack('endpoint'), ['endpoint b']);
  client.ack('endpoint');
  t.same(client.send('endpoint', ['a'], ['b'], { nonce: old }), ['endpoint a'], 'also while nothing waits');
  client.ack('endpoint');
  t.same(client.offer({ ...two, endpoint: { a: '2', b: '9' } }), []);
  t.end();
});

t.test('rule 38: a name asked for again is sent again though it is current', (t) => {
  const client = withEndpoints('a');
  t.same(client.send('endpoint', ['a']), ['endpoint a']);
  t.end();
});

t.test('rule 38: * asked for again sends everything again', (t) => {
  const client = withClusters();
  t.same(client.send('cluster', ['*']), ['cluster a b']);
  t.end();
});

t.test('rules 39 and 40: giving up names gets no response, known or not', (t) => {
  const client = withEndpoints('a', 'b');
  t.same(client.send('endpoint', [], ['never-heard-of']), []);
  t.same(client.send('endpoint', [], ['a']), []);
  t.same(client.offer({ ...two, endpoint: { a: '2', b: '1' } }), []);
  const other = new DeltaDriver();
  other.offer(two);
  t.same(other.send('cluster', [], ['a']), [], 'not even as a first request');
  t.end();
});

t.test('rule 41: a name that does not exist is said to be removed, once, and sent when it appears', (t) => {
  const client = new DeltaDriver();
  client.offer(two);
  t.same(client.send('endpoint', ['a', 'new']), ['endpoint a -new']);
  client.ack('endpoint');
  t.same(client.offer({ ...two, endpoint: { ...two.endpoint, b: '2' } }), []);
  t.same(client.offer({ ...two, endpoint: { ...two.endpoint, new: '1' } }), ['endpoint new']);
  client.ack('endpoint');
  t.same(client.send('endpoint', ['gone']), ['endpoint -gone']);
  client.ack('endpoint');
  t.same(client.send('endpoint', ['gone']), ['endpoint -gone'], 'asked again, answered again');
  t.end();
});

t.test('rule 8 and 41: names of an unknown type do not exist', (t) => {
  const client = new DeltaDriver();
  client.offer(two);
  t.same(client.send('other', ['x']), ['other -x']);
  t.same(client.send('cluster', []), ['cluster a b']);
  t.end();
});

t.test('rule 42: deleted is said once, created again is sent again', (t) => {
  const client = withClusters();
  t.same(client.offer({ cluster: { a: '1' } }), ['cluster -b']);
  client.ack('cluster');
  t.same(client.offer({ version: 'other', cluster: { a: '1' } }), []);
  t.same(client.offer(two), ['cluster b']);
  t.end();
});

t.test('rule 43: only what changed is sent', (t) => {
  const client = withClusters();
  t.same(client.offer({ ...two, cluster: { a: '1', b: '2', c: '1' } }), ['cluster b c']);
  t.end();
});

t.test('rules 44 and 45: who says to have everything gets nothing', (t) => {
  const client = new DeltaDriver();
  client.offer(two);
  t.same(client.send('cluster', [], [], { has: { a: '1', b: '1' } }), []);
  t.same(client.send('endpoint', ['a'], [], { has: { a: '1' } }), []);
  t.equal(client.received.length, 0);
  t.end();
});

t.test('rule 44: who says to have something gets the difference, removals included', (t) => {
  const client = new DeltaDriver();
  client.offer(two);
  t.same(client.send('cluster', [], [], { has: { a: '0', b: '1', gone: '1' } }), ['cluster a']);
  t.same(client.ack('cluster'), ['cluster -gone']);
  t.end();
});

t.test('rule 44: to have is not to want', (t) => {
  const client = new DeltaDriver();
  client.offer(two);
  t.same(client.send('endpoint', ['a'], [], { has: { a: '1', b: '0', gone: '1' } }), []);
  t.same(client.offer({ ...two, endpoint: { a: '1', b: '5' } }), []);
  t.end();
});

t.test('rule 44: versions in later requests are not read', (t) => {
  const client = withEndpoints('a');
  t.same(client.send('endpoint', ['b'], [], { has: { b: '1' } }), ['endpoint b']);
  t.end();
});

t.test('rule 46: system_version_info is the version of the whole set', (t) => {
  const client = withEndpoints('a');
  t.equal(client.received[0]?.version, 'a=1,b=1');
  t.end();
});

t.test('an empty set is an answer to a wildcard: a client waits for its first one', (t) => {
  const client = new DeltaDriver();
  t.same(client.send('cluster', []), [], 'but nothing is said before there is a snapshot');
  t.same(client.offer({}), ['cluster']);
  t.same(client.ack('cluster'), []);
  t.end();
});

t.test('what a response under way may still bring is not forgotten: it is removed when it is wanted again', (t) => {
  const client = new DeltaDriver();
  client.offer({ listener: { a: '1' } });
  t.same(client.send('listener', []), ['listener a']);
  client.offer({ listener: {} });
  client.send('listener', [], ['*']);
  client.send('listener', ['*']);
  t.same(client.ack('listener'), ['listener -a']);
  t.end();
});

t.test('a version that comes back is sent again', (t) => {
  const client = withClusters();
  for (const version of ['2', '1', '2']) {
    t.same(client.offer({ cluster: { a: version, b: '1' } }), ['cluster a']);
    t.same(client.ack('cluster'), []);
  }
  t.end();
});
