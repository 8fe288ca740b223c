import assert from 'node:assert/strict';
import fc from 'fast-check';
import t from 'tap';
import { DeltaDriver, type ShortType, SotwDriver, typeUrlOf } from '../support/xds-session.ts';

// A client that does anything it may do against the simplest description of what it must end up with: what it wants, in the newest version.
const NAMES = ['a', 'b', 'c'];
const TYPES: readonly ShortType[] = ['cluster', 'endpoint', 'listener', 'route'];
const FULL_SET: readonly ShortType[] = ['cluster', 'listener'];

type Versions = Record<string, string>;
type World = Record<'cluster' | 'endpoint' | 'listener' | 'route', Versions>;
type Driver = SotwDriver | DeltaDriver;
type Response = Driver['received'][number];

/** One step of a client or of its server's world. */
type Action =
  | { readonly kind: 'offer'; readonly world: World }
  | { readonly kind: 'answer'; readonly refuse: boolean }
  | { readonly kind: 'names'; readonly type: ShortType; readonly names: readonly string[]; readonly drop: readonly string[] }
  | { readonly kind: 'repeat'; readonly type: ShortType }
  /** So long that no answer is waited for any more. */
  | { readonly kind: 'silence' };

const versions: fc.Arbitrary<Versions> = fc.dictionary(fc.constantFrom(...NAMES), fc.constantFrom('1', '2', '3'));
const world: fc.Arbitrary<World> = fc.record({ cluster: versions, endpoint: versions, listener: versions, route: versions });
const named = fc.uniqueArray(fc.constantFrom('*', ...NAMES));
const action: fc.Arbitrary<Action> = fc.oneof(
  fc.record({ kind: fc.constant('offer' as const), world }),
  fc.record({ kind: fc.constant('answer' as const), refuse: fc.boolean() }),
  fc.record({ kind: fc.constant('names' as const), type: fc.constantFrom(...TYPES), names: named, drop: named }),
  fc.record({ kind: fc.constant('repeat' as const), type: fc.constantFrom(...TYPES) }),
  { weight: 1, arbitrary: fc.constant({ kind: 'silence' as const }) },
);

/** What one type of one client holds, as the client sees it. */
interface Held {
  readonly names: Set<string>;
  wildcard: boolean;
  readonly has: Map<string, string>;
  /** Nonce of the last response it has read. */
  nonce: string;
}

abstract class Client {
  readonly driver: Driver;
  readonly held = new Map<ShortType, Held>();
  readonly inbox: Response[] = [];
  #seen = 0;
  #silences = 0;

  constructor(driver: Driver) {
    this.driver = driver;
  }

  offer(next: World): void {
    this.driver.offer(next);
    this.collect();
  }

  silence(): void {
    this.#silences += 1;
    this.driver.pass(10_000);
    this.collect();
  }

  /** Reads the oldest response and answers it. */
  answer(refuse: boolean): void {
    const response = this.inbox.shift();
    if (!response) return;
    const type = TYPES.find((short) => typeUrlOf(short) === response.typeUrl) as ShortType;
    const held = this.held.get(type) as Held;
    held.nonce = response.nonce;
    this.apply(type, held, response);
    this.reply(type, held, refuse);
    this.collect();
  }

  wants(held: Held, name: string): boolean {
    return held.wildcard || held.names.has(name);
  }

