import { field } from '../../../http2/index.ts';
import type { Field, HeaderBlock } from '../../../http2/types.ts';
import { Role, roleOf } from './header-roles.ts';
import type { HttpSettings } from './settings.ts';

/** What one pass over a request's headers makes of them. */
export interface RequestHead {
  /** As they go on: control headers gone, x-forwarded-*, x-request-id and te set. Fields that stay are the objects that came. */
  readonly headers: HeaderBlock;
  readonly method: string;
  readonly authority: string;
  /** '' for CONNECT. */
  readonly path: string;
  readonly isGrpc: boolean;
  /** `expect: 100-continue` was there: it is answered here and not passed on. */
  readonly expectsContinue: boolean;
}

const HTTP: Field = field('x-forwarded-proto', 'http');
const HTTPS: Field = field('x-forwarded-proto', 'https');
const TE: Field = field('te', 'trailers');

/** What the connection manager makes of a caller's headers before any route. */
export function readRequestHead(
  headers: HeaderBlock,
  settings: HttpSettings,
  peer: { readonly remoteIp: string; readonly isSecure: boolean },
  createId: () => Field,
): RequestHead {
  const isEdge = settings.useRemoteAddress;
  const { generate, preserveExternal } = settings.requestId;
  const kept: Field[] = [];
  let method = '';
  let authority = '';
  let path = '';
  let isGrpc = false;
  let expectsContinue = false;
  let needsId = generate;
  let needsProto = true;
  let needsTe = true;
  for (let index = 0; index < headers.length; index += 1) {
    const one = headers[index] as Field;
    switch (roleOf(one.fieldName)) {
      case Role.METHOD:
        method = one.value;
        break;
      case Role.AUTHORITY:
        authority = one.value;
        break;
      case Role.HOST:
        if (authority === '') authority = one.value;
        break;
      case Role.PATH:
        path = one.value;
        break;
      case Role.CONTENT_TYPE:
        one.memo ??= isGrpcType(one.value);
        isGrpc = one.memo as boolean;
        break;
      case Role.TE:
        needsTe = false;
        break;
      case Role.REQUEST_ID:
        if (isEdge && generate && !preserveExternal) continue;
        needsId = false;
        break;
      case Role.FORWARDED_PROTO:
        if (isEdge) continue;
        needsProto = false;
        break;
      case Role.FORWARDED_FOR:
        if (isEdge && settings.appendForwardedFor) continue;
        break;
      case Role.EXPECT:
        if (one.value.toLowerCase() !== '100-continue') break;
        expectsContinue = true;
        continue;
      case Role.CONTROL:
        continue;
      case Role.EDGE:
        if (isEdge) continue;
        break;
      default:
    }
    kept.push(one);
  }
  if (needsProto) kept.push(peer.isSecure ? HTTPS : HTTP);
  if (needsId) kept.push(createId());
  if (isGrpc && needsTe) kept.push(TE);
  if (isEdge) addPeer(kept, headers, settings, peer.remoteIp);
  return { headers: kept, method, authority, path, isGrpc, expectsContinue };
}

function isGrpcType(value: string): boolean {
  return value === 'application/grpc' || value.startsWith('application/grpc+');
}

function addPeer(kept: Field[], headers: HeaderBlock, settings: HttpSettings, peer: string): void {
  if (settings.appendForwardedFor) {
    const before = headers.filter(({ name }) => name === 'x-forwarded-for').map(({ value }) => value);
    kept.push(field('x-forwarded-for', [...before, peer].join(',')));
  }
  kept.push(field('x-envoy-external-address', peer));
}
