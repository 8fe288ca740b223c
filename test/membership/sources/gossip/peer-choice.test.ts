import t from 'tap';
import { seededRandom } from '../../../../src/core/index.ts';
import { askEveryMs, choosePeers, isAskable, type PeerHealth } from '../../../../src/membership/sources/gossip/peer-choice.ts';

const peers = (count: number, from = 1) => Array.from({ length: count }, (_, i) => ({ host: `10.0.0.${from + i}`, port: 7946 }));
const nobody = (): undefined => undefined;

t.test('all seeds up to sixteen, of more some at random', async (t) => {
  t.strictSame([...choosePeers(peers(3), [], nobody, () => 0.5).keys()], ['10.0.0.1:7946', '10.0.0.2:7946', '10.0.0.3:7946']);
  t.equal(choosePeers([...peers(3), ...peers(3)], [], nobody, () => 0.5).size, 3, 'each once');
  t.equal(choosePeers([], [], nobody, () => 0.5).size, 0);
  const random = seededRandom(1);
  const one = [...choosePeers(peers(100), [], nobody, random).keys()];
  const other = [...choosePeers(peers(100), [], nobody, random).keys()];
  t.equal(one.length, 16);
  t.notSame(one.toSorted(), other.toSorted());
});

t.test('who is asked stays, unless it fails and another is there', async (t) => {
  const random = seededRandom(2);
  const first = choosePeers(peers(20), [], nobody, random);
  const keys = [...first.keys()];
  const health = new Map<string, PeerHealth>(keys.map((key) => [key, 'good']));
  const healthOf = (key: string): PeerHealth | undefined => health.get(key);
  t.strictSame([...choosePeers(peers(20), [], healthOf, random).keys()].toSorted(), keys.toSorted());
  health.set(keys[3] ?? '', 'failed');
  health.set(keys[5] ?? '', 'new');
  const next = choosePeers(peers(20), [], healthOf, random);
  t.equal(next.has(keys[3] ?? ''), false);
  t.strictSame(
    keys.filter((key) => !next.has(key)),
    [keys[3]],
  );
  const all = choosePeers(peers(16), [], (key) => (key === '10.0.0.1:7946' ? 'failed' : undefined), random);
  t.ok(all.has('10.0.0.1:7946'), 'without another it is asked again and again');
});

t.test('learned peers fill up to eight, and give way to seeds', async (t) => {
  const chosen = choosePeers(peers(2), peers(50, 2), nobody, () => 0.5);
  t.equal(chosen.size, 8);
  t.equal([...chosen.values()].filter(({ origin }) => origin === 'learned').length, 6);
  t.equal(chosen.get('10.0.0.2:7946')?.origin, 'seed');
  t.equal(
    [...choosePeers(peers(9), peers(50, 100), nobody, () => 0.5).values()].every(({ origin }) => origin === 'seed'),
    true,
  );
});

t.test('large replies are asked for less often, but of two peers each time', async (t) => {
  t.equal(askEveryMs(1000, 1, 20_000_000), 1000, 'one alone');
  t.equal(askEveryMs(1000, 16, 0), 1000);
  t.equal(askEveryMs(1000, 16, 128 * 1024), 1000, 'two MiB in all');
  t.equal(askEveryMs(1000, 16, 128 * 1024 + 1), 2000);
  t.equal(askEveryMs(1000, 16, 500_000), 4000);
  t.equal(askEveryMs(1000, 16, 20_000_000), 8000);
  t.equal(askEveryMs(1000, 3, 20_000_000), 1500);
});

t.test('addresses that a peer only claims: of other machines, loopback where the peer is there itself', async (t) => {
  const isAsked = (host: string, teller = '10.0.0.1'): boolean => isAskable({ host, port: 7946 }, teller);
  for (const host of ['10.1.2.3', '192.168.0.1', '172.16.0.9', '100.64.0.1', '8.8.8.8', 'fd00::1', '2a00::1', '::ffff:10.0.0.1'])
    t.equal(isAsked(host), true, host);
  for (const host of [
    '0.0.0.0',
    '::',
    '127.0.0.1',
    '::1',
    '169.254.169.254',
    'fe80::1',
    '224.0.0.1',
    'ff02::1',
    '255.255.255.255',
    '240.0.0.1',
    'tempo',
    '',
  ])
    t.equal(isAsked(host), false, host);
  t.equal(isAsked('127.0.0.5', '127.0.0.1'), true);
  t.equal(isAsked('::1', '127.0.0.1'), true);
  t.equal(isAsked('0.0.0.0', '127.0.0.1'), false);
});
