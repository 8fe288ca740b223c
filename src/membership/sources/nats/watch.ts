import { RingwayError } from '../../../core/index.ts';
import type { MembershipSource, SourceReport } from '../../types.ts';
import { follow } from '../follow.ts';
import type { SourceDeps } from '../types.ts';
import type { NatsSourceOptions } from './options.ts';

export function createNatsSource({ name }: NatsSourceOptions, _deps: SourceDeps): MembershipSource {
  const error = new RingwayError('nats: not built', { code: 'NOT_BUILT' });
  return {
    name,
    watch: (signal) =>
      follow<SourceReport>(signal, (put) => {
        put({ kind: 'failed', error });
        return () => Promise.resolve();
      }),
  };
}
