import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Test } from 'tap';
import { peer } from './peers.ts';
import { freePorts } from './ports.ts';

/** One real etcd, a cluster of one. Gone after the test, with its data. */
export interface Etcd {
  /** What an etcd source is told. */
  readonly endpoint: string;
  /** Puts bytes under a key; the revision of that. */
  put(key: string, value: Uint8Array): Promise<bigint>;
  remove(key: string): Promise<void>;
  /** Forgets what was before a revision. */
  compact(revision: bigint): Promise<void>;
  /** Users, roles and who may do what, by etcd's JSON form of its own API; `token` after auth is on. */
  post(path: string, body: unknown, token?: string): Promise<Readonly<Record<string, unknown>>>;
  /** SIGSTOP and SIGCONT: it keeps its connections and says nothing. */
  pause(): void;
  resume(): void;
  /** Kills it; the data stay. */
  kill(): Promise<void>;
  /** Removes the data of a killed one. */
  forget(): Promise<void>;
  /** Starts it again at the same place. */
  start(): Promise<void>;
}

export interface EtcdTls {
  readonly certificate: string;
  readonly privateKey: string;
  /** Clients must have a certificate of this authority; it signs the server's too. */
  readonly ca: string;
}

/** Starts it; undefined when there is no etcd and the test was skipped. */
export async function startEtcd(
  t: Test,
  { tls, args = [] }: { readonly tls?: EtcdTls; readonly args?: readonly string[] } = {},
): Promise<Etcd | undefined> {
  const program = peer(t, 'etcd');
  if (program === undefined) return undefined;
  const data = await mkdtemp(join(tmpdir(), 'ringway-etcd-'));
  const [clients, peers] = await freePorts(2);
  const endpoint = `${tls ? 'https' : 'http'}://127.0.0.1:${clients}`;
  const own = `http://127.0.0.1:${peers}`;
  const flags = {
    'data-dir': data,
    'listen-client-urls': endpoint,
    'advertise-client-urls': endpoint,
    'listen-peer-urls': own,
    'initial-advertise-peer-urls': own,
    'initial-cluster': `default=${own}`,
    'log-level': 'panic',
    'heartbeat-interval': '50',
    'election-timeout': '250',
    ...(tls && { 'cert-file': tls.certificate, 'key-file': tls.privateKey, 'trusted-ca-file': tls.ca, 'client-cert-auth': 'true' }),
  };
  const words = [...Object.entries(flags).map(([name, value]) => `--${name}=${value}`), ...args];
  const material = tls && { ca: await readFile(tls.ca), cert: await readFile(tls.certificate), key: await readFile(tls.privateKey) };
  const post = (path: string, body: unknown, token?: string) => postJson(`${endpoint}/v3/${path}`, body, token, material);

  let child = spawn(program, words, { stdio: 'ignore' });
  let gone = exitOf(child);
  const etcd: Etcd = {
    endpoint,
    post,
    put: async (key, value) => {
      const answer = await post('kv/put', { key: base64(Buffer.from(key)), value: base64(value) });
      return BigInt((answer['header'] as { revision: string }).revision);
    },
    remove: async (key) => void (await post('kv/deleterange', { key: base64(Buffer.from(key)) })),
    compact: async (revision) => void (await post('kv/compaction', { revision: String(revision), physical: true })),
    pause: () => void child.kill('SIGSTOP'),
    resume: () => void child.kill('SIGCONT'),
    kill: async () => {
      child.kill('SIGKILL');
      await gone;
    },
    forget: () => rm(data, { recursive: true, force: true }),
    start: async () => {
      child = spawn(program, words, { stdio: 'ignore' });
      gone = exitOf(child);
      await ready(post, gone);
    },
  };
  t.teardown(async () => {
    await etcd.kill();
    await rm(data, { recursive: true, force: true });
  });
  await ready(post, gone);
  return etcd;
}

type Post = Etcd['post'];
type Material = { readonly ca: Buffer; readonly cert: Buffer; readonly key: Buffer };

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64');
}

function postJson(url: string, body: unknown, token: string | undefined, material: Material | undefined): ReturnType<Post> {
  const send = material ? requestHttps : requestHttp;
  const options = { method: 'POST', agent: false, ...material, ...(token && { headers: { authorization: token } }) };
  return new Promise((resolve, reject) => {
    const sent = send(url, options, async (response) => {
      const text = Buffer.concat(await response.toArray()).toString();
      if (response.statusCode === 200) resolve(JSON.parse(text));
      else reject(new Error(`${url}: ${response.statusCode} ${text}`));
    });
    sent.on('error', reject);
    sent.end(JSON.stringify(body));
  });
}

function exitOf(child: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('exit', (code, signal) => resolve(`exit ${code ?? signal}`));
  });
}

/** Until it has a leader and answers; asked again and again, as it tells nobody. */
async function ready(post: Post, gone: Promise<string>): Promise<void> {
  const ended = gone.then((how) => {
    throw new Error(`etcd: ${how}`);
  });
  ended.catch(() => {}); // afterwards nobody waits for it
  for (;;) {
    const status = await Promise.race([ended, post('maintenance/status', {}).catch(() => null)]);
    if (typeof status?.['leader'] === 'string') return;
    await new Promise((wait) => setTimeout(wait, 20));
  }
}
