import { TYPE_URLS, type TypeUrl } from '../types.ts';

/** What is particular to one resource type on the wire. */
export interface TypeRules {
  /** Short name for metrics and logs: `cluster`, `endpoint`, `listener`, `route`, `secret`; `other` for types not in the table. */
  readonly label: string;
  /** State of the world: a response holds the complete set and absence is deletion (Listener, Cluster). Else a response may hold a part. */
  readonly fullSet: boolean;
  /**
   * A first request without names means `*`. False where clients are known to send an empty list when they want nothing:
   * Envoy's EDS and RDS after a reconnect.
   */
  readonly legacyWildcard: boolean;
}

const NAMED: Omit<TypeRules, 'label'> = { fullSet: false, legacyWildcard: false };

const TABLE: ReadonlyMap<TypeUrl, TypeRules> = new Map([
  [TYPE_URLS.cluster, { label: 'cluster', fullSet: true, legacyWildcard: true }],
  [TYPE_URLS.endpoint, { label: 'endpoint', ...NAMED }],
  [TYPE_URLS.listener, { label: 'listener', fullSet: true, legacyWildcard: true }],
  [TYPE_URLS.route, { label: 'route', ...NAMED }],
  [TYPE_URLS.secret, { label: 'secret', ...NAMED }],
]);

const OTHER: TypeRules = { label: 'other', ...NAMED };

/** The rules of a type; a type that is not in the table is served by name. */
export function rulesOf(typeUrl: TypeUrl): TypeRules {
  return TABLE.get(typeUrl) ?? OTHER;
}
