import { Metadata } from '../../gen/envoy/config/core/v3/base.ts';
import { make } from './values.ts';

/** What only Ringway's parts read; Envoy ignores it. Values are JSON. */
export function ringwayMetadata(values: Readonly<Record<string, unknown>>): Metadata {
  return make(Metadata, { filterMetadata: new Map([['ringway', { ...values }]]) });
}
