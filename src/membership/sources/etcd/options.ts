import type { EtcdSourceConfig } from '../../../config/index.ts';
import type { RingName } from '../../types.ts';

/** What an etcd source is told. */
export interface EtcdSourceOptions extends Omit<EtcdSourceConfig, 'kind'> {
  readonly name: string;
  readonly ring: RingName;
}
