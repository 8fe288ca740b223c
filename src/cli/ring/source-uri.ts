import { UsageError } from '../command.ts';

/** A way to write a source in one word. */
interface Form {
  readonly example: string;
  readonly pattern: RegExp;
  /** One entry of `sources` in ringway.yaml; what is wrong in it is for the schema to say. */
  read(match: RegExpExecArray, text: string): Readonly<Record<string, unknown>>;
}

const FORMS: readonly Form[] = [
  { example: 'http://querier:3200', pattern: /^https?:\/\//, read: (_, text) => ({ tempo: { urls: text.split(',') } }) },
  {
    example: 'gossip://host:7946[,host:7946][?label=LABEL]',
    pattern: /^gossip:\/\/([^?]+)(?:\?label=(.*))?$/,
    read: ([, hosts = '', label]) => ({ gossip: { seeds: hosts.split(','), ...(label === undefined ? {} : { clusterLabel: label }) } }),
  },
  {
    example: 'nats://host:4222[?bucket=BUCKET]',
    pattern: /^(nats|tls):\/\/([^?]+)(?:\?bucket=(.*))?$/,
    read: ([, scheme, hosts = '', bucket]) => ({
      // Who writes nats:// here means it.
      nats: { servers: hosts.split(',').map((host) => `${scheme}://${host}`), insecure: true, ...(bucket === undefined ? {} : { bucket }) },
    }),
  },
  {
    example: 'etcd://host:2379',
    pattern: /^etcd:\/\/(.+)$/,
    read: ([, hosts = '']) => ({ etcd: { endpoints: hosts.split(',').map((host) => `http://${host}`) } }),
  },
  { example: 'consul://host:8500', pattern: /^consul:\/\/(.+)$/, read: ([, host]) => ({ consul: { url: `http://${host}` } }) },
  {
    example: 'dns:name:port',
    pattern: /^dns:([^:]+):(\d+)$/,
    read: ([, name, port]) => ({ dns: { name, port: Number(port), records: 'A+AAAA' } }),
  },
  { example: 'dnssrv:name', pattern: /^dnssrv:([^:]+)$/, read: ([, name]) => ({ dns: { name, records: 'SRV' } }) },
  {
    example: 'kubernetes:[namespace/]service:port',
    pattern: /^kubernetes:(?:([^/:]+)\/)?([^/:]+):([^:]+)$/,
    read: ([, namespace, service, port = '']) => ({
      kubernetes: { service, port: /^\d+$/.test(port) ? Number(port) : port, ...(namespace === undefined ? {} : { namespace }) },
    }),
  },
  { example: 'members.yaml', pattern: /\.(ya?ml|json)$/, read: (_, file) => ({ static: { file } }) },
];

/** All of them, for help texts and errors. */
export const sourceForms: string = FORMS.map(({ example }) => example).join(', ');

/** A source in one word as an entry of `sources` in ringway.yaml; null when it has none of the forms. */
export function parseSourceUri(text: string): Readonly<Record<string, unknown>> | null {
  for (const { pattern, read } of FORMS) {
    const match = pattern.exec(text);
    if (match) return read(match, text);
  }
  return null;
}

/** The same for a flag. Throws UsageError that lists the forms. */
export function requireSourceUri(flag: string, text: string): Readonly<Record<string, unknown>> {
  const source = parseSourceUri(text);
  if (source === null) throw new UsageError(`${flag}: "${text}" is not a source; allowed: ${sourceForms}`);
  return source;
}
