import type { KubernetesSourceConfig } from '../../../config/index.ts';
import type { RingName } from '../../types.ts';

/** What a kubernetes source is told. */
export interface KubernetesSourceOptions extends Omit<KubernetesSourceConfig, 'kind'> {
  readonly name: string;
  readonly ring: RingName;
}
