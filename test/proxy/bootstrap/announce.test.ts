import t from 'tap';
import { parseHostPort } from '../../../src/core/index.ts';
import { readMessage } from '../../../src/envoy/index.ts';
import type { Bootstrap } from '../../../src/gen/envoy/config/bootstrap/v3/bootstrap.ts';
import {
  type AnnounceTexts,
  advertisedAddress,
  inboundBootstrap,
  parseAnnounce,
  planAnnouncement,
} from '../../../src/proxy/bootstrap/index.ts';
import type { AnnounceSettings } from '../../../src/proxy/bootstrap/types.ts';

const NATS = ['nats://nats:4222'];
const flag = (key: string): string => `--${key.replaceAll('_', '-')}`;
const parse = (texts: AnnounceTexts): AnnounceSettings | null => parseAnnounce(texts, flag);

t.test('nothing is announced unless a server is named', async (t) => {
  t.equal(parse({}), null);
  t.throws(() => parse({ partition: '0' }), { code: 'BAD_ANNOUNCE', message: '--partition goes with --nats' });
});

t.test('defaults', async (t) => {
  t.strictSame(parse({ nats: NATS }), {
    nats: { servers: NATS, login: null, tls: null, bucket: 'ringway' },
    advertise: null,
    partition: 'from the id',
    healthTenant: '0',
  });
});

t.test('ways to log in', async (t) => {
  const login = (texts: AnnounceTexts): unknown => parse({ nats: NATS, ...texts })?.nats.login;
  t.strictSame(login({ nats_creds: 'a.creds' }), { kind: 'credentials', file: 'a.creds' });
  t.strictSame(login({ nats_nkey: 'a.nk' }), { kind: 'nkey', file: 'a.nk' });
  t.strictSame(login({ nats_token_file: 't' }), { kind: 'token', token: { kind: 'file', file: 't' } });
  t.strictSame(login({ nats_user: 'u', nats_password_file: 'p' }), { kind: 'password', user: 'u', password: { kind: 'file', file: 'p' } });
});

t.test('what is wrong is said with the name of the flag and what is allowed', async (t) => {
  const cases: readonly (readonly [texts: AnnounceTexts, message: string])[] = [
    [{ nats: [] }, '--nats is empty; one or more servers are needed'],
    [{ nats: ['http://nats:4222'] }, '--nats: "http://nats:4222" is not nats://host:port or tls://host:port, without credentials'],
    [
      { nats: ['nats://u:geheim@nats:4222'] },
      '--nats: "nats://…@nats:4222" is not nats://host:port or tls://host:port, without credentials',
    ],
    [{ nats_creds: 'a', nats_token_file: 'b' }, '--nats-creds and --nats-token-file are two ways to log in; one is allowed'],
    [{ nats_user: 'u' }, '--nats-user needs --nats-password-file'],
    [{ nats_password_file: 'p' }, '--nats-password-file needs --nats-user'],
    [{ nats_user: '', nats_password_file: 'p' }, '--nats-user is empty; a name is needed'],
    [{ nats_cert: 'c' }, '--nats-cert needs --nats-key'],
    [{ nats_ca: '' }, '--nats-ca is empty; the name of a file is needed'],
    [{ nats_bucket: 'a b' }, '--nats-bucket: "a b" is not a bucket; letters, digits, "_" and "-" are allowed'],
    [{ partition: 'x' }, '--partition: "x" is not a whole number from 0 to 2147483647, nor none'],
    [{ partition: '2147483648' }, '--partition: "2147483648" is not a whole number from 0 to 2147483647, nor none'],
    [{ health_tenant: 'a b' }, '--health-tenant: "a b" is not a tenant; 1 to 150 printable characters without blanks are allowed'],
    [
      { advertise: '0.0.0.0:9096' },
      '--advertise: address "0.0.0.0:9096" is the unspecified address; host:port that others can dial is needed',
    ],
    [{ advertise: '[::]:9096' }, '--advertise: address "[::]:9096" is the unspecified address; host:port that others can dial is needed'],
    [{ advertise: ':9096' }, '--advertise: address ":9096" names no host; host:port that others can dial is needed'],
    [
      { advertise: '[fe80::1%eth0]:9096' },
      '--advertise: address "[fe80::1%eth0]:9096" has an IPv6 zone; host:port that others can dial is needed',
    ],
    [{ advertise: '10.0.0.7' }, '--advertise: address "10.0.0.7" is not host:port; host:port that others can dial is needed'],
    [{ advertise: '10.0.0.7:0' }, '--advertise: address "10.0.0.7:0" has port 0; host:port that others can dial is needed'],
  ];
  for (const [texts, message] of cases) t.throws(() => parse({ nats: NATS, ...texts }), { code: 'BAD_ANNOUNCE', message });
});

