import type { TransportSocket } from '../../gen/envoy/config/core/v3/base.ts';
import { UpstreamTlsContext } from '../../gen/envoy/extensions/transport_sockets/tls/v3/tls.ts';
import { createTlsClient, type TlsClient } from '../../transport/index.ts';
import { decodeAny, type FieldSupport, fieldPath, refuseOthers } from '../runtime/compile/index.ts';
import { compileTlsContext, refusingMaterial, tlsContextAny } from './context.ts';
import type { TlsSources } from './data-source.ts';

const TYPE = 'envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext';

const CONTEXT: FieldSupport<UpstreamTlsContext> = {
  reads: ['commonTlsContext', 'sni', 'autoHostSni'],
  // sessions are never resumed: every connection shows its certificate anew
  harmless: ['maxSessionKeys'],
};

/** How the connections of a cluster are secured. */
export interface UpstreamTls {
  readonly client: TlsClient;
  /** Server name for the handshake; `hostname`: each host's own (auto_host_sni), `sni` where it has none. */
  readonly serverName: { readonly from: 'sni' | 'hostname'; readonly sni: string };
}

/** Reads the transport socket of a cluster; null: plain TCP. Throws CompileError. */
export function compileUpstreamTransport(path: string, socket: TransportSocket | undefined, sources: TlsSources): UpstreamTls | null {
  const any = tlsContextAny(path, socket, TYPE);
  if (!any) return null;
  const message = decodeAny(path, any, UpstreamTlsContext);
  refuseOthers(path, message, CONTEXT);
  const context = compileTlsContext(fieldPath(path, 'commonTlsContext'), message.commonTlsContext, sources);
  const client = refusingMaterial(path, () => createTlsClient(context));
  return { client, serverName: { from: message.autoHostSni ? 'hostname' : 'sni', sni: message.sni } };
}
