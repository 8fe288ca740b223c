import type { Test } from 'tap';
import type { Clock } from '../../src/core/index.ts';
import { encodeInstanceRing, encodePartitionRing } from '../../src/membership/dskit/index.ts';
import { createEtcdSource } from '../../src/membership/sources/etcd/index.ts';
import type { EtcdSourceOptions } from '../../src/membership/sources/etcd/options.ts';
import type { Member, SourceReport } from '../../src/membership/types.ts';
import { sourceDeps } from './source-deps.ts';

/** Tempo's. */
export const KEYS = { instances: 'collectors/live-store', partitions: 'collectors/livestore-partitions' };

export const optionsFor = (...endpoints: string[]): EtcdSourceOptions => ({
  name: 'etcd',
  ring: 'live-store',
  endpoints,
  keys: KEYS,
  timeoutMs: 5000,
  tls: null,
  login: null,
});

/** Three members in two zones and partitions. */
export const MEMBERS: readonly Pick<Member, 'id' | 'address' | 'zone' | 'partition'>[] = [
  { id: 'live-store-zone-a-0', address: '10.0.0.1:9096', zone: 'zone-a', partition: 0 },
  { id: 'live-store-zone-b-0', address: '10.0.1.1:9096', zone: 'zone-b', partition: 0 },
  { id: 'live-store-zone-b-1', address: '[fd00::1]:9096', zone: 'zone-b', partition: 1 },
];

/** Their instance ring, as it stands under its key. */
export const instancesOf = (members: readonly Pick<Member, 'id' | 'address' | 'zone'>[], nowMs = 0): Uint8Array =>
  encodeInstanceRing(
    new Map(
      members.map(({ id, address, zone }) => {
        const heartbeatMs = Math.floor(nowMs / 1000) * 1000;
        return [id, { id, address, zone, state: 'ACTIVE', heartbeatMs, registeredMs: null }];
      }),
    ),
  );

/** The partition ring of MEMBERS. */
export const PARTITIONS: Uint8Array = encodePartitionRing({
  partitions: new Map([0, 1].map((id) => [id, { id, state: 'ACTIVE', stateMs: 0 }])),
  owners: new Map(MEMBERS.map(({ id, partition }) => [id, { id, partition: partition ?? 0, state: 'ACTIVE', updatedMs: 0 }])),
});

/** What a source says, one after the other. */
export interface Reports {
  next(): Promise<SourceReport>;
}

/** Follows a source until `stop`, or until the test ends. */
export function reportsOf(t: Test, options: EtcdSourceOptions, clock: Clock): Reports & { stop(): Promise<void> } {
  const abort = new AbortController();
  const reports = createEtcdSource(options, sourceDeps(clock)).watch(abort.signal)[Symbol.asyncIterator]();
  t.teardown(() => abort.abort());
  return {
    next: async () => {
      const { value, done } = await reports.next();
      if (done) throw new Error('the stream ended');
      return value;
    },
    stop: async () => {
      abort.abort();
      await reports.next();
    },
  };
}

/** The next report of this kind, as textOf has it. */
export async function until({ next }: Reports, kind: SourceReport['kind']): Promise<string> {
  for (;;) {
    const report = await next();
    if (report.kind === kind) return textOf(report);
  }
}

/** Its members' ids and partitions, or what failed. */
export function textOf(report: SourceReport): string {
  return report.kind === 'failed' ? report.error.message : report.members.map(({ id, partition }) => `${id}=${partition}`).join(' ');
}

/** All of MEMBERS, and all but the first. */
export const ALL = 'live-store-zone-a-0=0 live-store-zone-b-0=0 live-store-zone-b-1=1';
export const FEWER = 'live-store-zone-b-0=0 live-store-zone-b-1=1';
