// The proxies that are compared. `proxyKinds` names them all; each file knows how one is configured, started and asked for its version.
import { envoyKind, ringwayKind } from './envoy-like.ts';
import { haproxyKind } from './haproxy.ts';
import { l4Kind } from './l4.ts';
import { nginxKind } from './nginx.ts';
import type { ProxyKind } from './types.ts';

/** Every kind; `against` is a second Ringway to compare the first with. */
export function proxyKinds(ringway: readonly [string, ...string[]], against?: readonly [string, ...string[]]): readonly ProxyKind[] {
  return [
    ringwayKind('ringway', 'Ringway', ringway),
    ...(against ? [ringwayKind('against', 'the other Ringway', against)] : []),
    envoyKind('minimal'),
    envoyKind('full'),
    haproxyKind(),
    nginxKind(),
    l4Kind(),
  ];
}
