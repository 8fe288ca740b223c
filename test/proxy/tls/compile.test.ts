import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { DataSource, TransportSocket, WatchedDirectory } from '../../../src/gen/envoy/config/core/v3/base.ts';
import { RawBuffer } from '../../../src/gen/envoy/extensions/transport_sockets/raw_buffer/v3/raw_buffer.ts';
import {
  CertificateValidationContext,
  TlsCertificate,
  TlsParameters,
} from '../../../src/gen/envoy/extensions/transport_sockets/tls/v3/common.ts';
import {
  CommonTlsContext,
  DownstreamTlsContext,
  UpstreamTlsContext,
} from '../../../src/gen/envoy/extensions/transport_sockets/tls/v3/tls.ts';
import { compileDownstreamTransport, compileUpstreamTransport } from '../../../src/proxy/tls/index.ts';
import { makeCertificate, writeCertificates } from '../../support/certificates.ts';
import { anyOf, message } from '../../support/message.ts';
import { startSidecar } from '../../support/sidecar.ts';
import { tlsSources } from '../../support/tls-sources.ts';

const folder = t.testdir({ 'junk.pem': 'junk\n', 'empty.pem': '' });
const made = writeCertificates(folder);
const rsa = makeCertificate('rsa', { keyKind: 'rsa' });
writeFileSync(
  join(folder, 'locked.key'),
  made.server.key.export({ type: 'pkcs8', format: 'pem', cipher: 'aes-128-cbc', passphrase: 'open sesame' }),
);

const file = (name: string): DataSource => message(DataSource, { specifier: { $case: 'filename', value: join(folder, name) } });
const text = (value: string): DataSource => message(DataSource, { specifier: { $case: 'inlineString', value } });
const own = (fields: Partial<TlsCertificate> = {}): TlsCertificate =>
  message(TlsCertificate, { certificateChain: file('server.crt'), privateKey: file('server.key'), ...fields });
const TLS = 'envoy.extensions.transport_sockets.tls.v3';

function socket(type: string, any: TransportSocket['configType']): TransportSocket {
  return message(TransportSocket, { name: type, configType: any });
}

function downstream(common: Partial<CommonTlsContext>, more: Partial<DownstreamTlsContext> = {}): TransportSocket {
  const commonTlsContext = message(CommonTlsContext, { tlsCertificates: [own()], ...common });
  const value = anyOf(`${TLS}.DownstreamTlsContext`, DownstreamTlsContext, { commonTlsContext, ...more });
  return socket('tls', { $case: 'typedConfig', value });
}

const compile = (common: Partial<CommonTlsContext>, more?: Partial<DownstreamTlsContext>): unknown =>
  compileDownstreamTransport('transport_socket', downstream(common, more), tlsSources);
const validation = (fields: Partial<CertificateValidationContext>): Partial<CommonTlsContext> => ({
  validationContextType: { $case: 'validationContext', value: message(CertificateValidationContext, fields) },
});
const AT = 'transport_socket.common_tls_context';

t.test('plain and secured', (t) => {
  const raw = socket('raw', {
    $case: 'typedConfig',
    value: anyOf('envoy.extensions.transport_sockets.raw_buffer.v3.RawBuffer', RawBuffer),
  });
  t.equal(compileDownstreamTransport('transport_socket', undefined, tlsSources), null);
  t.equal(compileDownstreamTransport('transport_socket', raw, tlsSources), null);
  t.equal(compileUpstreamTransport('transport_socket', raw, tlsSources), null);
  t.ok(compile({}));
  t.ok(compile({ tlsCertificates: [own({ privateKey: file('locked.key'), password: text('open sesame') })] }));
  t.ok(compile({ tlsCertificates: [own(), own({ certificateChain: text(rsa.certificate), privateKey: text(rsa.privateKey) })] }));
  const inBytes = message(DataSource, { specifier: { $case: 'inlineBytes', value: Buffer.from(made.server.privateKey) } });
  t.ok(compile({ tlsCertificates: [own({ privateKey: inBytes })] }));
  const named = message(DataSource, { specifier: { $case: 'environmentVariable', value: 'SERVER_KEY' } });
  const sources = { ...tlsSources, environment: { SERVER_KEY: made.server.privateKey } };
  t.ok(compileDownstreamTransport('transport_socket', downstream({ tlsCertificates: [own({ privateKey: named })] }), sources));
  const empty = socket('tls', {
    $case: 'typedConfig',
    value: anyOf(`${TLS}.UpstreamTlsContext`, UpstreamTlsContext, { sni: 'a.b', autoHostSni: true }),
  });
  t.match(compileUpstreamTransport('transport_socket', empty, tlsSources), { serverName: { from: 'hostname', sni: 'a.b' } });
  t.throws(() => compileUpstreamTransport('transport_socket', downstream({}), tlsSources), {
    message: /^transport_socket: .*DownstreamTlsContext is not supported \(only .*UpstreamTlsContext, .*RawBuffer\)$/,
  });
  t.end();
});

