import type { EncodedResource, ResourceSet } from '../types.ts';
import { Exchange, type Moment, type RequestOutcome } from './exchange.ts';
import type { DeltaRequest } from './requests.ts';
import { Rest } from './rest.ts';
import { Subscription } from './subscription.ts';
import type { TypeRules } from './type-rules.ts';
import type { ResponseBody, TypeStream } from './type-stream.ts';

/**
 * One type on a delta stream. Requests and responses hold changes only. Rejected versions are not sent again: what was sent counts,
 * not what was accepted.
 */
export class DeltaType implements TypeStream<DeltaRequest> {
  readonly exchange: Exchange = new Exchange();
  readonly #subscription: Subscription;
  /** Version by name of what the client has: sent on this stream, or told by it in initial_resource_versions. */
  readonly #sent = new Map<string, string>();
  /** Names that must be answered even if unchanged: with the resource, or with its removal. */
  readonly #owed = new Set<string>();
  /** Names asked for that the client was told do not exist. */
  readonly #missing = new Set<string>();
  /** A response must go even if it says nothing new: the client cannot go on without. */
  #answerDue = false;
  readonly #rest = new Rest();

  constructor(rules: TypeRules) {
    this.#subscription = new Subscription(rules);
  }

  get nameCount(): number {
    return this.#subscription.names.size;
  }

  onRequest(request: DeltaRequest, now: Moment): RequestOutcome {
    // A nonce, stale or not, never cancels what the request subscribes to.
    const outcome = this.exchange.onRequest(request.nonce, request.error, now);
    const first = outcome.kind === 'first';
    const change = this.#subscription.change(request.subscribe, request.unsubscribe);
    if (first) for (const [name, version] of request.initialVersions) this.#sent.set(name, version);
    // Asked again: the client may have dropped it, so it is sent again. On reconnect it says itself what it has.
    for (const name of change.asked) if (!first || !this.#sent.has(name)) this.#owed.add(name);
    if (change.askedWildcard) {
      if (!first) for (const name of this.#sent.keys()) this.#owed.add(name);
      if (!first || this.#sent.size === 0) this.#answerDue = true;
    }
    this.#forget(request, change.dropped);
    if (first || request.subscribe.length > 0 || request.unsubscribe.length > 0) this.#rest.disturb();
    return outcome;
  }

  take(set: ResourceSet, removals: boolean): ResponseBody | null {
    if (this.#rest.covers(set, removals)) return null;
    const body = this.#takeDue(set, removals);
    if (body) this.#rest.disturb();
    else this.#rest.reach(set, removals);
    return body;
  }

  owe(names: Iterable<string>): void {
    for (const name of names) if (this.#subscription.wants(name)) this.#owed.add(name);
    this.#rest.disturb();
  }

  #takeDue(set: ResourceSet, removals: boolean): ResponseBody | null {
    const resources = this.#candidates(set).filter((resource) => this.#isDue(resource));
    const removed = this.#absent(set, removals);
    if (resources.length === 0 && removed.length === 0 && !this.#answerDue) return null;
    this.#owed.clear();
    this.#answerDue = false;
    for (const { name, version } of resources) {
      this.#sent.set(name, version);
      this.#missing.delete(name);
    }
    for (const name of removed) {
      this.#sent.delete(name);
      if (this.#subscription.names.has(name)) this.#missing.add(name);
    }
    return { version: set.version, resources, removed, changed: resources };
  }

  /**
   * With `*` held, a name given up is answered: the client cannot know whether the wildcard covers it (xDS: "Unsubscribing From
   * Resources"). Without it, what is no longer wanted is forgotten, but not while a response is under way that may still bring it.
   */
  #forget(request: DeltaRequest, dropped: readonly string[]): void {
    for (const name of dropped) this.#missing.delete(name);
    if (this.#subscription.isWildcard) {
      for (const name of dropped) this.#owed.add(name);
      for (const name of request.unsubscribe) if (this.#sent.has(name)) this.#owed.add(name);
      return;
    }
    for (const name of this.#owed) if (!this.#subscription.wants(name)) this.#owed.delete(name);
    if (this.exchange.phase.kind !== 'open') return;
    for (const name of this.#sent.keys()) if (!this.#subscription.wants(name)) this.#sent.delete(name);
  }

  #isDue(resource: EncodedResource): boolean {
    return this.#owed.has(resource.name) || this.#sent.get(resource.name) !== resource.version;
  }

  #candidates(set: ResourceSet): EncodedResource[] {
    if (this.#subscription.isWildcard) return [...set.resources.values()];
    const found: EncodedResource[] = [];
    for (const name of this.#subscription.names) {
      const resource = set.resources.get(name);
      if (resource) found.push(resource);
    }
    return found;
  }

  /** Names to be listed as removed: asked for and not there, at once; there before and gone, only with `removals`. */
  #absent(set: ResourceSet, removals: boolean): string[] {
    const absent = new Set<string>();
    for (const name of this.#owed) absent.add(name);
    for (const name of this.#subscription.names) if (!this.#missing.has(name) && !this.#sent.has(name)) absent.add(name);
    if (removals) for (const name of this.#sent.keys()) if (this.#subscription.wants(name)) absent.add(name);
    return [...absent].filter((name) => !set.resources.has(name));
  }
}
