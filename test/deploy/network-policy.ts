import type { Labels, Manifest } from './manifests.ts';

interface Selector {
  readonly matchLabels?: Labels;
  readonly matchExpressions?: readonly { readonly key: string; readonly operator: string; readonly values: readonly string[] }[];
}

interface PolicySpec {
  readonly podSelector: Selector;
  readonly ingress: readonly {
    readonly from?: readonly { readonly podSelector: Selector }[];
    readonly ports?: readonly { readonly port: number | string }[];
  }[];
}

/** Whether a pod may connect to a port of another in the same namespace: nobody's policy closes a pod until one selects it. */
export function isAllowed(
  policies: readonly Manifest[],
  { from, to, port }: { readonly from: Labels; readonly to: Labels; readonly port: number | string },
): boolean {
  const selecting = policies.map(({ spec }) => spec as unknown as PolicySpec).filter(({ podSelector }) => selects(podSelector, to));
  if (selecting.length === 0) return true;
  return selecting.some(({ ingress }) =>
    ingress.some((rule) => {
      const comesFrom = rule.from?.some(({ podSelector }) => selects(podSelector, from)) ?? true;
      return comesFrom && (rule.ports?.some((one) => one.port === port) ?? true);
    }),
  );
}

function selects({ matchLabels = {}, matchExpressions = [] }: Selector, labels: Labels): boolean {
  const isEqual = Object.entries(matchLabels).every(([key, value]) => labels[key] === value);
  return (
    isEqual &&
    matchExpressions.every(({ key, operator, values }) => {
      if (operator !== 'In') throw new Error(`not understood: ${operator}`);
      return values.includes(labels[key] ?? '');
    })
  );
}