t.test('by hand, loopback and names may be advertised', async (t) => {
  for (const advertise of ['127.0.0.1:9111', '[::1]:9111', '10.0.0.7:9096', 'live-store-0.live-store:9096'])
    t.equal(parse({ nats: NATS, advertise })?.advertise, advertise);
});

interface Given {
  readonly listen?: string;
  readonly local?: string;
  readonly member?: string;
  readonly announce?: AnnounceTexts;
}

function composed({
  listen = '0.0.0.0:9096',
  local = '127.0.0.1:9095',
  member = 'live-store-zone-a-3',
  announce = {},
}: Given = {}): Bootstrap {
  const settings = parse({ nats: NATS, ...announce });
  return inboundBootstrap({
    ...{ ring: 'live-store', zone: 'zone-a', listen: parseHostPort(listen), local: parseHostPort(local) },
    ...(member === '' ? {} : { member }),
    ...(settings ? { announce: settings } : {}),
  });
}

t.test('a bootstrap says all there is to announce, and what it says is what was given', async (t) => {
  const all: AnnounceTexts = {
    ...{
      nats: ['nats://a:4222', 'tls://b:4222'],
      nats_bucket: 'members',
      advertise: '10.0.0.7:9096',
      partition: 'none',
      health_tenant: 'ops',
    },
    ...{ nats_user: 'u', nats_password_file: '/p', nats_ca: '/ca', nats_cert: '/c', nats_key: '/k' },
  };
  const more: readonly AnnounceTexts[] = [{}, { nats_creds: '/x' }, { nats_nkey: '/x' }, { nats_token_file: '/x' }, { partition: '7' }];
  for (const announce of [all, ...more])
    t.strictSame(planAnnouncement(composed({ announce }))?.settings, parse({ nats: NATS, ...announce }));
  t.match(planAnnouncement(composed({ announce: all })), {
    ...{ ring: 'live-store', member: 'live-store-zone-a-3', zone: 'zone-a', partition: null, listener: 'inbound' },
    ...{ listen: { host: '0.0.0.0', port: 9096 }, local: { host: '127.0.0.1', port: 9095 } },
  });
  t.match(planAnnouncement(composed({ local: 'live-store:9095' }))?.local, { host: 'live-store', port: 9095 });
  t.equal(planAnnouncement(inboundBootstrap({ ring: 'r', listen: parseHostPort(':1'), local: parseHostPort(':2') })), null);
});

t.test("the partition is the number after the last dash of the member's id, as in Tempo", async (t) => {
  const partition = (member: string): number | null | undefined => planAnnouncement(composed({ member }))?.partition;
  t.equal(partition('live-store-zone-a-3'), 3);
  t.equal(partition('live-store-12'), 12);
  t.equal(partition('x-007'), 7);
  for (const member of ['live-store', 'live-store-a', 'a-2147483648', '3'])
    t.throws(() => partition(member), {
      message: `member "${member}" does not end in a dash and a number, its partition; give --partition N or none (node.metadata.ringway.announce.partition)`,
    });
});

/** A bootstrap by hand, with this under `announce`. */
function byHand(
  announce: string,
  more: { readonly cluster?: string; readonly listener?: string; readonly local?: string } = {},
): Bootstrap {
  const address = (port: number): string => `address: { socket_address: { address: 127.0.0.1, port_value: ${port} } }`;
  const { message, errors } = readMessage(
    'envoy.config.bootstrap.v3.Bootstrap',
    `node: { id: a-1, cluster: ${more.cluster ?? 'live-store/inbound'}, metadata: { ringway: { announce: ${announce} } } }
static_resources:
  listeners: [{ name: ${more.listener ?? 'inbound'}, ${address(9096)} }]
  clusters: [{ name: ${more.local ?? 'local'}, load_assignment: { cluster_name: local, endpoints: [{ lb_endpoints: [{ endpoint: { ${address(9095)} } }] }] } }]
`,
    { file: 'x.yaml', format: 'yaml', constraints: false },
  );
  t.strictSame(errors, []);
  return message;
}

