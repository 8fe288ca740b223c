import { once } from 'node:events';
import { readFile, stat } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import t from 'tap';
import { bootstrapCommand } from '../../src/cli/bootstrap.ts';
import { runCommand } from '../../src/cli/command.ts';
import { sidecarCommand } from '../../src/cli/sidecar.ts';
import { memoryIo } from '../support/memory-io.ts';
import { clusterYaml, listenerYaml } from '../support/sidecar.ts';

const run = async (args: readonly string[], env: Record<string, string> = {}): Promise<{ code: number; out: string; err: string }> => {
  const io = memoryIo(env);
  const code = await runCommand(sidecarCommand, args, io);
  return { code, out: io.written.stdout, err: io.written.stderr };
};

const statics = (listeners: string, clusters: string): string =>
  `static_resources: { listeners: [${listeners}], clusters: [${clusters}] }\n`;
const IN = listenerYaml('in', 9096, { cluster: 'a' });
const A = clusterYaml('a', '127.0.0.1:9095');

t.test('every bad configuration is one line and exit 1, validated or served', async (t) => {
  const blocker = createServer().listen(0, '127.0.0.1');
  await once(blocker, 'listening');
  const { port } = blocker.address() as { port: number };
  const dir = t.testdir();
  const write = async (name: string, text: string): Promise<string> => {
    const { writeFile } = await import('node:fs/promises');
    await writeFile(join(dir, name), text);
    return join(dir, name);
  };
  const cases: readonly (readonly [title: string, text: string, line: RegExp])[] = [
    ['bad YAML', 'node: [a\n', /bad\.yaml:\d+:\d+: bad YAML/],
    ['empty', '', /bad\.yaml:1:1: empty: expected an object/],
    [
      'an unknown key',
      'foo_bar: 1\n',
      /bad\.yaml:1:1: foo_bar: no such field: 'foo_bar' in message envoy\.config\.bootstrap\.v3\.Bootstrap/,
    ],
    [
      'a nested unknown key',
      'static_resources: { clusters: [{ name: a, bogus: 1 }] }\n',
      /static_resources\.clusters\[0\]\.bogus: no such field: 'bogus'/,
    ],
    ['a wrong type', 'node: { id: 5, cluster: x }\n', /node\.id: expected a string, got the number 5/],
    [
      'a port that is none',
      'admin: { address: { socket_address: { address: 127.0.0.1, port_value: 99999 } } }\n',
      /value must be less than or equal to 65535/,
    ],
    ['a name twice', statics('', `${A}, ${A}`), /cluster manager: duplicate cluster 'a'/],
    ['a route to nowhere', statics(IN, ''), /static listener in: route: unknown cluster 'a'/],
    [
      'what is not supported',
      statics(IN.replace('filter_chains:', 'udp_listener_config: {}, filter_chains:'), A),
      /static listener in: udp_listener_config: is not supported/,
    ],
    [
      'a loop',
      statics(IN, clusterYaml('a', '127.0.0.1:9096')),
      /loop: listener 'in' forwards to cluster 'a' at 127\.0\.0\.1:9096, where listener 'in' listens/,
    ],
    [
      'a loop over every address',
      statics(listenerYaml('in', 9096, { cluster: 'a' }, '0.0.0.0'), clusterYaml('a', '127.0.0.1:9096')),
      /0\.0\.0\.0 is every address of this machine/,
    ],
    [
      'a loop of two',
      statics(
        `${IN}, ${listenerYaml('two', 9097, { cluster: 'b' })}`,
        `${clusterYaml('a', '127.0.0.1:9097')}, ${clusterYaml('b', '127.0.0.1:9096')}`,
      ),
      /loop: listener 'in' forwards to cluster 'a'/,
    ],
    [
      'a stream to nowhere',
      'node: {id: some, cluster: thing}\ndynamic_resources: {ads_config: {api_type: GRPC, grpc_services: [{envoy_grpc: {cluster_name: nope}}]}}\n',
      /Unknown gRPC client cluster 'nope'/,
    ],
    [
      'a stream without a node',
      `dynamic_resources: {ads_config: {api_type: GRPC, grpc_services: [{envoy_grpc: {cluster_name: a}}]}}\n${statics('', A)}`,
      /node 'id' and 'cluster' are required/,
    ],
    ['REST', 'dynamic_resources: {cds_config: {api_config_source: {api_type: REST, cluster_names: [a]}}}\n', /cds_config/],
  ];
  for (const [title, text, line] of cases) {
    const file = await write('bad.yaml', text);
    for (const mode of ['validate', 'serve']) {
      const { code, err, out } = await run(['-c', file, '--mode', mode]);
      t.equal(code, 1, `${title}: ${mode}`);
      t.match(err, line, title);
      t.match(err, /^ringway sidecar: error initializing configuration '.*bad\.yaml': /);
      t.equal(err.trimEnd().split('\n').length, 1, 'one line');
      t.notMatch(err, /\n\s+at /);
      t.equal(out, '');
    }
  }
  const inUse = await write('in-use.yaml', statics(listenerYaml('in', port, { cluster: 'a' }), A));
  t.strictSame(
    await run(['-c', inUse, '--mode', 'validate']),
    { code: 0, out: `configuration '${inUse}' OK\n`, err: '' },
    'validation binds nothing',
  );
  t.match(await run(['-c', inUse]), {
    code: 1,
    err: `error initializing configuration '${inUse}': listener 'in': cannot bind '127.0.0.1:${port}': Address already in use\n`,
  });
  const foreign = await write('foreign.yaml', statics(listenerYaml('in', 0, { cluster: 'a' }, '203.0.113.7'), A));
  t.match(await run(['-c', foreign]), { code: 1, err: "cannot bind '203.0.113.7:0': Cannot assign requested address\n" });
  const admin = await write('admin.yaml', `admin: { address: { socket_address: { address: 127.0.0.1, port_value: ${port} } } }`);
  t.match(await run(['-c', admin]), { code: 1, err: `admin: cannot bind '127.0.0.1:${port}': Address already in use\n` });
  blocker.close();
});

