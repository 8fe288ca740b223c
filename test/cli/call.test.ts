import { fromBinary, toBinary } from '@bufbuild/protobuf';
import { FileDescriptorProtoSchema, FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import { Server, ServerCredentials, type ServerDuplexStream, type ServerWritableStream } from '@grpc/grpc-js';
import t, { type Test } from 'tap';
import { callCommand } from '../../src/cli/call.ts';
import { runCommand } from '../../src/cli/command.ts';
import { systemClock } from '../../src/core/index.ts';
import { SampleLiveStore } from '../../src/demo/index.ts';
import { fileDescriptorSet } from '../../src/gen/descriptors.ts';
import { ServerReflectionRequest, ServerReflectionResponse } from '../../src/gen/grpc/reflection/v1/reflection.ts';
import { memoryIo } from '../support/memory-io.ts';

async function call(...words: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const io = memoryIo();
  const code = await runCommand(callCommand, words, io);
  return { code, ...io.written };
}

async function startLiveStore(t: Test): Promise<string> {
  const anyPort = { host: '127.0.0.1', port: 0 };
  const holding = { partition: 0, partitions: 1, share: 0, shares: 1 };
  const options = {
    id: 'live-store-zone-a-0',
    zone: 'zone-a',
    holding,
    listen: anyPort,
    http: anyPort,
    advertise: '',
    ringUrl: 'http://127.0.0.1:1',
    isMultitenant: true,
  };
  const store = new SampleLiveStore(options, systemClock);
  await store.start();
  t.teardown(() => store.stop());
  return `127.0.0.1:${store.addresses.grpc.port}`;
}

t.test('a method of tempopb by hand', async (t) => {
  const address = await startLiveStore(t);
  const found = await call(address, 'tempopb.Querier/SearchRecent', '-d', '{"limit": 1}', '-H', 'x-scope-orgid: t');
  t.equal(found.stderr, '');
  t.equal(found.code, 0);
  t.match(JSON.parse(found.stdout), { traces: [{ traceID: '72696e67776179000000000000000000' }] });
  const byId = await call(
    address,
    '/tempopb.Querier/FindTraceByID',
    '-H',
    'x-scope-orgid:t',
    '-d',
    '{"traceID": "cmluZ3dheQAAAAAAAAAAAA=="}',
  );
  t.match(JSON.parse(byId.stdout), { trace: { resourceSpans: [{ scopeSpans: [{}] }] } });
  const refused = await call(address, 'grpc.health.v1.Health/Check');
  t.same(refused, { code: 1, stdout: '', stderr: 'ringway call: UNKNOWN: no org id\n' });
  const late = await call(
    address,
    'tempopb.Metrics/QueryRange',
    '-H',
    'x-scope-orgid:t',
    '-H',
    'x-sample-delay-ms:5000',
    '--timeout',
    '50ms',
    '-d',
    '{"step":"1"}',
  );
  t.equal(late.code, 1);
  t.match(late.stderr, /^ringway call: DEADLINE_EXCEEDED: /);
});

t.test('what is wrong is said in one line, with exit 64', async (t) => {
  const address = await startLiveStore(t);
  const wrong = async (words: string[], message: string | RegExp): Promise<void> => {
    const { code, stderr } = await call(...words);
    t.equal(code, 64, words.join(' '));
    t.match(stderr, message);
    t.equal(stderr.split('\n').length, 2, 'one line');
  };
  const search = [address, 'tempopb.Querier/SearchRecent'];
  await wrong([], /no address given/);
  await wrong([address], /no method given; --list/);
  await wrong(['nowhere', 'a.B/C'], /"nowhere" is not host:port/);
  await wrong([address, 'Check'], /"Check" is not package.Service\/Method/);
  await wrong([...search, 'more'], /"more" is one word too many/);
  await wrong([address, 'tempopb.Querier/SearchRecnt'], /has no method SearchRecnt; did you mean SearchRecent\?/);
  await wrong([...search, '-d', '{"limt": 1}'], /-d: .*"limt"/);
  await wrong([...search, '-d', '{'], /-d: /);
  await wrong([...search, '-d', '@/no/such/file'], /-d: ENOENT/);
  await wrong([...search, '-H', 'x'], /-H: "x" is not name:value/);
  await wrong([...search, '--proto', 'none.proto'], /--proto: no such file: none.proto/);
  await wrong([...search, '--proto', 'proto/grpc/health/v1/health.proto'], /no service tempopb.Querier; there are: grpc.health.v1.Health/);
  await wrong([...search, '--tls', '--plaintext'], /exclude each other/);
  const nobody = await call('127.0.0.1:1', 'grpc.health.v1.Health/Check');
  t.equal(nobody.code, 1);
  t.match(nobody.stderr, /^ringway call: UNAVAILABLE: .*ECONNREFUSED/);
  const foreign = await call(address, 'a.B/C');
  t.same(foreign, { code: 1, stdout: '', stderr: 'ringway call: the server has no reflection: give its .proto files with --proto\n' });
});

t.test('--list and --describe, from what is built in and from files', async (t) => {
  const address = await startLiveStore(t);
  const list = await call(address, '--list');
  t.match(list.stderr, 'no reflection');
  t.match(list.stdout.split('\n'), ['grpc.health.v1.Health']);
  t.ok(list.stdout.includes('tempopb.Querier\n'));
  t.equal((await call(address, '--list', '--proto', 'proto/grpc/health/v1/health.proto')).stdout, 'grpc.health.v1.Health\n');
  t.match(
    (await call(address, '--describe', 'tempopb.Querier/FindTraceByID')).stdout,
    /^message tempopb.TraceByIDRequest \{\n {2}bytes traceID = 1;\n/,
  );
  t.match(
    (await call(address, '--describe', 'tempopb.StreamingQuerier')).stdout,
    / {2}rpc Search\(tempopb.SearchRequest\) returns \(stream tempopb.SearchResponse\);\n/,
  );
  t.match((await call(address, '--describe', 'tempopb.SearchMetrics')).stdout, / {2}map<string, int64> additionalMetrics = 10;\n/);
  const health = await call(
    address,
    'grpc.health.v1.Health/Check',
    '-H',
    'x-scope-orgid:t',
    '--proto',
    'proto/grpc/health/v1/health.proto',
  );
  t.same(JSON.parse(health.stdout), { status: 'SERVING' });
});

for (const version of ['v1', 'v1alpha']) {
  t.test(`an unknown service by reflection ${version}, streamed answers included`, async (t) => {
    const address = await startReflecting(t, version);
    t.equal((await call(address, '--list')).stdout, 'sample.Counter\n');
    const counted = await call(address, 'sample.Counter/Count', '-d', '{"to": 2}');
    t.equal(counted.stderr, '');
    t.same([counted.code, counted.stdout], [0, '{\n  "n": 1\n}\n{\n  "n": 2\n}\n']);
    t.match((await call(address, '--describe', 'sample.Counter/Count')).stdout, /message sample.CountRequest/);
    const unknown = await call(address, 'sample.Nope/X');
    t.same(unknown, { code: 1, stdout: '', stderr: 'ringway call: the server knows nothing called "sample.Nope": not found\n' });
  });
}

/** A server with `sample.Counter/Count` whose file imports another, told of one file at a time, and reflection of one version. */
async function startReflecting(t: Test, version: string): Promise<string> {
  const base = fromBinary(FileDescriptorSetSchema, Buffer.from(fileDescriptorSet, 'base64')).file.find((file) =>
    file.name.includes('health'),
  );
  const proto = structuredClone(
    fromBinary(FileDescriptorProtoSchema, toBinary(FileDescriptorProtoSchema, base as NonNullable<typeof base>)),
  );
  proto.name = 'sample/counter.proto';
  proto.package = 'sample';
  const [request, response] = proto.messageType as [(typeof proto.messageType)[number], (typeof proto.messageType)[number]];
  Object.assign(request, { name: 'CountRequest' });
  Object.assign(request.field[0] as object, { name: 'to', jsonName: 'to', type: 13 });
  Object.assign(response, { name: 'CountReply', enumType: [] });
  Object.assign(response.field[0] as object, { name: 'n', jsonName: 'n', type: 13, typeName: '' });
  const service = proto.service[0] as (typeof proto.service)[number];
  service.name = 'Counter';
  service.method = [
    Object.assign(service.method[0] as object, {
      name: 'Count',
      inputType: '.sample.CountRequest',
      outputType: '.sample.CountReply',
      serverStreaming: true,
    }) as never,
  ];
  proto.dependency = ['google/protobuf/empty.proto'];
  const imported = fromBinary(FileDescriptorProtoSchema, new Uint8Array(0));
  Object.assign(imported, { name: 'google/protobuf/empty.proto', package: 'google.protobuf', syntax: 'proto3' });
  const files = new Map([proto, imported].map((file) => [file.name, toBinary(FileDescriptorProtoSchema, file)]));

  const server = new Server();
  const pass = {
    requestSerialize: (b: Buffer) => b,
    requestDeserialize: (b: Buffer) => b,
    responseSerialize: (b: Buffer) => b,
    responseDeserialize: (b: Buffer) => b,
  };
  server.addService(
    { Count: { path: '/sample.Counter/Count', requestStream: false, responseStream: true, originalName: 'Count', ...pass } },
    {
      Count(stream: ServerWritableStream<Buffer, Buffer>) {
        for (let n = 1; n <= (stream.request[1] ?? 0); n += 1) stream.write(Buffer.from([8, n]));
        stream.end();
      },
    },
  );
  server.addService(
    {
      Info: {
        path: `/grpc.reflection.${version}.ServerReflection/ServerReflectionInfo`,
        requestStream: true,
        responseStream: true,
        originalName: 'Info',
        ...pass,
      },
    },
    {
      Info(stream: ServerDuplexStream<Buffer, Buffer>) {
        stream.on('data', (bytes: Buffer) => {
          const messageResponse = reflect(ServerReflectionRequest.decode(bytes), files);
          stream.write(
            Buffer.from(ServerReflectionResponse.encode({ validHost: '', originalRequest: undefined, messageResponse }).finish()),
          );
        });
        stream.on('end', () => stream.end());
      },
    },
  );
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) => (error ? reject(error) : resolve(bound)));
  });
  t.teardown(() => server.forceShutdown());
  return `127.0.0.1:${port}`;
}

function reflect(
  { messageRequest }: ServerReflectionRequest,
  files: ReadonlyMap<string, Uint8Array>,
): ServerReflectionResponse['messageResponse'] {
  if (messageRequest?.$case === 'listServices') return { $case: 'listServicesResponse', value: { service: [{ name: 'sample.Counter' }] } };
  const file =
    messageRequest?.$case === 'fileByFilename'
      ? files.get(messageRequest.value)
      : messageRequest?.$case === 'fileContainingSymbol' && messageRequest.value.startsWith('sample.Counter')
        ? files.get('sample/counter.proto')
        : undefined;
  if (!file) return { $case: 'errorResponse', value: { errorCode: 5, errorMessage: 'not found' } };
  return { $case: 'fileDescriptorResponse', value: { fileDescriptorProto: [file] } };
}