t.test('bad files are named with their field, and no key is ever shown', (t) => {
  const pair = `${AT}.tls_certificates[0]`;
  const certificate = (fields: Partial<TlsCertificate>): Partial<CommonTlsContext> => ({ tlsCertificates: [own(fields)] });
  const at = (name: string): string => join(folder, name);
  const refusals: readonly [Partial<CommonTlsContext>, string | RegExp][] = [
    [{ tlsCertificates: [] }, `${AT}.tls_certificates: No TLS certificates found for server context`],
    [certificate({ certificateChain: file('none.crt') }), `${pair}.certificate_chain.filename: cannot read ${at('none.crt')} (ENOENT)`],
    [certificate({ certificateChain: file('empty.pem') }), `${pair}.certificate_chain.filename: ${at('empty.pem')} is empty`],
    [certificate({ certificateChain: file('junk.pem') }), /\.certificate_chain: failed to load certificate chain from .*junk\.pem: /],
    [certificate({ privateKey: undefined }), `${pair}.private_key: is required`],
    [certificate({ privateKey: file('junk.pem') }), /\.private_key: failed to load private key from .*junk\.pem: /],
    [certificate({ privateKey: file('locked.key') }), /\.private_key: failed to load private key from .*locked\.key: /],
    [
      certificate({ privateKey: file('locked.key'), password: text('wrong') }),
      /\.private_key: failed to load private key from .*locked\.key: /,
    ],
    [
      certificate({ privateKey: file('client.key') }),
      `${pair}.private_key: ${at('client.key')} is not the key of the certificate in ${at('server.crt')}`,
    ],
    [
      certificate({ privateKey: text(made.client.privateKey) }),
      `${pair}.private_key: <inline> is not the key of the certificate in ${at('server.crt')}`,
    ],
    [
      certificate({ privateKey: message(DataSource, { specifier: { $case: 'environmentVariable', value: 'NO' } }) }),
      /environment variable NO is empty$/,
    ],
    [
      { tlsCertificates: [own(), own()] },
      `${AT}.tls_certificates[1]: a second certificate with a key of kind ec is not supported (one of each kind)`,
    ],
    [
      validation({ trustedCa: file('junk.pem') }),
      /\.trusted_ca: failed to load trusted CA certificates from .*junk\.pem: no PEM certificate in it$/,
    ],
    [validation({ trustedCa: text(made.ca.certificate.replace('MII', 'AAA')) }), /\.trusted_ca: .* from <inline>: certificate 1: /],
    [validation({ trustedCa: file('ca.crt'), crl: file('junk.pem') }), /\.crl: failed to load CRL from .*junk\.pem: /],
    [validation({ verifyCertificateHash: ['zz'] }), `${AT}.validation_context.verify_certificate_hash: invalid hex-encoded SHA-256`],
    [validation({ verifyCertificateSpki: ['zz'] }), `${AT}.validation_context.verify_certificate_spki: invalid base64-encoded SHA-256`],
  ];
  for (const [common, expected] of refusals) t.throws(() => compile(common), { name: 'CompileError', message: expected }, String(expected));
  for (const [common] of refusals) {
    try {
      compile(common);
    } catch (error) {
      const shown = String((error as Error).stack);
      for (const { privateKey } of [made.server, made.client]) t.notOk(shown.includes(privateKey.split('\n')[1] ?? '?'));
      t.notOk(shown.includes('open sesame'));
    }
  }
  t.end();
});

