import type { TempoSourceConfig } from '../../../config/index.ts';
import type { RingName } from '../../types.ts';

/** What a tempo source is told. */
export interface TempoSourceOptions extends Omit<TempoSourceConfig, 'kind'> {
  readonly name: string;
  readonly ring: RingName;
}
