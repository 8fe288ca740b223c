// What a platform engineer has after the steps of the guide: Ringway's manifests, and Tempo's with Ringway's patches.
import { execFileSync } from 'node:child_process';
import { documents, kustomize, type Manifest, readManifests } from './manifests.ts';

export const MEMBERS = ['tempo-live-store-zone-a-0', 'tempo-live-store-zone-b-0'] as const;

const DEPLOY = 'deploy/kubernetes';
const TEMPO = 'test/golden/deploy/tempo';

/** The Secrets that make-accounts prints for the members. */
export function accounts(words: readonly string[] = MEMBERS, input = ''): Manifest[] {
  return documents(execFileSync(process.execPath, ['deploy/nats/make-accounts.mjs', ...words], { input, encoding: 'utf8' }));
}

/** The files in the data of manifests; those of Secrets decoded. */
export function filesOf(...manifests: readonly (Manifest | undefined)[]): Readonly<Record<string, string>> {
  const entries = manifests.flatMap((manifest) =>
    Object.entries(manifest?.data ?? {}).map(([file, text]) => {
      return [file, manifest?.kind === 'Secret' ? Buffer.from(text, 'base64').toString() : text] as const;
    }),
  );
  return Object.fromEntries(entries);
}

/** By the name of its golden file, what each kustomization makes. */
export function renderings(): Readonly<Record<'ringway' | 'live-store' | 'live-store-envoy' | 'querier', Manifest[]>> {
  return {
    ringway: kustomize(`${DEPLOY}/kustomization.yaml`),
    'live-store': kustomize(`${DEPLOY}/live-store/kustomization.yaml`, readManifests(`${TEMPO}/live-store.yaml`)),
    'live-store-envoy': kustomize(`${DEPLOY}/live-store-envoy/kustomization.yaml`, readManifests(`${TEMPO}/live-store.yaml`)),
    querier: kustomize(`${DEPLOY}/querier/kustomization.yaml`, readManifests(`${TEMPO}/querier.yaml`)),
  };
}

/** The policies, those of the last step included. */
export function networkPolicies(): Manifest[] {
  return ['control', 'nats', 'live-store'].flatMap((name) => readManifests(`${DEPLOY}/network/${name}.yaml`));
}
