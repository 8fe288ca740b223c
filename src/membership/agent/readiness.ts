import type { MemberState } from '../types.ts';
import type { HealthAnswer } from './types.ts';

/** Where a live-store is, as its health answers tell. */
export type Readiness =
  /** It has not said that it serves, or it is gone. */
  | { readonly kind: 'joining' }
  /** It serves. */
  | { readonly kind: 'active'; readonly misses: Misses }
  /** It served and says that it does not any more: it stops. */
  | { readonly kind: 'leaving'; readonly misses: Misses };

/** Answers in a row that did not come. `refused`: one of them because nobody listened, so who answers next has just started. */
interface Misses {
  readonly count: number;
  readonly refused: boolean;
}

/** One lost answer is an accident; after this many in a row the live-store is gone. */
const GONE_AFTER = 3;
const NO_MISSES: Misses = { count: 0, refused: false };

export const JOINING: Readiness = { kind: 'joining' };

/** Where it is after one more answer. */
export function nextReadiness(now: Readiness, answer: HealthAnswer): Readiness {
  switch (answer.kind) {
    case 'serving':
    case 'unimplemented':
      return { kind: 'active', misses: NO_MISSES };
    case 'not-serving':
      return now.kind === 'joining' || now.misses.refused ? JOINING : { kind: 'leaving', misses: NO_MISSES };
    case 'refused':
    case 'failed':
      return afterMiss(now, answer.kind === 'refused');
  }
}

/** What the ring is told of it. */
export function memberStateOf({ kind }: Readiness): MemberState {
  return ({ joining: 'JOINING', active: 'ACTIVE', leaving: 'LEAVING' } as const)[kind];
}

function afterMiss(now: Readiness, isRefused: boolean): Readiness {
  if (now.kind === 'joining') return now;
  const misses = { count: now.misses.count + 1, refused: now.misses.refused || isRefused };
  return misses.count >= GONE_AFTER ? JOINING : { kind: now.kind, misses };
}
