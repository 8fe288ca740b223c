// deploy/ringway.yaml has every kind of source, and each would be read as it stands there; what guides name is there.
import { existsSync, globSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { parse } from 'yaml';
import { createConfig, loadConfig, type RingwayConfig } from '../../src/config/index.ts';

const FILE = 'deploy/ringway.yaml';

const kinds = (config: RingwayConfig): string[] => config.rings.get('live-store')?.sources.map(({ kind }) => kind) ?? [];

t.test('what is set are the defaults', async (t) => {
  const config = await loadConfig(FILE);
  t.strictSame(kinds(config), ['tempo']);
  const { rings } = parse(readFileSync(FILE, 'utf8')) as { rings: { 'live-store': { sources: unknown; allowedAddresses: unknown } } };
  const { sources, allowedAddresses } = rings['live-store'];
  t.strictSame(config, createConfig('only what has no default', { rings: { 'live-store': { sources, allowedAddresses } } }));
});

t.test('what is commented out is right', async (t) => {
  const file = join(t.testdir(), 'ringway.yaml');
  writeFileSync(file, readFileSync(FILE, 'utf8').replace(/^( +)# (?=- )/gm, '$1'));
  t.strictSame(kinds(await loadConfig(file)), ['tempo', 'nats', 'kubernetes', 'gossip', 'dns', 'etcd', 'consul', 'static']);
});

t.test('files that guides and comments name are there', async (t) => {
  const texts = [
    'docs/guide/deploy-kubernetes.md',
    'deploy/README.md',
    'README.md',
    ...globSync('deploy/{helm,kubernetes,compose}/**/*.yaml'),
  ];
  for (const text of texts) {
    const named = readFileSync(text, 'utf8').matchAll(/(?<![\w/.-])((?:\.\.\/)*(?:deploy|docs\/guide)\/[\w./-]*\w)/g);
    for (const [, path = ''] of named) t.ok(existsSync(path.replace(/^(\.\.\/)+/, '')), `${text} names ${path}`);
  }
});
