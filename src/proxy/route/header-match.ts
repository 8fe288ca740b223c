import type { HeaderBlock } from '../../http2/types.ts';

/** HeaderMatcher: true when the request has what is asked. */
export type HeaderMatch = (headers: HeaderBlock) => boolean;

/** What is asked of one header's value; undefined when it is absent. */
export type ValueTest = (value: string | undefined) => boolean;

/** Tests all values of `name` as one list joined by commas, as Envoy does. */
export function headerMatch(name: string, test: ValueTest): HeaderMatch {
  return (headers) => test(joinedValue(headers, name));
}

/** RouteMatch.grpc: content-type application/grpc, or application/grpc+…. */
export function isGrpcRequest(headers: HeaderBlock): boolean {
  const type = joinedValue(headers, 'content-type');
  return type !== undefined && (type === 'application/grpc' || type.startsWith('application/grpc+'));
}

function joinedValue(headers: HeaderBlock, name: string): string | undefined {
  let joined: string | undefined;
  for (const field of headers) {
    if (field.name === name) joined = joined === undefined ? field.value : `${joined},${field.value}`;
  }
  return joined;
}
