import type { ConsulSourceConfig } from '../../../config/index.ts';
import type { RingName } from '../../types.ts';

/** What a consul source is told. */
export interface ConsulSourceOptions extends Omit<ConsulSourceConfig, 'kind'> {
  readonly name: string;
  readonly ring: RingName;
}
