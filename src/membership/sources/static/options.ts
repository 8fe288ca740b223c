import type { StaticSourceConfig } from '../../../config/index.ts';
import type { RingName } from '../../types.ts';

/** What a static source is told. */
export interface StaticSourceOptions extends Omit<StaticSourceConfig, 'kind'> {
  readonly name: string;
  readonly ring: RingName;
}
