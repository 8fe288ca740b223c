import type { FieldName } from '../../../http2/types.ts';

/** What the name of a request's field means to a connection manager. */
export const Role = {
  OTHER: 1,
  METHOD: 2,
  AUTHORITY: 3,
  HOST: 4,
  PATH: 5,
  CONTENT_TYPE: 6,
  TE: 7,
  REQUEST_ID: 8,
  FORWARDED_PROTO: 9,
  FORWARDED_FOR: 10,
  /** By it callers steer Envoy. Nobody is internal here, so nobody may (ConnectionManagerUtility, cleanInternalHeaders). */
  CONTROL: 11,
  /** Only an edge takes it away from callers as well (use_remote_address). */
  EDGE: 12,
  /** Of responses. */
  SERVER: 13,
  DATE: 14,
  SERVICE_TIME: 15,
  /** Of requests. */
  EXPECT: 16,
} as const;

const CONTROL_NAMES = [
  'x-envoy-internal',
  'x-envoy-retriable-status-codes',
  'x-envoy-retriable-header-names',
  'x-envoy-retry-on',
  'x-envoy-retry-grpc-on',
  'x-envoy-max-retries',
  'x-envoy-upstream-alt-stat-name',
  'x-envoy-upstream-rq-timeout-ms',
  'x-envoy-upstream-rq-per-try-timeout-ms',
  'x-envoy-upstream-rq-timeout-alt-response',
  'x-envoy-upstream-stream-duration-ms',
  'x-envoy-expected-rq-timeout-ms',
  'x-envoy-force-trace',
  'x-envoy-ip-tags',
  'x-envoy-original-url',
  'x-envoy-hedge-on-per-try-timeout',
];

const EDGE_NAMES = [
  'x-envoy-decorator-operation',
  'x-envoy-downstream-service-cluster',
  'x-envoy-downstream-service-node',
  'x-envoy-external-address',
  'x-envoy-original-path',
];

const ROLES: ReadonlyMap<string, number> = new Map<string, number>([
  [':method', Role.METHOD],
  [':authority', Role.AUTHORITY],
  ['host', Role.HOST],
  [':path', Role.PATH],
  ['content-type', Role.CONTENT_TYPE],
  ['te', Role.TE],
  ['x-request-id', Role.REQUEST_ID],
  ['x-forwarded-proto', Role.FORWARDED_PROTO],
  ['x-forwarded-for', Role.FORWARDED_FOR],
  ['server', Role.SERVER],
  ['date', Role.DATE],
  ['x-envoy-upstream-service-time', Role.SERVICE_TIME],
  ['expect', Role.EXPECT],
  // whose certificate it was is nobody's to say (forward_client_cert_details SANITIZE, the only one that is taken)
  ['x-forwarded-client-cert', Role.CONTROL],
  ...CONTROL_NAMES.map((name): [string, number] => [name, Role.CONTROL]),
  ...EDGE_NAMES.map((name): [string, number] => [name, Role.EDGE]),
]);

/** The role of a name; looked up once a name (`FieldName.mark`), so that a request's fields cost a comparison of numbers each. */
export function roleOf(name: FieldName): number {
  if (name.mark === 0) name.mark = ROLES.get(name.text) ?? Role.OTHER;
  return name.mark;
}
