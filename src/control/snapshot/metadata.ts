import { create } from '../../envoy/index.ts';
import { Metadata } from '../../gen/envoy/config/core/v3/base.ts';

/** What only Ringway's parts read; Envoy ignores it. Values are JSON. */
export function ringwayMetadata(values: Readonly<Record<string, unknown>>): Metadata {
  return create(Metadata, { filterMetadata: new Map([['ringway', { ...values }]]) });
}
