import { RingwayError } from '../../../core/index.ts';
import type { MembershipSource, SourceReport } from '../../types.ts';
import { follow } from '../follow.ts';
import type { SourceDeps } from '../types.ts';
import type { KubernetesSourceOptions } from './options.ts';

export function createKubernetesSource({ name }: KubernetesSourceOptions, _deps: SourceDeps): MembershipSource {
  const error = new RingwayError('kubernetes: not built', { code: 'NOT_BUILT' });
  return {
    name,
    watch: (signal) =>
      follow<SourceReport>(signal, (put) => {
        put({ kind: 'failed', error });
        return () => Promise.resolve();
      }),
  };
}
