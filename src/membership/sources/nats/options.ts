import type { NatsSourceConfig } from '../../../config/index.ts';
import type { RingName } from '../../types.ts';

/** What a nats source is told. */
export interface NatsSourceOptions extends Omit<NatsSourceConfig, 'kind'> {
  readonly name: string;
  readonly ring: RingName;
}
