// Endpoints and ports of a slice. Read by hand: there may be 100,000 bad ones, and a schema takes 20 µs to refuse each.

/** One endpoint, as much of it as a ring needs. */
export interface SliceEndpoint {
  /** The first one: no meaning is defined for others. */
  readonly address: string;
  readonly serving: boolean;
  readonly terminating: boolean;
  /** '' when it has none. */
  readonly hostname: string;
  /** null when it is not a pod. */
  readonly pod: { readonly name: string; readonly uid: string } | null;
  /** Where it runs; '' when that is not known. */
  readonly zone: string;
}

/** One TCP port. */
export interface SlicePort {
  readonly name: string;
  /** null: any. */
  readonly port: number | null;
}

/** Names are no longer than this anywhere in Kubernetes. */
export const MAX_TEXT = 253;

/** A text says what is wrong with it, and where in it. */
export function parseEndpoint(value: unknown): SliceEndpoint | string {
  const fields = fieldsOf(value);
  const conditions = fieldsOf(fields?.['conditions'] ?? {});
  const target = fieldsOf(fields?.['targetRef'] ?? {});
  if (fields === null || conditions === null || target === null) return 'is no endpoint';
  const address = textOf(listOf(fields['addresses'])[0]);
  const [hostname, zone] = [textOf(fields['hostname']), textOf(fields['zone'])];
  const [name, uid] = [textOf(target['name']), textOf(target['uid'])];
  // `ready` says nothing when it is true (publishNotReadyAddresses), and is the older way to say false
  const serving = flagOf(conditions['serving'] ?? conditions['ready'], true);
  const terminating = flagOf(conditions['terminating'], false);
  if (address === null || address === '') return 'has no address that is a name or number';
  if (hostname === null || zone === null || name === null || uid === null) return 'has a name that is no text, or a long one';
  if (serving === null || terminating === null) return 'has conditions that are neither true nor false';
  const pod = target['kind'] === 'Pod' && name !== '' ? { name, uid } : null;
  return { address, serving, terminating, hostname, pod, zone: zone || hintOf(fields['hints']) };
}

/** Empty for what is not a TCP port. */
export function parsePort(value: unknown): readonly SlicePort[] {
  const { name, port = null, protocol } = fieldsOf(value) ?? {};
  if ((protocol ?? 'TCP') !== 'TCP') return [];
  if (port !== null && !(typeof port === 'number' && Number.isInteger(port) && port > 0 && port <= 65_535)) return [];
  return [{ name: textOf(name) ?? '', port }];
}

/** Hints say for which zones it is meant. Of one zone, that is where it runs, as far as anyone says. */
function hintOf(hints: unknown): string {
  const [zone, ...others] = listOf(fieldsOf(hints)?.['forZones']);
  return others.length === 0 ? (textOf(fieldsOf(zone)?.['name']) ?? '') : '';
}

function fieldsOf(value: unknown): Readonly<Record<string, unknown>> | null {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : null;
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** '' for what is absent, null for what is something else. */
function textOf(value: unknown): string | null {
  const text = value ?? '';
  return typeof text === 'string' && text.length <= MAX_TEXT ? text : null;
}

function flagOf(value: unknown, otherwise: boolean): boolean | null {
  const flag = value ?? otherwise;
  return typeof flag === 'boolean' ? flag : null;
}
