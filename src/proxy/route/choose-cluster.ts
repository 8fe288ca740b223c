import type { Random } from '../../core/index.ts';
import type { HeaderBlock } from '../../http2/types.ts';
import type { ClusterChoice } from './types.ts';

/** The cluster of one request; '' when the header that should name it is absent. */
export function chooseCluster(choice: ClusterChoice, headers: HeaderBlock, random: Random): string {
  switch (choice.kind) {
    case 'one':
      return choice.name;
    case 'header':
      return headers.find((field) => field.name === choice.header)?.value ?? '';
    case 'weighted': {
      let left = random() * choice.totalWeight;
      for (const { name, weight } of choice.clusters) {
        left -= weight;
        if (left < 0) return name;
      }
      return choice.clusters.at(-1)?.name ?? '';
    }
  }
}
