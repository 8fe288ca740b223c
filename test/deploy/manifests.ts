// Manifests of deploy/ as values, composed as kustomize composes them.
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parseAllDocuments } from 'yaml';

export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly labels?: Labels };
  readonly spec?: Record<string, unknown>;
  readonly data?: Record<string, string>;
  readonly [key: string]: unknown;
}

export type Labels = Readonly<Record<string, string>>;

export interface Container {
  readonly name: string;
  readonly image: string;
  readonly command?: readonly string[];
  readonly args?: readonly string[];
  readonly env?: readonly { readonly name: string }[];
  readonly ports?: readonly { readonly name: string; readonly containerPort: number }[];
  readonly securityContext?: Record<string, unknown>;
  readonly restartPolicy?: string;
  readonly volumeMounts?: readonly { readonly name: string }[];
  readonly [key: string]: unknown;
}

export interface PodTemplate {
  readonly metadata: { readonly labels: Labels };
  readonly spec: {
    readonly containers: readonly Container[];
    readonly initContainers?: readonly Container[];
    readonly volumes?: readonly Record<string, unknown>[];
    readonly serviceAccountName?: string;
    readonly securityContext?: Record<string, unknown>;
    readonly terminationGracePeriodSeconds?: number;
  };
}

/** The documents of a YAML text. Throws on a text that is no YAML. */
export function documents(text: string): Manifest[] {
  return parseAllDocuments(text).map((document) => {
    if (document.errors[0]) throw document.errors[0];
    return document.toJS() as Manifest;
  });
}

export function readManifests(file: string): Manifest[] {
  return documents(readFileSync(file, 'utf8'));
}

interface Kustomization {
  readonly resources?: readonly string[];
  readonly patches?: readonly { readonly path: string; readonly target: { readonly kind: string; readonly labelSelector: string } }[];
}

/** What a kustomization makes of manifests: its resources beside them, its patches laid over those that they aim at. */
export function kustomize(file: string, given: readonly Manifest[] = []): Manifest[] {
  const [kustomization] = readManifests(file) as unknown as [Kustomization];
  const folder = dirname(file);
  const all = [...given, ...(kustomization.resources ?? []).flatMap((resource) => readManifests(join(folder, resource)))];
  return (kustomization.patches ?? []).reduce((manifests, { path, target }) => {
    const [patch] = readManifests(join(folder, path)) as [Manifest];
    const hits = (one: Manifest): boolean => {
      const [key, value] = target.labelSelector.split('=') as [string, string];
      return one.kind === target.kind && one.metadata.labels?.[key] === value;
    };
    return manifests.map((one) => (hits(one) ? ({ ...one, spec: merge(one.spec, patch.spec) } as Manifest) : one));
  }, all);
}

/** A strategic merge, as far as these patches need it: maps merge, lists of named things merge by name, other lists are replaced. */
function merge(base: unknown, patch: unknown): unknown {
  if (Array.isArray(base) && Array.isArray(patch) && [...base, ...patch].every(isNamed)) {
    const kept = base.filter(({ name }) => !patch.some((one) => one.name === name));
    return [...patch, ...kept];
  }
  if (!isMap(base) || !isMap(patch)) return patch ?? base;
  return { ...base, ...Object.fromEntries(Object.entries(patch).map(([key, value]) => [key, merge(base[key], value)])) };
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isNamed(value: unknown): value is { readonly name: string } {
  return isMap(value) && typeof value['name'] === 'string';
}

/** Manifests in an order that does not depend on who composed them. */
export function inOrder(manifests: readonly Manifest[]): Manifest[] {
  return manifests.toSorted((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
}

export function keyOf({ kind, metadata }: Manifest): string {
  return `${kind}/${metadata.name}`;
}

/** The pod that a workload makes; undefined of what is no workload. */
export function podOf(manifest: Manifest): PodTemplate | undefined {
  return manifest.spec?.['template'] as PodTemplate | undefined;
}

/** All containers of a pod, in the order in which they start. */
export function containersOf({ spec }: PodTemplate): Container[] {
  return [...(spec.initContainers ?? []), ...spec.containers];
}