t.test('parameters: what OpenSSL has is taken, what it has not is refused by name', (t) => {
  const parameters = (fields: Partial<TlsParameters>): unknown => compile({ tlsParams: message(TlsParameters, fields) });
  t.ok(parameters({ cipherSuites: ['[ECDHE-ECDSA-AES128-GCM-SHA256|ECDHE-ECDSA-CHACHA20-POLY1305]', 'ECDHE-RSA-AES128-SHA:AES256-SHA'] }));
  t.ok(parameters({ ecdhCurves: ['X25519MLKEM768', 'X25519', 'P-256', 'P-384', 'P-521'] }));
  t.ok(parameters({ signatureAlgorithms: ['ecdsa_secp256r1_sha256', 'rsa_pss_rsae_sha256', 'ed25519'] }));
  t.ok(parameters({ tlsMinimumProtocolVersion: 4, tlsMaximumProtocolVersion: 4 }));
  for (const [fields, expected] of [
    [
      { cipherSuites: ['DES-CBC3-SHA'] },
      /^transport_socket\.common_tls_context\.tls_params\.cipher_suites: DES-CBC3-SHA is not supported \(only /,
    ],
    [{ cipherSuites: ['TLS_AES_128_GCM_SHA256'] }, /TLS_AES_128_GCM_SHA256 is not supported/],
    [{ ecdhCurves: ['P-999'] }, /\.ecdh_curves: P-999 is not supported \(only X25519, P-256, P-384, P-521, X25519MLKEM768\)$/],
    [{ signatureAlgorithms: ['rsa_pkcs1_sha1'] }, /\.signature_algorithms: rsa_pkcs1_sha1 is not supported/],
    [{ tlsMinimumProtocolVersion: 1 }, /\.tls_minimum_protocol_version: only TLSv1_2 and TLSv1_3 are supported$/],
    [{ tlsMaximumProtocolVersion: 2 }, /\.tls_maximum_protocol_version: only TLSv1_2 and TLSv1_3 are supported$/],
    [{ tlsMinimumProtocolVersion: 4, tlsMaximumProtocolVersion: 3 }, /TLSv1\.2 is below the minimum TLSv1\.3$/],
  ] as const) {
    t.throws(() => parameters(fields as Partial<TlsParameters>), { message: expected });
  }
  t.end();
});

t.test('SDS and its like are refused by name', (t) => {
  const sds = { name: 's', sdsConfig: undefined };
  t.throws(() => compile({ tlsCertificateSdsSecretConfigs: [sds] }), {
    message: `${AT}.tls_certificate_sds_secret_configs: is not supported`,
  });
  t.throws(() => compile({ validationContextType: { $case: 'validationContextSdsSecretConfig', value: sds } }), {
    message: `${AT}.validation_context_sds_secret_config: is not supported`,
  });
  t.throws(() => compile({ tlsCertificates: [own({ watchedDirectory: message(WatchedDirectory, { path: folder }) })] }), {
    message: `${AT}.tls_certificates[0].watched_directory: is not supported`,
  });
  t.end();
});

t.test('config_dump shows no key', async (t) => {
  const sidecar = await startSidecar(`
admin: { address: { socket_address: { address: 127.0.0.1, port_value: 0 } } }
static_resources:
  listeners:
  - name: l
    address: { socket_address: { address: 127.0.0.1, port_value: 0 } }
    filter_chains:
    - transport_socket:
        name: tls
        typed_config:
          "@type": type.googleapis.com/${TLS}.DownstreamTlsContext
          common_tls_context:
            tls_certificates:
            - certificate_chain: { inline_string: ${JSON.stringify(made.server.certificate)} }
              private_key: { inline_string: ${JSON.stringify(made.server.privateKey)} }
      filters:
      - { name: tcp, typed_config: { "@type": type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy, stat_prefix: t, cluster: c } }
`);
  const dump = await sidecar.admin('/config_dump');
  t.ok(dump.includes(JSON.stringify(made.server.certificate)));
  t.notOk(dump.includes(made.server.privateKey.split('\n')[1] ?? '?'));
  t.ok(dump.includes('"inline_string": "[redacted]"'));
  await sidecar.role.stop();
});
