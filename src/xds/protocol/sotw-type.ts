import type { EncodedResource, ResourceSet } from '../types.ts';
import { Exchange, type Moment, type RequestOutcome } from './exchange.ts';
import type { SotwRequest } from './requests.ts';
import { Rest } from './rest.ts';
import { Subscription } from './subscription.ts';
import type { TypeRules } from './type-rules.ts';
import type { ResponseBody, TypeStream } from './type-stream.ts';

/**
 * One type on a state-of-the-world stream. Every request holds all names; a response of a full-set type holds all resources, of
 * another type those that changed. Rejected versions are not sent again: what was sent counts, not what was accepted.
 */
export class SotwType implements TypeStream<SotwRequest> {
  readonly exchange: Exchange = new Exchange();
  readonly #fullSet: boolean;
  readonly #subscription: Subscription;
  /** What the client was sent on this stream and still wants. */
  #sent = new Map<string, EncodedResource>();
  /** Names that must be sent even if unchanged. */
  readonly #owed = new Set<string>();
  /** A response must go even if it says nothing new: the client cannot go on without. */
  #answerDue = false;
  readonly #rest = new Rest();

  constructor(rules: TypeRules) {
    this.#fullSet = rules.fullSet;
    this.#subscription = new Subscription(rules);
  }

  get nameCount(): number {
    return this.#subscription.names.size;
  }

  onRequest(request: SotwRequest, now: Moment): RequestOutcome {
    const outcome = this.exchange.onRequest(request.nonce, request.error, now);
    if (outcome.kind === 'stale') this.exchange.hold();
    if (outcome.kind === 'spontaneous') this.exchange.release();
    const change = this.#subscription.replace(request.names);
    for (const name of this.#sent.keys()) if (!this.#subscription.wants(name)) this.#sent.delete(name);
    // A name that was added is sent even if it was sent before: the client may have dropped it in between.
    for (const name of change.asked) this.#owed.add(name);
    if (change.askedWildcard || (this.#fullSet && change.asked.length > 0)) this.#answerDue = true;
    if (change.askedWildcard || change.asked.length > 0 || change.dropped.length > 0) this.#rest.disturb();
    return outcome;
  }

  take(set: ResourceSet, removals: boolean): ResponseBody | null {
    if (this.#subscription.isEmpty || this.#rest.covers(set, removals)) return null;
    const body = this.#fullSet ? this.#takeAll(set, removals) : this.#takeChanged(set);
    if (body) this.#rest.disturb();
    else this.#rest.reach(set, removals);
    return body;
  }

  owe(names: Iterable<string>): void {
    for (const name of names) if (this.#subscription.wants(name)) this.#owed.add(name);
    this.#rest.disturb();
  }

  /** Listener, Cluster: absence deletes, so what may not go yet is repeated as it was. */
  #takeAll(set: ResourceSet, removals: boolean): ResponseBody | null {
    const resources = this.#wanted(set);
    const changed = resources.filter((resource) => this.#isDue(resource));
    const gone = [...this.#sent.values()].filter((resource) => !set.resources.has(resource.name));
    if (!this.#answerDue && changed.length === 0 && (!removals || gone.length === 0)) return null;
    const kept = removals ? [] : gone;
    resources.push(...kept);
    this.#settle();
    this.#sent = new Map(resources.map((resource) => [resource.name, resource]));
    return { version: kept.length === 0 ? set.version : `${set.version}+${kept.length}`, resources, removed: [], changed };
  }

  /** All other types: the rest stays as it is; deletion follows from the parent that no longer refers to it. */
  #takeChanged(set: ResourceSet): ResponseBody | null {
    for (const name of this.#sent.keys()) if (!set.resources.has(name)) this.#sent.delete(name);
    const resources = this.#wanted(set).filter((resource) => this.#isDue(resource));
    if (resources.length === 0 && !this.#answerDue) return null;
    this.#settle();
    for (const resource of resources) this.#sent.set(resource.name, resource);
    return { version: set.version, resources, removed: [], changed: resources };
  }

  #isDue(resource: EncodedResource): boolean {
    return this.#owed.has(resource.name) || this.#sent.get(resource.name)?.version !== resource.version;
  }

  #wanted(set: ResourceSet): EncodedResource[] {
    if (this.#subscription.isWildcard) return [...set.resources.values()];
    const found: EncodedResource[] = [];
    for (const name of this.#subscription.names) {
      const resource = set.resources.get(name);
      if (resource) found.push(resource);
    }
    return found;
  }

  #settle(): void {
    this.#owed.clear();
    this.#answerDue = false;
  }
}
