import type { TypeUrl } from '../types.ts';
import { type Interest, isFullSetType, wants } from './interest.ts';
import type { ReceivedResource, ResourceFailure, ResourceUpdate } from './types.ts';

/** One response, in the words that both variants share. `removed`: delta's removed_resources. */
export interface Response {
  readonly typeUrl: TypeUrl;
  readonly version: string;
  readonly nonce: string;
  /** `control_plane.identifier`, '' when absent. */
  readonly identifier: string;
  readonly resources: readonly ReceivedResource[];
  readonly removed: readonly string[];
}

/** What the client knows of one type. `asked` and `nonce` belong to one stream, the rest outlives it. */
export class TypeState {
  readonly typeUrl: TypeUrl;
  /** What is wanted now. */
  interest: Interest;
  /** What this stream's server was told; null before the first request of the type on it. */
  asked: Interest | null = null;
  /** Nonce of the last response on this stream; '' before. */
  nonce = '';
  /** Version of the last response taken whole; '' before. State-of-the-world requests carry it. */
  version = '';
  /** Version of each resource that was taken, by name. Delta reconnects carry it. */
  readonly accepted: Map<string, string> = new Map();
  /** Names in the last state-of-the-world response of a full-set type, refused ones included: what is missing next time was deleted. */
  #named: ReadonlySet<string> = new Set();

  constructor(typeUrl: TypeUrl, interest: Interest) {
    this.typeUrl = typeUrl;
    this.interest = interest;
  }

  /** Forgets what belongs to a stream that ended. */
  leaveStream(): void {
    this.asked = null;
    this.nonce = '';
  }

  /** Changes what is wanted; what is no longer wanted is forgotten, since a server need not tell of it any more. */
  want(interest: Interest): void {
    this.interest = interest;
    for (const name of this.accepted.keys()) if (!wants(interest, name)) this.accepted.delete(name);
  }

  /** The update that a response means for the sink: only what is wanted, with deletions that the full set implies. */
  toUpdate(response: Response): ResourceUpdate {
    const upserts = response.resources.filter(({ name }) => wants(this.interest, name));
    const removed = new Set(response.removed.filter((name) => wants(this.interest, name)));
    return { typeUrl: this.typeUrl, version: response.version, upserts, removed: [...removed] };
  }

  /** As `toUpdate` for state-of-the-world responses: a full-set type deletes by leaving out. */
  toFullUpdate(response: Response): ResourceUpdate {
    const update = this.toUpdate(response);
    if (!isFullSetType(this.typeUrl)) return update;
    const present = new Set(update.upserts.map(({ name }) => name));
    const before = new Set([...this.#named, ...this.accepted.keys()]);
    this.#named = present;
    return { ...update, removed: [...before].filter((name) => !present.has(name)) };
  }

  /** Remembers what the sink took of an update. */
  record(update: ResourceUpdate, failures: readonly ResourceFailure[]): void {
    const failed = new Set(failures.map(({ name }) => name));
    // Applying may itself have changed what is wanted.
    for (const { name, version } of update.upserts) if (!failed.has(name) && wants(this.interest, name)) this.accepted.set(name, version);
    for (const name of update.removed) this.accepted.delete(name);
    if (failures.length === 0) this.version = update.version;
  }
}
