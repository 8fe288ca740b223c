import { follow } from '../../../core/index.ts';
import type { MembershipSource, SourceReport } from '../../types.ts';
import type { SourceDeps } from '../types.ts';
import { SERVICE_ACCOUNT_DIRECTORY } from './access.ts';
import { SliceFollower } from './follower.ts';
import type { KubernetesSourceOptions } from './options.ts';

/**
 * The pods behind a Kubernetes Service. They have no heartbeats; their state is what `serving` and `terminating` say (never `ready`, which
 * publishNotReadyAddresses makes always true). The account needs get, list and watch of endpointslices in the Service's namespace.
 * `directory` has the files of the pod's service account.
 */
export function createKubernetesSource(
  options: KubernetesSourceOptions,
  deps: SourceDeps,
  directory: string = SERVICE_ACCOUNT_DIRECTORY,
): MembershipSource {
  const relists = new Set<() => void>();
  return {
    name: options.name,
    reload: () => {
      for (const relist of relists) relist();
    },
    watch: (signal) =>
      follow<SourceReport>(signal, (put) => {
        const follower = new SliceFollower(options, deps, directory, put);
        let round = new AbortController();
        let isStopped = false;
        const relist = (): void => round.abort();
        relists.add(relist);
        const rounds = async (): Promise<void> => {
          for (; !isStopped; round = new AbortController()) await follower.run(round.signal);
        };
        const done = rounds();
        return () => {
          isStopped = true;
          relists.delete(relist);
          round.abort();
          return done;
        };
      }),
  };
}
