import { isOlder } from './resource-version.ts';
import { type Slice, type SliceEvent, Unusable } from './slice.ts';

/** Of all slices together, usable or not. */
const MAX_ENDPOINTS = 100_000;

/** All slices of a Service, as one list and the events after it say. */
export class SliceStore {
  readonly #slices = new Map<string, Slice>();
  #version: string;
  #endpoints = 0;

  constructor(resourceVersion: string) {
    this.#version = resourceVersion;
  }

  /** How far the events have come: a watch goes on from here. */
  get version(): string {
    return this.#version;
  }

  get slices(): Iterable<Slice> {
    return this.#slices.values();
  }

  get hasSlices(): boolean {
    return this.#slices.size > 0;
  }

  /** Whether there is no endpoint, usable or not. */
  get isEmpty(): boolean {
    return this.#endpoints === 0;
  }

  /** From the list. Throws Unusable when that is too much. */
  add(slice: Slice): void {
    this.#delete(slice.name);
    this.#slices.set(slice.name, slice);
    this.#endpoints += sizeOf(slice);
    if (this.#endpoints > MAX_ENDPOINTS) throw new Unusable(`more than ${MAX_ENDPOINTS} endpoints`);
  }

  /** Throws Unusable when that is too much, or older than what was there: then all has to be listed again. */
  apply(event: Exclude<SliceEvent, { kind: 'error' }>): void {
    const version = event.kind === 'put' ? event.slice.resourceVersion : event.resourceVersion;
    if (isOlder(version, this.#version)) throw new Unusable(`resourceVersion ${version} after ${this.#version}, which is newer`);
    if (event.kind === 'put') this.add(event.slice);
    else if (event.kind === 'deleted') this.#delete(event.name);
    this.#version = version;
  }

  #delete(name: string): void {
    const slice = this.#slices.get(name);
    if (slice === undefined) return;
    this.#slices.delete(name);
    this.#endpoints -= sizeOf(slice);
  }
}

function sizeOf({ endpoints, problems }: Slice): number {
  return endpoints.length + problems.length;
}
