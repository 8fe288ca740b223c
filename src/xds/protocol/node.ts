import type { Node } from '../../gen/envoy/config/core/v3/base.ts';
import type { XdsNode } from '../types.ts';

/** Reduces envoy.config.core.v3.Node to what Ringway reads; its hundreds of extensions are dropped. */
export function nodeFrom(node: Node): XdsNode {
  const { ringway } = node.metadata ?? {};
  return {
    id: node.id,
    cluster: node.cluster,
    zone: node.locality?.zone ?? '',
    ringway: objectOrEmpty(ringway),
    userAgent: userAgentOf(node),
  };
}

function objectOrEmpty(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : {};
}

function userAgentOf({ userAgentName, userAgentVersionType: version }: Node): string {
  if (version?.$case === 'userAgentVersion') return `${userAgentName}/${version.value}`;
  const number = version?.value.version;
  return number ? `${userAgentName}/${number.majorNumber}.${number.minorNumber}.${number.patch}` : userAgentName;
}
