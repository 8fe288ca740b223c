import { isOlder } from './resource-version.ts';

/** For how long lists must stay behind what was seen until that is how things are now: etcd was restored from a backup. */
const DOUBT_MS = 30_000;

interface Doubt {
  readonly sinceMs: number;
  readonly version: string;
}

/** Keeps lists away that are older than what is known: a stale cache in between, a restored etcd, another cluster under the same name. */
export class VersionGuard {
  #newest = '';
  #doubt: Doubt | null = null;

  /** A resourceVersion that came by a watch. */
  seen(version: string): void {
    this.#newest = version;
  }

  /** Why a list of this resourceVersion is not to be believed yet; null when it is. */
  judge(version: string, nowMs: number): string | null {
    if (!isOlder(version, this.#newest)) return this.#believe(version);
    if (this.#doubt === null || isOlder(version, this.#doubt.version)) this.#doubt = { sinceMs: nowMs, version };
    if (nowMs - this.#doubt.sinceMs >= DOUBT_MS) return this.#believe(version);
    this.#doubt = { ...this.#doubt, version };
    return `resourceVersion went backwards, from ${this.#newest} to ${version}; believed when it stays so for ${DOUBT_MS / 1000}s`;
  }

  #believe(version: string): null {
    this.#newest = version;
    this.#doubt = null;
    return null;
  }
}