t.test('files and flags that are not there', async (t) => {
  t.match(await run(['-c', '/nope.yaml']), {
    code: 1,
    err: "error initializing configuration '/nope.yaml': Invalid path: /nope.yaml: no such file\n",
  });
  t.match(await run([]), { code: 1, err: /at least one of --config-path \(-c\) and --config-yaml/ });
  const unknown = await run(['--nope']);
  t.match(unknown, { code: 1, err: /^PARSE ERROR: Argument: --nope\n/ });
  t.match(unknown.err, /Usage: ringway sidecar -c <file>/);
  t.match(await run(['-c', '/x.yaml', '--log-path', '/nowhere/at/all'], {}), { code: 1 });
  t.match(await run(['--version']), { code: 0, out: /^ringway sidecar {2}version: / });
});

t.test('a bootstrap from a flag; --config-yaml is laid over the file', async (t) => {
  const dir = t.testdir({ 'e.yaml': 'node: { id: some, cluster: thing }\n' });
  const file = join(dir, 'e.yaml');
  t.match(await run(['--config-yaml', statics(IN, A), '--mode', 'validate']), { code: 0, out: "configuration '--config-yaml' OK\n" });
  t.match(await run(['-c', file, '--config-yaml', 'node: { id: other }', '--mode=validate', '-l', 'off', '--concurrency', '2']), {
    code: 0,
  });
});

t.test('the short forms say what they need: exit 64', async (t) => {
  const cases: readonly (readonly [string[], string])[] = [
    [['inbound'], 'inbound needs --listen host:port'],
    [['egress', '--listen', ':9096'], 'egress needs --control host:port'],
    [['inbound', '--listen', 'nonsense'], '--listen: "nonsense" is not host:port'],
    [['inbound', '--listen', 'example.com:9096'], '"example.com" is not an IP address'],
    [['inbound', '--listen', ':9096', '--local', '127.0.0.1:9096'], 'are the sidecar itself'],
    [['inbound', '--listen', ':9096', '--node', 'x'], '--node is not a flag of inbound'],
    [['egress', '--listen', ':9096', '--control', 'c:1', '--local', ':1'], '--local is not a flag of egress'],
    [['inbound', '--listen', ':9096', '--membr', 'x'], 'unknown option --membr; did you mean --member?'],
    [['inbound', '--listen', ':9096', 'more'], '"more" is one word too many'],
    [['inbound', '--listen', ':9096', '--log-level', 'loud'], '--log-level: "loud" is not one of'],
    [['inbound', '--listen', ':9096', '--drain-time', 'long'], '--drain-time: "long" is not a duration'],
  ];
  for (const [args, text] of cases) {
    const { code, err } = await run(args);
    t.equal(code, 64, args.join(' '));
    t.ok(err.includes(text), `${err} has ${text}`);
    t.equal(err.trimEnd().split('\n').length, 1);
  }
});

