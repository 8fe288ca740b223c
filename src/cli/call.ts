import { readFileSync } from 'node:fs';
import { Client, credentials } from '@grpc/grpc-js';
import { codeOf, messageOf, parseHostPort } from '../core/index.ts';
import { describe } from './call/describe.ts';
import { invoke, statusError } from './call/invoke.ts';
import { type MethodTable, parseMethodName, pickMethod } from './call/method.ts';
import { readProtoFiles } from './call/proto-files.ts';
import { reflectSchema, reflectServices } from './call/reflection.ts';
import { builtInSchema, methodsOf } from './call/schema.ts';
import { type Command, type CommandIo, EXIT, UsageError } from './command.ts';
import { parseDurationMs, parseFlags } from './flags.ts';

const FLAGS = {
  data: { type: 'string', short: 'd', default: '{}' },
  header: { type: 'string', short: 'H', multiple: true, default: [] as string[] },
  authority: { type: 'string' },
  proto: { type: 'string', multiple: true, default: [] as string[] },
  list: { type: 'boolean', default: false },
  describe: { type: 'boolean', default: false },
  timeout: { type: 'string', default: '10s' },
  plaintext: { type: 'boolean', default: false },
  tls: { type: 'boolean', default: false },
  cacert: { type: 'string' },
} as const;

/** Calls one gRPC method. */
export const callCommand: Command = {
  name: 'call',
  help: () => `Calls a gRPC method, unary or server-streaming, and prints each answer as JSON. Knows tempopb, OTLP and gRPC health; of other
services it asks the server (reflection) or reads .proto files.

usage: ringway call <host:port> <package.Service/Method> [options]
       ringway call <host:port> --list
       ringway call <host:port> --describe <service, method or message>

  -d, --data JSON          the request in proto3 JSON (default {}); @file reads a file; bytes are base64
  -H, --header NAME:VALUE  metadata; may be repeated. Tempo wants x-scope-orgid when it is multitenant
      --authority NAME     :authority, by which an egress sidecar picks the member (default: the address)
      --proto FILE         a .proto file; may be repeated
      --list               the services there are
      --describe           fields and methods, in .proto form
      --timeout TIME       deadline (default 10s)
      --tls                TLS with this machine's roots; --cacert FILE for others (default: plaintext)

The exit code is 0 for gRPC OK, 1 for every other status.

examples:
  ringway call 127.0.0.1:9121 grpc.health.v1.Health/Check
  ringway call 127.0.0.1:9096 tempopb.Querier/SearchRecent -d '{"limit": 3}' -H x-scope-orgid:t --authority 127.0.0.1:9111
  ringway call 127.0.0.1:9096 --describe tempopb.Metrics/QueryRange
`,
  async run(args, io) {
    const { values, positionals } = parseFlags(args, FLAGS);
    const [address, name, ...more] = positionals;
    if (address === undefined) throw new UsageError('no address given');
    if (more.length > 0) throw new UsageError(`"${more[0]}" is one word too many`);
    if (values.plaintext && (values.tls || values.cacert !== undefined)) throw new UsageError('--plaintext and --tls exclude each other');
    parseHostPort(address);
    const client = new Client(address, credentialsOf(values), {
      'grpc.default_authority': values.authority ?? address,
      'grpc.enable_retries': 0,
      'grpc.max_receive_message_length': -1,
    });
    const stop = (): void => client.close();
    io.signal.addEventListener('abort', stop, { once: true });
    try {
      await act(client, name, values, io);
      return EXIT.ok;
    } finally {
      io.signal.removeEventListener('abort', stop);
      client.close();
    }
  },
};

type Values = ReturnType<typeof parseFlags<typeof FLAGS>>['values'];

async function act(client: Client, name: string | undefined, values: Values, io: CommandIo): Promise<void> {
  const timeoutMs = parseDurationMs('--timeout', values.timeout);
  if (values.list) return list(client, values.proto, timeoutMs, io);
  if (name === undefined) throw new UsageError('no method given; --list shows the services');
  if (values.describe) {
    if (values.proto.length > 0) throw new UsageError('--describe and --proto exclude each other: the file is the description');
    io.stdout.write(await describeAnywhere(client, name, timeoutMs));
    return;
  }
  const headers = values.header.map(parseHeader);
  const wanted = parseMethodName(name);
  const table = values.proto.length > 0 ? readProtoFiles(values.proto) : await findTable(client, wanted.service, timeoutMs);
  const method = pickMethod(table, wanted.service, wanted.method);
  const onAnswer = (json: string): void => io.stdout.write(`${json}\n`);
  await invoke(client, { method, json: readData(values.data), headers, timeoutMs, onAnswer });
}

async function list(client: Client, files: readonly string[], timeoutMs: number, io: CommandIo): Promise<void> {
  if (files.length > 0) return void io.stdout.write(`${[...readProtoFiles(files).keys()].join('\n')}\n`);
  try {
    io.stdout.write(`${(await reflectServices(client, timeoutMs)).join('\n')}\n`);
  } catch (error) {
    if (codeOf(error) !== 'NO_REFLECTION') throw statusError(error);
    io.stderr.write('the server has no reflection; these are built in:\n');
    io.stdout.write(`${[...methodsOf(builtInSchema()).keys()].join('\n')}\n`);
  }
}

async function describeAnywhere(client: Client, name: string, timeoutMs: number): Promise<string> {
  const known = describe(builtInSchema(), name);
  if (known !== undefined) return known;
  const symbol = name.replace(/^\//, '').replace('/', '.');
  const text = describe(await reflected(client, symbol, timeoutMs), name);
  if (text === undefined) throw new UsageError(`nothing called "${name}"; --list shows the services`);
  return text;
}

/** The built-in services, or those the server tells of when it is none of them. */
async function findTable(client: Client, service: string, timeoutMs: number): Promise<MethodTable> {
  const builtIn = methodsOf(builtInSchema());
  return builtIn.has(service) ? builtIn : methodsOf(await reflected(client, service, timeoutMs));
}

async function reflected(client: Client, symbol: string, timeoutMs: number): ReturnType<typeof reflectSchema> {
  try {
    return await reflectSchema(client, symbol, timeoutMs);
  } catch (error) {
    throw statusError(error);
  }
}

function parseHeader(text: string): [string, string] {
  const match = /^([\w.-]+)\s*[:=]\s*(.*)$/.exec(text);
  if (!match) throw new UsageError(`-H: "${text}" is not name:value`);
  return [(match[1] as string).toLowerCase(), match[2] as string];
}

function readData(data: string): string {
  if (!data.startsWith('@')) return data;
  try {
    return readFileSync(data.slice(1), 'utf8');
  } catch (error) {
    throw new UsageError(`-d: ${messageOf(error)}`, error);
  }
}

function credentialsOf({ tls, cacert }: Values): ReturnType<typeof credentials.createInsecure> {
  if (cacert !== undefined) return credentials.createSsl(readRoots(cacert));
  return tls ? credentials.createSsl() : credentials.createInsecure();
}

function readRoots(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (error) {
    throw new UsageError(`--cacert: ${messageOf(error)}`, error);
  }
}
