import type { KubernetesSourceOptions } from '../../src/membership/sources/kubernetes/options.ts';

/** What a source is told to read `live-store` in namespace `tempo` from this server, port 9096. */
export function kubernetesOptions(server: string | null, fields: Partial<KubernetesSourceOptions> = {}): KubernetesSourceOptions {
  return {
    name: 'kubernetes',
    ring: 'live-store',
    service: 'live-store',
    namespace: 'tempo',
    port: 9096,
    server,
    tokenFile: null,
    caFile: null,
    partitionFromName: true,
    family: 'IPv4',
    ...fields,
  };
}
