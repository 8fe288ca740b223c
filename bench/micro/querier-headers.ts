import { headerBlock } from '../../src/http2/index.ts';
import type { HeaderBlock } from '../../src/http2/types.ts';

/** As a Tempo querier sends them with every call. */
export const QUERIER_HEADERS: HeaderBlock = headerBlock([
  [':method', 'POST'],
  [':scheme', 'http'],
  [':path', '/tempopb.Querier/FindTraceByID'],
  [':authority', '127.0.0.12:9196'],
  ['content-type', 'application/grpc'],
  ['user-agent', 'grpc-go/1.82.1'],
  ['te', 'trailers'],
  ['grpc-encoding', 'snappy'],
  ['grpc-accept-encoding', 'snappy,zstd,gzip'],
  ['x-scope-orgid', 'single-tenant'],
]);