  collect(): void {
    const fresh = this.driver.received.slice(this.#seen);
    this.#seen = this.driver.received.length;
    for (const response of fresh) {
      const names = [...response.resources.map(({ name }) => name), ...response.removed];
      if (new Set(names).size !== names.length) throw new Error(`a response names a resource twice: ${names.join(' ')}`);
      const unanswered = this.inbox.filter(({ typeUrl }) => typeUrl === response.typeUrl).length;
      if (unanswered > this.#silences) throw new Error(`${unanswered + 1} unanswered responses of ${response.typeUrl}`);
    }
    this.inbox.push(...fresh);
  }

  abstract apply(type: ShortType, held: Held, response: Response): void;
  abstract reply(type: ShortType, held: Held, refuse: boolean): void;
  abstract change(type: ShortType, names: readonly string[], drop: readonly string[]): void;
}

class SotwClient extends Client {
  declare readonly driver: SotwDriver;

  constructor() {
    super(new SotwDriver());
  }

  apply(type: ShortType, held: Held, { resources }: Response): void {
    if (FULL_SET.includes(type)) held.has.clear();
    for (const { name, version } of resources) if (this.wants(held, name)) held.has.set(name, version);
  }

  reply(type: ShortType, held: Held, refuse: boolean): void {
    this.driver.send(type, this.#list(held), { nonce: held.nonce, ...(refuse ? { error: 'no' } : {}) });
  }

  change(type: ShortType, names: readonly string[]): void {
    const held = this.held.get(type) ?? { names: new Set(), wildcard: false, has: new Map(), nonce: '' };
    // The first request of a type without names is the old wildcard; it is written as * ever after.
    const wildcard = names.includes('*') || (!this.held.has(type) && names.length === 0 && FULL_SET.includes(type));
    this.held.set(type, held);
    held.names.clear();
    for (const name of names) if (name !== '*') held.names.add(name);
    held.wildcard = wildcard;
    for (const name of [...held.has.keys()]) if (!this.wants(held, name)) held.has.delete(name);
    this.driver.send(type, this.#list(held), { nonce: held.nonce });
    this.collect();
  }

  #list(held: Held): string[] {
    return held.wildcard ? ['*', ...held.names] : [...held.names];
  }
}

class DeltaClient extends Client {
  declare readonly driver: DeltaDriver;

  constructor() {
    super(new DeltaDriver());
  }

  apply(_type: ShortType, held: Held, { resources, removed }: Response): void {
    for (const { name, version } of resources) if (this.wants(held, name)) held.has.set(name, version);
    for (const name of removed) held.has.delete(name);
  }

  reply(type: ShortType, held: Held, refuse: boolean): void {
    this.driver.send(type, [], [], { nonce: held.nonce, ...(refuse ? { error: 'no' } : {}) });
  }

  change(type: ShortType, names: readonly string[], drop: readonly string[]): void {
    const held = this.held.get(type) ?? { names: new Set(), wildcard: false, has: new Map(), nonce: '' };
    const legacy = !this.held.has(type) && names.length === 0 && drop.length === 0 && FULL_SET.includes(type);
    this.held.set(type, held);
    // Whatever is asked for or given up is forgotten: the server must say it again if it is still wanted.
    if (names.includes('*') && !drop.includes('*')) held.has.clear();
    for (const name of [...names, ...drop]) held.has.delete(name);
    if (legacy || names.includes('*')) held.wildcard = true;
    for (const name of names) if (name !== '*') held.names.add(name);
    if (drop.includes('*')) held.wildcard = false;
    for (const name of drop) held.names.delete(name);
    for (const name of [...held.has.keys()]) if (!this.wants(held, name)) held.has.delete(name);
    this.driver.send(type, names, drop);
    this.collect();
  }
}

function run(client: Client, actions: readonly Action[]): void {
  let last: World = { cluster: {}, endpoint: {}, listener: {}, route: {} };
  client.offer(last);
  for (const step of actions) {
    if (step.kind === 'offer') {
      last = step.world;
      client.offer(last);
    } else if (step.kind === 'answer') client.answer(step.refuse);
    else if (step.kind === 'silence') client.silence();
    else if (step.kind === 'names') client.change(step.type, step.names, step.drop);
    else {
      const held = client.held.get(step.type);
      if (held) client.reply(step.type, held, false);
      client.collect();
    }
  }
  for (let i = 0; client.inbox.length > 0; i += 1) {
    if (i > 100) throw new Error('the server does not come to rest');
    client.answer(false);
  }
  for (const [type, held] of client.held) {
    const truth = Object.entries(last[type as keyof World]).filter(([name]) => client.wants(held, name));
    assert.deepEqual(Object.fromEntries([...held.has].sort()), expectedOf(client, type, held, truth), `${type} does not converge`);
  }
}

/** State of the world: a partial type never learns of a deletion, so what it has beyond the truth is left aside. */
function expectedOf(client: Client, type: ShortType, held: Held, truth: readonly [string, string][]): Versions {
  const expected = new Map(truth);
  if (client instanceof SotwClient && !FULL_SET.includes(type)) {
    for (const [name, version] of held.has) if (!expected.has(name)) expected.set(name, version);
  }
  return Object.fromEntries([...expected].sort());
}

const actions = fc.array(action, { minLength: 1, maxLength: 60, size: 'max' });

for (const [name, create] of [
  ['sotw', () => new SotwClient()],
  ['delta', () => new DeltaClient()],
] as const) {
  t.test(`${name}: whatever a client does, it ends with what it wants, one response a type at a time`, (t) => {
    fc.assert(
      fc.property(actions, (steps) => {
        run(create(), steps);
      }),
      { numRuns: 400 },
    );
    t.pass('no counterexample');
    t.end();
  });
}

/** Worlds in which every route names a cluster that exists: the route's version is the cluster's name. */
const sound: fc.Arbitrary<World> = fc.uniqueArray(fc.constantFrom(...NAMES), { minLength: 1 }).chain((clusters) =>
  fc
    .record({
      versions: fc.array(fc.constantFrom('1', '2'), { minLength: clusters.length, maxLength: clusters.length }),
      routes: fc.dictionary(fc.constantFrom('r', 's'), fc.constantFrom(...clusters)),
    })
    .map(({ versions: picked, routes }) => {
      const cluster = Object.fromEntries(clusters.map((cluster, i) => [cluster, picked[i] as string]));
      return { cluster, endpoint: cluster, listener: { l: '1' }, route: routes };
    }),
);

for (const [name, create] of [
  ['sotw', () => new SotwClient()],
  ['delta', () => new DeltaClient()],
] as const) {
  t.test(`rule 50, ${name}: at no moment does a client hold a route to a cluster that it does not hold`, (t) => {
    const steps = fc.array(
      fc.oneof(
        sound.map((next) => ({ next })),
        fc.constant({ next: null }),
      ),
      { maxLength: 30 },
    );
    fc.assert(
      fc.property(steps, (moves) => {
        const client = create();
        client.change('cluster', [], []);
        client.change('listener', [], []);
        client.change('route', ['r', 's'], []);
        client.change('endpoint', NAMES, []);
        const check = (): boolean => {
          const clusters = client.held.get('cluster')?.has;
          return [...(client.held.get('route')?.has.values() ?? [])].every((cluster) => clusters?.has(cluster));
        };
        // What SotW routes are gone is for the listener to say; here they are dropped as their listener would drop them.
        for (const { next } of moves) {
          if (next)
            client.offer({
              ...next,
              route: { r: Object.keys(next.cluster)[0] as string, s: Object.keys(next.cluster)[0] as string, ...next.route },
            });
          else client.answer(false);
          if (!check()) return false;
        }
        while (client.inbox.length > 0) {
          client.answer(false);
          if (!check()) return false;
        }
        return true;
      }),
      { numRuns: 400 },
    );
    t.pass('no counterexample');
    t.end();
  });
}
