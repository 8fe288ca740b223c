import type { GossipSourceConfig } from '../../../config/index.ts';
import type { RingName } from '../../types.ts';

/** What a gossip source is told. */
export interface GossipSourceOptions extends Omit<GossipSourceConfig, 'kind'> {
  readonly name: string;
  readonly ring: RingName;
}
