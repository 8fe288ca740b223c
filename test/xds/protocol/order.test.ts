import t from 'tap';
import { DeltaDriver, type ShortType, SotwDriver } from '../../support/xds-session.ts';

const x = { cluster: { x: '1' }, endpoint: { x: '1' }, listener: { l: '1' }, route: { r: '->x' } };
/** The same with y in place of x. */
const y = { cluster: { y: '1' }, endpoint: { y: '1' }, listener: { l: '1' }, route: { r: '->y' } };

/** A client of either protocol as Envoy would be, everything of `x` answered. */
function deltaWithX(): DeltaDriver {
  const client = new DeltaDriver();
  client.offer(x);
  const wants: [ShortType, string[]][] = [
    ['cluster', []],
    ['endpoint', ['x']],
    ['listener', []],
    ['route', ['r']],
  ];
  for (const [type, names] of wants) {
    client.send(type, names);
    client.ack(type);
  }
  return client;
}

function sotwWithX(): SotwDriver {
  const client = new SotwDriver();
  client.offer(x);
  const wants: [ShortType, string[]][] = [
    ['cluster', []],
    ['endpoint', ['x']],
    ['listener', []],
    ['route', ['r']],
  ];
  for (const [type, names] of wants) {
    client.send(type, names);
    client.send(type, names);
  }
  return client;
}

t.test('rules 49 and 50, delta: x becomes y without a moment without either', (t) => {
  const client = deltaWithX();
  t.same(client.offer(y), ['cluster y']);
  t.same(client.send('endpoint', ['y']), ['endpoint y'], 'before the clusters are acknowledged');
  t.same(client.ack('endpoint'), []);
  t.same(client.ack('cluster'), ['route r']);
  t.same(client.ack('route'), ['cluster -x'], 'the old cluster goes when no route names it');
  t.same(client.ack('cluster'), ['endpoint -x']);
  t.same(client.ack('endpoint'), []);
  t.end();
});

t.test('rules 49 and 50, state of the world: x becomes y without a moment without either', (t) => {
  const client = sotwWithX();
  t.same(client.offer(y), ['cluster y x'], 'what goes is kept until last');
  t.equal(client.received.at(-1)?.version, 'y=1+1', 'and the version says so');
  t.same(client.send('endpoint', ['x', 'y']), ['endpoint y']);
  t.same(client.send('endpoint', ['x', 'y']), []);
  t.same(client.send('cluster', []), ['route r']);
  t.same(client.send('route', ['r']), ['cluster y']);
  t.same(client.send('cluster', []), []);
  t.equal([...client.session.types.values()][0]?.exchange.acked, 'y=1');
  t.end();
});

t.test('rule 49: each step waits for the answer to the one before, a NACK is one', (t) => {
  const client = deltaWithX();
  t.same(client.offer({ cluster: { x: '2' }, endpoint: { x: '2' }, listener: { l: '2' }, route: { r: '2' } }), ['cluster x', 'endpoint x']);
  t.same(client.ack('endpoint'), []);
  t.same(client.nack('cluster', 'bad'), ['listener l']);
  t.same(client.ack('listener'), ['route r']);
  t.end();
});

t.test('rule 49: listeners come and go in one response', (t) => {
  const client = deltaWithX();
  t.same(client.offer({ ...x, listener: { renamed: '1' } }), ['listener renamed -l']);
  t.end();
});

t.test('who does not answer is waited for ten seconds, no longer', (t) => {
  const client = deltaWithX();
  t.equal(client.session.expiresAtMs, null);
  t.same(client.offer(y), ['cluster y']);
  t.equal(client.session.expiresAtMs, client.nowMs + 10_000);
  t.same(client.pass(9_999), []);
  t.same(client.pass(1), ['route r']);
  t.equal(client.session.expiresAtMs, client.nowMs + 10_000, 'now for the route');
  client.ack('cluster');
  t.match(client.outcome, { kind: 'ack', version: 'y=1', tookMs: 10_000 }, 'a late answer counts');
  t.end();
});

t.test('while a response is unanswered newer snapshots are merged into the next', (t) => {
  const client = deltaWithX();
  client.offer({ ...x, listener: { l: '2' } });
  t.same(client.offer({ ...x, listener: { l: '3' } }), []);
  t.same(client.offer({ ...x, listener: { l: '4' } }), []);
  t.same(client.ack('listener'), ['listener l']);
  t.equal(client.received.at(-1)?.version, 'l=4');
  t.same(client.ack('listener'), []);
  t.end();
});

t.test('an update is carried through with one snapshot: a newer route does not overtake its cluster', (t) => {
  const client = deltaWithX();
  t.same(client.offer({ ...x, cluster: { x: '2' }, route: { r: '2' } }), ['cluster x', 'endpoint x']);
  t.same(client.offer({ ...y, cluster: { x: '2', y: '1' } }), [], 'y comes in while x is unanswered');
  client.ack('endpoint');
  t.same(client.ack('cluster'), ['route r']);
  t.same(client.received.at(-1)?.version, 'r=2', 'the route of the first snapshot, which names x');
  t.same(client.ack('route'), ['cluster y']);
  t.end();
});

