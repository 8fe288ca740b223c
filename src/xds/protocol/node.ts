import { RingwayError } from '../../core/index.ts';
import type { Node } from '../../gen/envoy/config/core/v3/base.ts';
import type { XdsNode } from '../types.ts';

/** Names are shown, logged and remembered; nobody's is longer. */
const MAX_NAME = 1024;

/**
 * Reduces envoy.config.core.v3.Node to what Ringway reads; its hundreds of extensions are dropped. Throws RingwayError
 * `INVALID_ARGUMENT` for a name of more than 1024 characters.
 */
export function nodeFrom(node: Node): XdsNode {
  const { ringway } = node.metadata ?? {};
  return {
    id: nameOf('id', node.id),
    cluster: nameOf('cluster', node.cluster),
    zone: nameOf('locality.zone', node.locality?.zone ?? ''),
    ringway: objectOrEmpty(ringway),
    userAgent: userAgentOf(node).slice(0, MAX_NAME),
  };
}

function nameOf(field: string, text: string): string {
  if (text.length <= MAX_NAME) return text;
  throw new RingwayError(`node.${field} has ${text.length} characters, at most ${MAX_NAME} are allowed`, { code: 'INVALID_ARGUMENT' });
}

function objectOrEmpty(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : {};
}

function userAgentOf({ userAgentName, userAgentVersionType: version }: Node): string {
  if (version?.$case === 'userAgentVersion') return `${userAgentName}/${version.value}`;
  const number = version?.value.version;
  return number ? `${userAgentName}/${number.majorNumber}.${number.minorNumber}.${number.patch}` : userAgentName;
}
