// The images: their Dockerfiles can be built from a clean checkout, and do what the deployment takes for granted.
import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';

interface Instruction {
  readonly name: string;
  readonly rest: string;
}

function instructions(file: string): Instruction[] {
  const lines = readFileSync(file, 'utf8').split('\n');
  return lines.flatMap((line) => {
    const match = /^([A-Z]+) (.*)$/.exec(line);
    return match ? [{ name: match[1] as string, rest: match[2] as string }] : [];
  });
}

const image = instructions('Dockerfile');
const starts = image.flatMap(({ name }, index) => (name === 'FROM' ? [index] : []));
const stages = starts.map((start, index) => image.slice(start, starts[index + 1]));
const last = stages.at(-1) ?? [];
const only = (name: string, from = last): string => {
  const found = from.filter((one) => one.name === name);
  if (found.length !== 1) throw new Error(`${found.length} times ${name}`);
  return (found[0] as Instruction).rest;
};

/** What git has; undefined where this is no checkout. */
function checkedIn(): string[] | undefined {
  const { status, stdout } = spawnSync('git', ['ls-files'], { encoding: 'utf8', maxBuffer: 2 ** 26 });
  return status === 0 ? stdout.split('\n') : undefined;
}

const NO_GIT = checkedIn() === undefined ? 'no git checkout' : false;

t.test('whatever is copied into the build is checked in and not ignored', { skip: NO_GIT }, async (t) => {
  const files = checkedIn() ?? [];
  const allowed = ignoredBut('.dockerignore');
  const sources = (stages[0] ?? []).filter(({ name }) => name === 'COPY').flatMap(({ rest }) => rest.split(' ').slice(0, -1));
  t.ok(sources.includes('src') && sources.includes('package-lock.json'));
  for (const source of sources) {
    const found = files.filter((file) => file === source || file.startsWith(`${source}/`));
    t.not(found.length, 0, `${source} is checked in`);
    t.ok(found.some(allowed), `${source} is sent to the builder`);
  }
  t.notOk(allowed('node_modules/tap/package.json'));
  t.notOk(allowed('src/gen/schema.ts'));
  t.notOk(allowed('.git/config'));
});

t.test('the build runs scripts that there are', async (t) => {
  const { scripts } = JSON.parse(readFileSync('package.json', 'utf8')) as { scripts: Record<string, string> };
  const runs = (stages[0] ?? []).filter(({ name }) => name === 'RUN').map(({ rest }) => rest);
  t.strictSame(runs, ['npm run build']);
  t.ok(scripts['build']);
});

t.test('the image has Node 24 and the program, and runs as a user by number', async (t) => {
  const { engines } = JSON.parse(readFileSync('package.json', 'utf8')) as { engines: { node: string } };
  t.equal(engines.node, '>=24');
  t.match(only('FROM', stages[0]), /^node:24\b.* AS build$/);
  t.match(only('FROM'), /^gcr\.io\/distroless\/nodejs24-\S+:nonroot$/);
  t.match(only('USER'), /^[1-9]\d*:[1-9]\d*$/);
  const copies = last.filter(({ name }) => name === 'COPY').map(({ rest }) => rest);
  t.strictSame(copies, ['--from=build /ringway/LICENSE /ringway/', '--from=build /ringway/dist/bin/ /ringway/']);
  t.strictSame(JSON.parse(only('ENTRYPOINT')), ['/nodejs/bin/node', '/ringway/ringway.js'], 'no shell');
  t.notOk(last.some(({ name }) => name === 'RUN' || name === 'HEALTHCHECK'));
});

t.test('it names the ports that the deployment uses', async (t) => {
  const golden = ['ringway', 'live-store', 'querier'].map((name) => readFileSync(`test/golden/deploy/${name}.yaml`, 'utf8')).join('\n');
  for (const port of only('EXPOSE').split(' ')) t.match(golden, `containerPort: ${port}\n`);
});

t.test('the packet filter’s image has nft and the rules', async (t) => {
  const filter = instructions('deploy/redirect/Dockerfile');
  t.match(only('FROM', filter), /^alpine:\d/);
  t.equal(only('RUN', filter), 'apk add --no-cache nftables');
  t.equal(only('COPY', filter), 'redirect.nft /etc/ringway/redirect.nft');
  t.strictSame(JSON.parse(only('ENTRYPOINT', filter)), ['/usr/sbin/nft']);
});

const DEFINES = ['-D', 'ring_port=9096', '-D', 'egress_port=9096', '-D', 'egress_uid=65532'];
/** In a network of its own: who answers a connection to the ring's address and port, by user. */
const WHO_ANSWERS = `
const { spawnSync } = require('node:child_process');
const net = require('node:net');
const ask = 'require("node:net").connect(9096, "10.77.0.1").on("data", (data) => { console.log(String(data)); process.exit(); })';
const answer = (host, text) => new Promise((done) => net.createServer((socket) => socket.end(text)).listen(9096, host, done));
(async () => {
  await answer('127.0.0.1', 'the sidecar');
  await answer('10.77.0.1', 'the live-store');
  const asked = [1000, 65532].map((uid) => new Promise((done) => {
    const child = require('node:child_process').spawn(process.execPath, ['-e', ask], { uid, gid: uid, cwd: '/' });
    let text = '';
    child.stdout.on('data', (data) => { text += data; });
    child.stderr.on('data', (data) => { text += data; });
    child.on('close', () => done(text.trim()));
  }));
  console.log(JSON.stringify(await Promise.all(asked)));
  process.exit();
})();
`;
const canFilter = spawnSync('unshare', ['-n', 'sh', '-c', 'ip link set lo up && nft list ruleset'], { stdio: 'ignore' }).status === 0;
const isReadable = spawnSync(process.execPath, ['-e', ''], { uid: process.getuid?.() === 0 ? 65532 : undefined, cwd: '/' }).status === 0;
const FILTER_SKIP = canFilter && isReadable ? false : 'no root, nft, ip and unshare: apt install nftables iproute2, and be root';

t.test('the rules bring a querier’s calls to the sidecar, and the sidecar’s own to the live-store', { skip: FILTER_SKIP }, async (t) => {
  const script = join(t.testdir(), 'who.cjs');
  writeFileSync(script, WHO_ANSWERS);
  const load = `nft ${DEFINES.join(' ')} -f deploy/redirect/redirect.nft`;
  const shell = ['ip link set lo up', 'ip address add 10.77.0.1/24 dev lo', load, load, `exec ${process.execPath} ${script}`].join(' && ');
  t.strictSame(JSON.parse(execFileSync('unshare', ['-n', 'sh', '-c', shell], { encoding: 'utf8' })), ['the sidecar', 'the live-store']);
});

/** Whether a file is sent to the builder, by the patterns of a .dockerignore: the last one that fits decides. */
function ignoredBut(file: string): (path: string) => boolean {
  const patterns = readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'));
  const fits = (path: string, pattern: string): boolean => {
    const parts = pattern.replaceAll('.', '\\.').split('**/');
    const names = parts.map((part) => part.replaceAll('*', '[^/]*')).join('(?:.*/)?');
    return new RegExp(`^${names}(/|$)`).test(path);
  };
  return (path) =>
    patterns.reduce((isSent, pattern) => {
      const isException = pattern.startsWith('!');
      return fits(path, isException ? pattern.slice(1) : pattern) ? isException : isSent;
    }, true);
}
