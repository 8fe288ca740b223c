import t from 'tap';
import { addressKey, createAddressPolicy } from '../../src/membership/index.ts';

/** Each address with the reason why it is refused, or null. */
function check(allowed: readonly string[] | null, expected: Readonly<Record<string, string | null>>): void {
  const policy = createAddressPolicy(allowed);
  for (const [address, reason] of Object.entries(expected))
    t.equal(policy(address), reason === null ? null : `address "${address}" ${reason}`, `${JSON.stringify(allowed)}: ${address}`);
}

const LOOPBACK = 'is a loopback address (allowed only when allowedAddresses lists it)';
const LINK_LOCAL = 'is a link-local address (allowed only when allowedAddresses lists it)';
const METADATA = 'is a metadata address (allowed only when allowedAddresses lists it)';
const NOT_LISTED = 'is not in allowedAddresses';

t.test('without a list everything that can be dialled, but nothing special', async () => {
  check(null, {
    '10.0.0.1:9096': null,
    '203.0.113.9:1': null,
    '[fd00::1]:65535': null,
    'live-store-0.stores.example:9096': null,
    'live_store:9096': null,
    'a.example.:9096': null,
    '127.0.0.1:9096': LOOPBACK,
    '127.9.9.9:9096': LOOPBACK,
    '[::1]:9096': LOOPBACK,
    'localhost:9096': LOOPBACK,
    'LocalHost.:9096': LOOPBACK,
    'a.localhost:9096': LOOPBACK,
    'localhost.localdomain:9096': LOOPBACK,
    '169.254.1.1:9096': LINK_LOCAL,
    '[fe80::1]:9096': LINK_LOCAL,
    '169.254.169.254:80': METADATA,
    '[fd00:ec2::254]:80': METADATA,
    'metadata.google.internal:80': METADATA,
  });
});

t.test('what nobody can dial, or what hides another address, no list allows', async () => {
  const expected = {
    '0.0.0.0:9096': 'is the unspecified address',
    '0.1.2.3:9096': 'is the unspecified address',
    '[::]:9096': 'is the unspecified address',
    ':9096': 'names no host',
    '224.0.0.1:9096': 'is a multicast address',
    '[ff02::1]:9096': 'is a multicast address',
    '255.255.255.255:9096': 'is the broadcast address',
    '[::ffff:10.0.0.1]:9096': 'is an IPv4 address inside IPv6',
    '[::ffff:127.0.0.1]:9096': 'is an IPv4 address inside IPv6',
    '[::7f00:1]:9096': 'is an IPv4 address inside IPv6',
    '[::127.0.0.1]:9096': 'is an IPv4 address inside IPv6',
    '[64:ff9b::a9fe:a9fe]:80': 'is an IPv4 address inside IPv6',
    '[2002:7f00:1::]:9096': 'is an IPv4 address inside IPv6',
    '[2001:0:7f00:1::]:9096': 'is an IPv4 address inside IPv6',
    '[fe80::1%eth0]:9096': 'has an IPv6 zone',
    '10.0.0.1:0': 'has port 0',
    '127.1:9096': 'is not an address in the usual form',
    '2130706433:9096': 'is not an address in the usual form',
    '0x7f000001:9096': 'is not an address in the usual form',
    '0177.0.0.1:9096': 'is not an address in the usual form',
    'a.1:9096': 'is not an address in the usual form',
    '10.0.0.1': 'is not host:port',
    '10.0.0.1:70000': 'is not host:port',
    'fd00::1:9096': 'is not host:port',
    'a/b:9096': 'is not an address or a DNS name',
    'a b:9096': 'is not an address or a DNS name',
    'a..b:9096': 'is not an address or a DNS name',
    '-a:9096': 'is not an address or a DNS name',
    'unix:/x': 'is not host:port',
    '': 'is not host:port',
  };
  check(null, expected);
  check(['0.0.0.0/0', '::/0'], expected);
});

t.test('with a list only what is in it', async () => {
  check(['10.0.0.0/8', 'fd00::/8', '192.0.2.7'], {
    '10.255.0.1:1': null,
    '[fd12::1]:1': null,
    '192.0.2.7:1': null,
    '192.0.2.8:1': NOT_LISTED,
    '11.0.0.1:1': NOT_LISTED,
    '[fe12::1]:1': NOT_LISTED,
  });
  check([], { '10.0.0.1:1': NOT_LISTED });
});

t.test('special addresses need an entry within their own range', async () => {
  check(['0.0.0.0/0', '::/0'], {
    '10.0.0.1:1': null,
    '127.0.0.1:1': LOOPBACK,
    '[::1]:1': LOOPBACK,
    '169.254.1.1:1': LINK_LOCAL,
    '169.254.169.254:1': METADATA,
    '[fd00:ec2::254]:1': METADATA,
  });
  check(['127.0.0.0/8', '::1', '169.254.0.0/16'], {
    '127.0.0.11:9196': null,
    '[::1]:1': null,
    '169.254.1.1:1': null,
    '169.254.169.254:1': METADATA,
    '10.0.0.1:1': NOT_LISTED,
  });
  check(['126.0.0.0/7'], { '127.0.0.1:1': LOOPBACK, '126.0.0.1:1': null });
  check(['169.254.169.254', 'fd00:ec2::254/128', 'localhost'], {
    '169.254.169.254:1': null,
    '[fd00:ec2::254]:1': null,
    'LOCALHOST:1': null,
  });
});

t.test('a name passes a list of ranges, and needs to be in a list that has names', async () => {
  check(['10.0.0.0/8'], { 'a.example:1': null, 'localhost:1': LOOPBACK });
  check(['10.0.0.0/8', 'a.example', '*.stores.example'], {
    'a.example:1': null,
    'A.Example.:1': null,
    'b.stores.example:1': null,
    'c.b.stores.example:1': null,
    'stores.example:1': NOT_LISTED,
    'evilstores.example:1': NOT_LISTED,
    '10.0.0.1:1': null,
    '11.0.0.1:1': NOT_LISTED,
  });
  check(['*.internal', '*.localhost'], { 'metadata.google.internal:1': METADATA, 'a.localhost:1': LOOPBACK, 'b.internal:1': null });
});

t.test('two texts of one place have one key', async (t) => {
  t.equal(addressKey('Stores.Example.:1'), addressKey('stores.example:1'));
  t.equal(addressKey('[FD00:0:0::1]:1'), '[fd00::1]:1');
  t.equal(addressKey('10.0.0.1:1'), '10.0.0.1:1');
  t.not(addressKey('10.0.0.1:1'), addressKey('10.0.0.1:2'));
  t.equal(addressKey('nonsense'), 'nonsense');
});
