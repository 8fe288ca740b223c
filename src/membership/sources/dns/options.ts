import type { DnsSourceConfig } from '../../../config/index.ts';
import type { RingName } from '../../types.ts';

/** What a dns source is told. */
export interface DnsSourceOptions extends Omit<DnsSourceConfig, 'kind'> {
  readonly name: string;
  readonly ring: RingName;
}