t.test('by hand: the fields are named', async (t) => {
  const at = 'node.metadata.ringway.announce';
  t.match(planAnnouncement(byHand('{ nats: "nats://n:4222", partition: 4 }')), {
    partition: 4,
    settings: { nats: { servers: ['nats://n:4222'] } },
  });
  const wrong = (announce: string, message: string | RegExp, more = {}): void => {
    t.throws(() => planAnnouncement(byHand(announce, more)), { code: 'BAD_ANNOUNCE', message });
  };
  wrong('[]', `${at} is not an object`);
  wrong('{ partition: 1 }', `${at}.nats is needed: one or more servers`);
  wrong('{ nats: [], nats_credz: a }', `${at}: no such key "nats_credz"; allowed: nats, nats_creds,`);
  wrong('{ nats: "nats://n:4222", nats_creds: { a: 1 } }', `${at}.nats_creds: {"a":1} is not a text`);
  wrong('{ nats: "nats://n:4222", partition: 1.5 }', `${at}.partition: "1.5" is not a whole number`);
  wrong('{ nats: "nats://n:4222", nats_user: u }', `${at}.nats_user needs ${at}.nats_password_file`);
  wrong('{ nats: "nats://n:4222" }', `${at}: node.cluster "live-store/egress" is not <ring>/inbound`, { cluster: 'live-store/egress' });
  wrong('{ nats: "nats://n:4222" }', `${at}: there is no static listener 'inbound', whose address could be announced`, { listener: 'in' });
  wrong('{ nats: "nats://n:4222" }', `${at}: there is no static cluster 'local', whose health could be asked for`, { local: 'store' });
  t.throws(() => planAnnouncement(composed({ member: '' })), {
    message: 'node.id is needed to announce a member; --service-node or --member says it',
  });
});

t.test('where others dial it', async (t) => {
  const own = ['127.0.0.1', '169.254.3.3', 'fe80::1', 'fd00::9', '10.0.0.9', '10.0.0.10'];
  const found = (given: Given, podIp?: string, addresses: readonly string[] = own): string => {
    const plan = planAnnouncement(composed(given));
    return plan ? advertisedAddress(plan, { podIp, own: addresses }, 9096) : '';
  };
  t.equal(found({ announce: { advertise: 'x:1' } }, '10.0.0.7'), 'x:1', 'what was said');
  t.equal(found({ listen: '10.0.0.8:9096' }, '10.0.0.7'), '10.0.0.8:9096', 'where it listens, if that is one address');
  t.equal(found({}, '10.0.0.7'), '10.0.0.7:9096', '$POD_IP');
  t.equal(found({ listen: '[::]:9096' }, 'fd00::7'), '[fd00::7]:9096');
  t.equal(found({}), '10.0.0.9:9096', 'the first address that the listener takes');
  t.equal(found({}, ''), '10.0.0.9:9096', 'a variable that is empty is none');
  t.equal(found({ listen: '[::]:9096' }), '[fd00::9]:9096');
  const refused = (given: Given, podIp: string | undefined, message: string | RegExp, addresses = own): void => {
    t.throws(() => found(given, podIp, addresses), { code: 'BAD_ANNOUNCE', message });
  };
  const how = 'say what others dial with --advertise host:port (node.metadata.ringway.announce.advertise)';
  refused(
    { listen: '127.0.0.1:9096' },
    undefined,
    `cannot announce what listener 'inbound' listens on: address "127.0.0.1:9096" is a loopback address (allowed only when allowedAddresses lists it); ${how}`,
  );
  refused({}, '0.0.0.0', `cannot announce $POD_IP: address "0.0.0.0:9096" is the unspecified address; ${how}`);
  refused({ listen: '[::]:9096' }, 'fe80::1%eth0', `cannot announce $POD_IP: address "[fe80::1%eth0]:9096" has an IPv6 zone; ${how}`);
  refused({}, 'fd00::7', `cannot announce $POD_IP: address "fd00::7" is IPv6 and the listener takes IPv4 only; ${how}`);
  refused({}, 'pod', /cannot announce \$POD_IP: it is not an IP address/);
  refused({}, undefined, /^nothing to announce: 'inbound' listens on every address, \$POD_IP is not set/, ['127.0.0.1', 'fd00::1']);
});
