// Secrets have places of their own; one that was written elsewhere must not end up in a log.
import t from 'tap';
import { ConfigError, createConfig } from '../../../src/config/index.ts';

const SECRET = 'hunter2';
/** Each with its mistake, in the places where people make it. */
const MISTAKES: readonly object[] = [
  { tempo: { urls: [`http://user:${SECRET}@tempo:3200`] } },
  { tempo: { urls: [`http://user:${SECRET}/x@tempo:3200`] } },
  { tempo: { urls: [`https://tempo/?token=${SECRET}`] } },
  { tempo: { urls: ['https://tempo'], bearer: SECRET } },
  { tempo: { urls: ['https://tempo'], bearer: [SECRET] } },
  { tempo: { urls: ['https://tempo'], bearer: { env: `${SECRET}!` } } },
  { tempo: { urls: ['https://tempo'], headers: { 'x-key': `${SECRET}\n` } } },
  { tempo: { urls: ['https://tempo'], headers: { 'x-key': { env: `${SECRET}!` } } } },
  { nats: { servers: [`nats://user:${SECRET}@nats:4222`] } },
  { nats: { servers: ['tls://nats:4222'], login: { user: 'a', password: SECRET } } },
  { nats: { servers: ['tls://nats:4222'], login: { token: SECRET } } },
  { consul: { url: `https://:${SECRET}@consul` } },
  { consul: { url: 'https://consul', token: SECRET } },
  { etcd: { endpoints: [`http://user:${SECRET}@etcd:2379`] } },
  { etcd: { endpoints: ['https://etcd:2379'], user: 'a', password: SECRET } },
];

const problemsOf = (source: object): readonly string[] => {
  try {
    createConfig('ringway.yaml', { rings: { r: { sources: [source] } } });
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
};

t.test('a secret in the wrong place is refused and not quoted', async (t) => {
  for (const mistake of MISTAKES) {
    const problems = problemsOf(mistake);
    t.not(problems.length, 0, JSON.stringify(mistake));
    t.notMatch(problems.join('\n'), SECRET, JSON.stringify(mistake));
  }
  t.strictSame(problemsOf({ tempo: { urls: ['https://tempo'], bearer: SECRET } }), [
    'ringway.yaml: rings.r.sources[0].tempo.bearer: is not where a secret is, allowed: {file: NAME} or {env: NAME}; a secret itself does not belong here',
  ]);
});
