import type { MemberId } from './types.ts';

/** The number after the last dash, as Tempo takes a live-store's partition from its instance id (pkg/ingest/util.go); null without one. */
export function partitionOfId(id: MemberId): number | null {
  const digits = /-(\d{1,10})$/.exec(id)?.[1];
  const partition = digits === undefined ? Number.NaN : Number(digits);
  return partition <= 2 ** 31 - 1 ? partition : null;
}
