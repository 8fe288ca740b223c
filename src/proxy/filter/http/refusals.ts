import type { LocalReply } from '../../upstream/types.ts';
import type { RequestHead } from './request-head.ts';

/** Answers to requests that no upstream sees. Statuses and texts are Envoy's. */
export const NO_ROUTE: LocalReply = { status: 404, body: '', flag: 'NR', details: 'route_not_found' };

/** max_stream_duration or the request's own grpc-timeout is over: the only timeout that gRPC callers see as DEADLINE_EXCEEDED. */
export function tooLong(isRequestOver: boolean): LocalReply {
  return { status: isRequestOver ? 504 : 408, grpcStatus: 4, body: 'downstream duration timeout', details: 'max_duration_timeout' };
}

const NO_UPGRADE: LocalReply = { status: 403, body: '', details: 'upgrade_failed' };
/** A path that is none: it has a fragment. */
export const BAD_PATH: LocalReply = { status: 400, body: '', details: 'path_normalization_failed' };

export function noCluster(status: number): LocalReply {
  return { status, body: '', flag: 'NC', details: 'cluster_not_found' };
}

/** Nothing moved for stream_idle_timeout. */
export function streamTimeout(isRequestOver: boolean): LocalReply {
  return { status: isRequestOver ? 504 : 408, body: 'stream timeout', flag: 'SI', details: 'stream_idle_timeout' };
}

/** Why a request is refused before any route is looked for, or undefined. */
export function refusalOf({ method, path }: RequestHead): LocalReply | undefined {
  if (method === 'CONNECT') return NO_UPGRADE;
  return path.includes('#') ? BAD_PATH : undefined;
}
