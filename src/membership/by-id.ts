// Members stand in order of id everywhere, so that lists are laid side by side and walked: a merge every second hashes no ids.
import type { Member, MembersReport } from './types.ts';

type WithId = Pick<Member, 'id'>;

/** Order of ids: code units, no locale. */
function compareIds({ id: a }: WithId, { id: b }: WithId): number {
  return a === b ? 0 : a < b ? -1 : 1;
}

const sorted = new WeakMap<MembersReport, readonly Member[]>();

/** The members of a report in order of id; of an id that stands there twice, against the contract, the first. Remembered. */
export function sortedMembers(report: MembersReport): readonly Member[] {
  const known = sorted.get(report);
  if (known) return known;
  const inOrder = report.members.toSorted(compareIds);
  const members = inOrder.some(isRepeated) ? inOrder.filter((member, i) => !isRepeated(member, i, inOrder)) : inOrder;
  sorted.set(report, members);
  return members;
}

function isRepeated({ id }: WithId, i: number, list: readonly WithId[]): boolean {
  return i > 0 && list[i - 1]?.id === id;
}

/** Reads a list in order of id from its beginning, for ids that come in that order themselves. */
export class IdCursor<T extends WithId> {
  readonly #list: readonly T[];
  #at = 0;

  constructor(list: readonly T[]) {
    this.#list = list;
  }

  /** The next one; undefined at the end. */
  get next(): T | undefined {
    return this.#list[this.#at];
  }

  /** The one with this id, undefined where there is none; what comes before it is passed over. */
  take(id: string): T | undefined {
    let next = this.#list[this.#at];
    while (next !== undefined && next.id < id) {
      this.#at += 1;
      next = this.#list[this.#at];
    }
    if (next?.id !== id) return undefined;
    this.#at += 1;
    return next;
  }
}
