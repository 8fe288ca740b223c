import t from 'tap';
import { createAddressJudge, type OwnAddresses } from '../../src/membership/index.ts';

const OWN: OwnAddresses = {
  machine: ['127.0.0.1', '::1', '10.0.0.5', 'fd00::5'],
  listeners: [
    { what: 'xDS port', listen: { host: '', port: 18000 } },
    { what: 'admin port', listen: { host: '127.0.0.1', port: 9902 } },
    { what: 'probe port', listen: { host: '::', port: 9903 } },
    { what: 'other port', listen: { host: '10.0.0.5', port: 7000 } },
    { what: 'unbound port', listen: { host: '', port: 0 } },
  ],
};

const judge = createAddressJudge(['10.0.0.0/8', 'fd00::/8', '127.0.0.0/8', '::1', 'localhost', '*.example'], OWN);

t.test('an address that this process listens on is refused, whatever is allowed', async (t) => {
  const refused: Readonly<Record<string, string>> = {
    '10.0.0.5:18000': 'xDS port',
    '[fd00::5]:18000': 'xDS port',
    '127.0.0.1:18000': 'xDS port',
    '127.0.0.77:18000': 'xDS port',
    'localhost:18000': 'xDS port',
    '127.0.0.1:9902': 'admin port',
    'LOCALHOST.:9902': 'admin port',
    '10.0.0.5:9903': 'probe port',
    '10.0.0.5:7000': 'other port',
  };
  for (const [address, what] of Object.entries(refused))
    t.equal(judge(address).refused, `address "${address}" is the ${what} of the process that reads the ring`);
});

t.test('an address of this machine at which somebody else answers is odd, not refused', async (t) => {
  for (const address of ['10.0.0.5:9096', '[fd00::5]:9096', '[FD00:0::5]:9096', '10.0.0.5:9902'])
    t.match(judge(address), { refused: null, warning: `address "${address}" is one of the machine that reads the ring` });
});

t.test('everything else, and loopback that the operator allowed, is as it was', async (t) => {
  for (const address of ['10.0.0.6:18000', '127.0.0.1:9096', '127.0.0.2:9902', '[::1]:7000', 'a.example:18000', '127.0.0.1:7000'])
    t.match(judge(address), { refused: null, warning: null }, address);
  t.equal(judge('192.0.2.1:18000').refused, 'address "192.0.2.1:18000" is not in allowedAddresses');
  t.equal(judge('nonsense').refused, 'address "nonsense" is not host:port');
});

t.test('the same text has the same verdict, and made-up addresses do not fill the memory', async (t) => {
  const verdict = judge('10.9.9.9:1');
  t.equal(judge('10.9.9.9:1'), verdict);
  const before = process.memoryUsage().heapUsed;
  for (let i = 0; i < 300_000; i += 1) judge(`10.${i >> 16}.${(i >> 8) & 255}.${i & 255}:1`);
  t.ok(process.memoryUsage().heapUsed - before < 150 * 1024 * 1024);
  t.strictSame(judge('10.9.9.9:1'), verdict, 'forgotten and judged anew');
  const long = 'x'.repeat(1000);
  for (let i = 0; i < 300_000; i += 1) judge(`${long}${i}:1`);
  t.ok(process.memoryUsage().heapUsed - before < 150 * 1024 * 1024, 'long ones neither');
  t.equal(judge(`${long}:1`).refused, `address "${'x'.repeat(300)}…" is not host:port`);
});
