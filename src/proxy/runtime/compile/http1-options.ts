import type { Http1ProtocolOptions } from '../../../gen/envoy/config/core/v3/protocol.ts';
import type { Http1Options } from '../../../http1/types.ts';
import { fieldPath, refuse, refuseOthers } from './support.ts';

/** For listeners and clusters alike; undefined: Envoy's defaults, which drop trailers. */
export function compileHttp1Options(path: string, message: Http1ProtocolOptions | undefined): Http1Options {
  if (!message) return {};
  refuseOthers(path, message, {
    reads: ['enableTrailers', 'allowAbsoluteUrl', 'overrideStreamErrorOnInvalidHttpMessage'],
    // there is one parser
    harmless: ['useBalsaParser'],
  });
  // absolute targets are what RFC 9112 §3.2.2 has every server take
  if (message.allowAbsoluteUrl === false) refuse(fieldPath(path, 'allowAbsoluteUrl'), 'false is not supported');
  // who breaks the framing cannot be followed any further
  if (message.overrideStreamErrorOnInvalidHttpMessage)
    refuse(fieldPath(path, 'overrideStreamErrorOnInvalidHttpMessage'), 'is not supported');
  return { trailers: message.enableTrailers };
}
