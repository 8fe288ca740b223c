import type { RefusedRow } from '../types.ts';

/** What Envoy does and Ringway refuses by name when the configuration is read. */
export const REFUSED: readonly RefusedRow[] = [
  {
    name: 'redirect',
    situation: 'redirect',
    setup: { route: 'redirect: { path_redirect: /elsewhere }' },
    upstream: null,
    refusal: 'filter_chains[0].filters[0].typed_config.route_config.virtual_hosts[0].routes[0].redirect: is not supported',
  },
  {
    name: 'underscores-reject',
    situation: 'a field name with an underscore, headers_with_underscores_action REJECT_REQUEST',
    setup: { manager: 'common_http_protocol_options: { headers_with_underscores_action: REJECT_REQUEST }' },
    caller: async (caller) => void (await caller.call({ x_under_score: '1' })),
    upstream: null,
    refusal: 'filter_chains[0].filters[0].typed_config.common_http_protocol_options.headers_with_underscores_action: is not supported',
  },
  {
    name: 'underscores-drop',
    situation: 'a field name with an underscore, headers_with_underscores_action DROP_HEADER',
    setup: { manager: 'common_http_protocol_options: { headers_with_underscores_action: DROP_HEADER }' },
    caller: async (caller) => void (await caller.call({ x_under_score: '1' })),
    refusal: 'filter_chains[0].filters[0].typed_config.common_http_protocol_options.headers_with_underscores_action: is not supported',
  },
  {
    name: 'via',
    situation: 'via',
    setup: { manager: 'via: ringway' },
    refusal: 'filter_chains[0].filters[0].typed_config.via: is not supported',
  },
];