t.test('endpoints never wait: not for an unanswered cluster, not for the end of an update', (t) => {
  const client = deltaWithX();
  t.same(client.offer({ ...x, listener: { l: '2' } }), ['listener l']);
  t.same(client.offer({ ...x, listener: { l: '2' }, endpoint: { x: '2' } }), ['endpoint x']);
  t.end();
});

t.test('endpoints that change all the time do not hold back listeners', (t) => {
  const client = deltaWithX();
  client.offer({ ...x, endpoint: { x: '2' }, listener: { l: '2' } });
  t.same(client.offer({ ...x, endpoint: { x: '3' }, listener: { l: '2' } }), []);
  t.same(client.ack('endpoint'), ['listener l', 'endpoint x']);
  t.end();
});

t.test('endpoints of a cluster that the update under way still has are answered though the newest has none', (t) => {
  const client = new DeltaDriver();
  client.offer(x);
  t.same(client.send('cluster', []), ['cluster x']);
  client.offer({ cluster: {}, endpoint: {} });
  t.same(client.send('endpoint', ['x']), ['endpoint x']);
  client.ack('endpoint');
  t.same(client.ack('cluster'), ['cluster -x']);
  t.same(client.ack('cluster'), ['endpoint -x']);
  t.end();
});

t.test('rule 51: a cluster that changed gets its endpoints again, unasked and unchanged', (t) => {
  const delta = deltaWithX();
  t.same(delta.offer({ ...x, cluster: { x: '2' } }), ['cluster x', 'endpoint x']);
  const sotw = sotwWithX();
  t.same(sotw.offer({ ...x, cluster: { x: '2' } }), ['cluster x', 'endpoint x']);
  t.end();
});

t.test('rule 51: only the endpoints of the clusters that changed', (t) => {
  const client = new SotwDriver();
  client.offer({ cluster: { a: '1', b: '1' }, endpoint: { a: '1', b: '1' } });
  client.send('cluster', []);
  client.send('endpoint', ['a', 'b']);
  client.send('cluster', []);
  client.send('endpoint', ['a', 'b']);
  t.same(client.offer({ cluster: { a: '2', b: '1' }, endpoint: { a: '1', b: '1' } }), ['cluster a b', 'endpoint a']);
  t.end();
});

t.test('rule 52: endpoints asked for before clusters are sent again after the clusters', (t) => {
  const client = new DeltaDriver();
  client.offer(x);
  t.same(client.send('endpoint', ['x'], [], { has: { x: '1' } }), []);
  t.same(client.send('cluster', []), ['cluster x', 'endpoint x']);
  t.end();
});

t.test('endpoints are answered to a client that never asks for clusters: Envoy with a cluster still warming', (t) => {
  const client = new DeltaDriver();
  client.offer(x);
  t.same(client.send('endpoint', ['x']), ['endpoint x']);
  client.ack('endpoint');
  t.same(client.send('listener', []), ['listener l']);
  t.end();
});

t.test('rule 53: a route that a new listener names is answered as soon as the listener is', (t) => {
  const client = new SotwDriver();
  client.offer({ ...x, route: { r: '1', r2: '1' } });
  client.send('listener', []);
  t.same(client.send('route', ['r2']), []);
  t.same(client.send('listener', []), ['route r2']);
  t.end();
});

t.test('rule 54: an assignment without endpoints is sent like any other', (t) => {
  const client = new DeltaDriver();
  client.offer({ cluster: { empty: '1' }, endpoint: { empty: '1' } });
  client.send('cluster', []);
  t.same(client.send('endpoint', ['empty']), ['endpoint empty']);
  t.end();
});

t.test('a type first asked for when all is done gets what it lacks and loses what is gone', (t) => {
  const client = deltaWithX();
  t.same(client.send('secret', ['s'], [], { has: { s: '1' } }), ['secret -s']);
  const late = new DeltaDriver();
  late.offer(x);
  late.send('cluster', []);
  late.ack('cluster');
  t.same(late.send('listener', [], [], { has: { l: '1', old: '1' } }), ['listener -old']);
  t.end();
});

t.test('a type that was held back while its step passed is caught up, removals included', (t) => {
  const client = sotwWithX();
  t.same(client.offer({ ...x, cluster: { x: '2' }, listener: { renamed: '1' } }), ['cluster x', 'endpoint x']);
  t.same(client.send('listener', [], { nonce: 'bogus' }), []);
  client.send('endpoint', ['x']);
  t.same(client.send('cluster', []), []);
  t.same(client.send('listener', []), ['listener renamed']);
  t.end();
});
