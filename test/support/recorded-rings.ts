import { readFileSync } from 'node:fs';

/** The moments at which a running Tempo was recorded; see test/golden/membership/README.md. */
export const MOMENTS = ['running', 'after-crash', 'after-stop'] as const;
export type Moment = (typeof MOMENTS)[number];

/** What one peer answered at that moment. */
export interface RecordedRing {
  readonly instanceBytes: Uint8Array;
  readonly partitionBytes: Uint8Array;
  readonly ringPage: string;
  readonly partitionPage: string;
}

export function recordedRing(moment: Moment): RecordedRing {
  const read = (name: string): Buffer => readFileSync(new URL(`../golden/membership/tempo/${moment}/${name}`, import.meta.url));
  return {
    instanceBytes: read('downloadKey-live-store.bin'),
    partitionBytes: read('downloadKey-livestore-partitions.bin'),
    ringPage: read('live-store-ring.json').toString(),
    partitionPage: read('partition-ring.json').toString(),
  };
}

/** What one peer answered to a push/pull at that moment. */
export function recordedPull(moment: Moment): Uint8Array {
  return readFileSync(new URL(`../golden/membership/tempo/${moment}/push-pull-reply.bin`, import.meta.url));
}
