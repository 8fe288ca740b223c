import { field } from '../../../http2/index.ts';
import type { Field, HeaderBlock } from '../../../http2/types.ts';
import { mutateHeaders } from '../../route/index.ts';
import type { ForwardAction, Route } from '../../route/types.ts';

/** A request's headers as its route's upstream gets them. */
export function routedHeaders(headers: HeaderBlock, route: Route, action: ForwardAction): HeaderBlock {
  const rewritten = action.authority || action.prefixRewrite ? rewrite(headers, action) : headers;
  return mutateHeaders(rewritten, route.requestHeaders);
}

function rewrite(headers: HeaderBlock, { authority, prefixRewrite }: ForwardAction): HeaderBlock {
  const result: Field[] = [];
  let original: Field | undefined;
  for (const one of headers) {
    if (one.name === ':authority' && authority) result.push(authority);
    else if (one.name === ':path' && prefixRewrite) {
      original = one;
      result.push(field(':path', prefixRewrite.replacement + one.value.slice(prefixRewrite.length)));
    } else if (!(prefixRewrite && one.name === 'x-envoy-original-path')) result.push(one);
  }
  if (original) result.push(field('x-envoy-original-path', original.value));
  return result;
}