t.test('an address not of this machine is one line and exit 1', async (t) => {
  // 192.0.2.0/24 is nobody's: RFC 5737
  const { code, err } = await run(['inbound', '--listen', '192.0.2.1:9096', '--member', 'x-0', '--log-level', 'off']);
  t.equal(code, 1);
  t.equal(err, "ringway sidecar: listener 'inbound': cannot bind '192.0.2.1:9096': Cannot assign requested address\n");
});

t.test('serves until it is asked to stop, tells where, writes the admin address', async (t) => {
  const dir = t.testdir();
  const path = join(dir, 'admin.txt');
  const io = memoryIo();
  const yaml = `admin: { address: { socket_address: { address: 127.0.0.1, port_value: 0 } } }\n${statics(listenerYaml('in', 0, { cluster: 'a' }), A)}`;
  const running = runCommand(
    sidecarCommand,
    ['--config-yaml', yaml, '--admin-address-path', path, '-l', 'off', '--service-zone', 'z', '--concurrency=3'],
    io,
  );
  while (!io.written.stderr.includes('ringway sidecar: ')) await new Promise((resolve) => setImmediate(resolve));
  t.match(io.written.stderr, /^ringway sidecar: in on 127\.0\.0\.1:\d+, pages on http:\/\/127\.0\.0\.1:\d+\/\n$/);
  const address = await readFile(path, 'utf8');
  const info = await (await fetch(`http://${address}/server_info`)).json();
  t.match(info, {
    state: 'LIVE',
    command_line_options: { concurrency: 3, log_level: 'off' },
    node: { locality: { zone: 'z' }, user_agent_name: 'ringway' },
  });
  io.reload();
  await fetch(`http://${address}/quitquitquit`, { method: 'POST' });
  t.equal(await running, 0);
});

t.test('inbound runs from its flags alone; its member is the pod', async (t) => {
  const io = memoryIo({ POD_NAME: 'live-store-zone-a-0' });
  const args = ['inbound', '--listen', '127.0.0.1:0', '--admin', '127.0.0.1:0', '--probe', '127.0.0.1:0', '--log-level', 'off'];
  const running = runCommand(sidecarCommand, args, io);
  while (!io.written.stderr.includes('ringway sidecar: ')) await new Promise((resolve) => setImmediate(resolve));
  const [, admin, probe] = /pages on (http:\S+)\/, probes on (\S+)/.exec(io.written.stderr) ?? [];
  t.match(await (await fetch(`${admin}/server_info`)).json(), { node: { id: 'live-store-zone-a-0', cluster: 'live-store/inbound' } });
  t.equal((await fetch(`http://${probe}/ready`)).status, 200);
  t.equal((await fetch(`http://${probe}/healthz`)).status, 200);
  t.equal((await fetch(`http://${probe}/clusters`)).status, 404);
  io.stop();
  t.equal(await running, 0);
});

t.test('bootstrap prints what the short forms run', async (t) => {
  const print = async (args: string[]): Promise<{ code: number; out: string; err: string }> => {
    const io = memoryIo({ POD_NAME: 'not used' });
    const code = await runCommand(bootstrapCommand, args, io);
    return { code, out: io.written.stdout, err: io.written.stderr };
  };
  const inbound = await print(['inbound', '--listen', ':9096', '--control', 'control:18000']);
  t.equal(inbound.code, 0);
  t.notMatch(inbound.out, /not used/, 'no name of this machine');
  const egress = await print(['egress', '--listen', '127.0.0.1:9096', '--control', '127.0.0.1:18000', '--ring', 'r']);
  t.match(egress.out, /^ {2}id: r-egress$/m, 'Envoy starts no ADS stream without an id');
  const dir = t.testdir();
  const file = join(dir, 'envoy.yaml');
  t.strictSame(await print(['egress', '--listen', '127.0.0.1:9096', '--control', '127.0.0.1:18000', '--node', 'q', '--out', file]), {
    code: 0,
    out: '',
    err: '',
  });
  t.ok((await stat(file)).size > 500);
  t.match(await run(['-c', file, '--mode', 'validate']), { code: 0 });
  t.match(await print(['sideways']), { code: 64, err: /"sideways" is not a kind of bootstrap; allowed: inbound, egress/ });
  t.match(await print(['inbound', '--listen', ':9096', '--out', '/nowhere/x']), { code: 1, err: /--out \/nowhere\/x: ENOENT/ });
});
