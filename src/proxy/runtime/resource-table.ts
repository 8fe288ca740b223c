import { type Clock, inSlices, messageOf, type TimeSlices } from '../../core/index.ts';
import type { Compilation, Dependencies, ResourceCompiler } from './types.ts';

/** A resource before it is compiled: protobuf bytes under a name. */
export interface NamedResource {
  readonly name: string;
  /** '' for static ones. */
  readonly version: string;
  readonly value: Uint8Array;
}

/** One compiled form of a resource, with what it was compiled from. */
export interface Version<Compiled> {
  readonly compiled: Compiled;
  readonly dependencies: Dependencies;
  readonly value: Uint8Array;
  readonly version: string;
  readonly updatedMs: number;
}

/** Why the newest form of a resource is not in use (config_dump `error_state`). */
export interface ErrorState {
  readonly value: Uint8Array;
  readonly version: string;
  readonly message: string;
  readonly atMs: number;
}

/** Everything known of one resource. It serves while `active`; `warming` takes its place once it may. Neither: only refused so far. */
export interface Entry<Compiled> {
  readonly name: string;
  readonly origin: 'static' | 'dynamic';
  active: Version<Compiled> | null;
  warming: Version<Compiled> | null;
  error: ErrorState | null;
  /** Removed by the server at this time, but still in use by what refers to it; null while wanted. Monotonic ms. */
  leavingSinceMs: number | null;
}

/** What became of an offered resource. */
export type Offer<Compiled> =
  | { readonly kind: 'compiled'; readonly entry: Entry<Compiled> | undefined; readonly version: Version<Compiled> }
  | { readonly kind: 'unchanged' }
  | { readonly kind: 'refused'; readonly message: string };

/** The resources of one type, by name. Compiles what is offered and keeps why something was refused; when a version serves is not decided here. */
export class ResourceTable<Compiled> {
  readonly entries: Map<string, Entry<Compiled>> = new Map();
  readonly #compiler: ResourceCompiler<Compiled>;
  readonly #clock: Clock;

  constructor(compiler: ResourceCompiler<Compiled>, clock: Clock) {
    this.#compiler = compiler;
    this.#clock = clock;
  }

  /** Compiles a resource, unless it says what its newest form says already. Changes nothing but the error state. */
  offer(resource: NamedResource): Offer<Compiled> {
    if (this.#isNewest(resource)) return { kind: 'unchanged' };
    try {
      return this.#offered(resource, this.#compiler.compile(resource.name, resource.value));
    } catch (error) {
      return { kind: 'refused', message: this.refuse(resource, messageOf(error)) };
    }
  }

  /** As `offer`, a slice at a time where the compiler can. */
  async offerInSlices(resource: NamedResource, slices: TimeSlices): Promise<Offer<Compiled>> {
    const { name, value } = resource;
    const compiler = this.#compiler;
    if (!compiler.compileInSteps || this.#isNewest(resource)) return this.offer(resource);
    try {
      return this.#offered(resource, await inSlices(slices, compiler.compileInSteps(name, value)));
    } catch (error) {
      return { kind: 'refused', message: this.refuse(resource, messageOf(error)) };
    }
  }

  /** Puts a version where it waits to be warm. Returns the one that waited there before, which serves nobody now. */
  warm(name: string, origin: 'static' | 'dynamic', version: Version<Compiled>): Version<Compiled> | null {
    const entry = this.#entry(name, origin);
    const replaced = entry.warming;
    Object.assign(entry, { warming: version, error: null, leavingSinceMs: null });
    return replaced;
  }

  /** Makes the warming version the serving one. Returns the one that served before. */
  promote(entry: Entry<Compiled>): Version<Compiled> | null {
    const replaced = entry.active;
    entry.active = entry.warming;
    entry.warming = null;
    return replaced;
  }

  /** Keeps why a resource was refused. Returns the text for people, which names it. */
  refuse({ name, value, version }: NamedResource, reason: string): string {
    const message = `${name}: ${reason}`;
    this.#entry(name, 'dynamic').error = { value, version, message, atMs: this.#clock.nowMs() };
    return message;
  }

  /** Whether the newest form of a resource says the same; it is wanted then, and not in error. */
  #isNewest({ name, value }: NamedResource): boolean {
    const entry = this.entries.get(name);
    const newest = entry?.warming ?? entry?.active;
    if (!entry || !newest || !sameBytes(newest.value, value)) return false;
    Object.assign(entry, { error: null, leavingSinceMs: null });
    return true;
  }

  #offered({ name, value, version }: NamedResource, { compiled, dependencies }: Compilation<Compiled>): Offer<Compiled> {
    const made = { compiled, dependencies, value, version, updatedMs: this.#clock.nowMs() };
    return { kind: 'compiled', entry: this.entries.get(name), version: made };
  }

  #entry(name: string, origin: 'static' | 'dynamic'): Entry<Compiled> {
    const known = this.entries.get(name);
    if (known) return known;
    const created: Entry<Compiled> = { name, origin, active: null, warming: null, error: null, leavingSinceMs: null };
    this.entries.set(name, created);
    return created;
  }
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}
