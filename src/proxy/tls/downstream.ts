import type { TransportSocket } from '../../gen/envoy/config/core/v3/base.ts';
import { DownstreamTlsContext } from '../../gen/envoy/extensions/transport_sockets/tls/v3/tls.ts';
import { createTlsServer, type TlsServer, type TlsServerSettings } from '../../transport/index.ts';
import { decodeAny, type FieldSupport, fieldPath, optionalDurationMs, refuse, refuseOthers } from '../runtime/compile/index.ts';
import { type CompiledTlsContext, compileTlsContext, refusingMaterial, tlsContextAny } from './context.ts';
import type { TlsSources } from './data-source.ts';

const TYPE = 'envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext';

const CONTEXT: FieldSupport<DownstreamTlsContext> = {
  reads: ['commonTlsContext', 'requireClientCertificate', 'sessionTicketKeysType', 'sessionTimeout', 'preferClientCiphers'],
  harmless: [
    // sessions are kept by clients, in tickets, only
    'disableStatefulSessionResumption',
    // one certificate of a kind: there is no other to look for
    'fullScanCertsOnSniMismatch',
  ],
};

/** Reads the transport socket of a filter chain; null: plain TCP. Throws CompileError. */
export function compileDownstreamTransport(path: string, socket: TransportSocket | undefined, sources: TlsSources): TlsServer | null {
  const any = tlsContextAny(path, socket, TYPE);
  if (!any) return null;
  const message = decodeAny(path, any, DownstreamTlsContext);
  refuseOthers(path, message, CONTEXT);
  const context = compileTlsContext(fieldPath(path, 'commonTlsContext'), message.commonTlsContext, sources);
  if (context.keyPairs.length === 0) {
    refuse(fieldPath(path, 'commonTlsContext.tlsCertificates'), 'No TLS certificates found for server context');
  }
  const settings: TlsServerSettings = {
    ...context,
    clientCertificate: message.requireClientCertificate ? 'required' : verifiesClients(context) ? 'asked' : 'ignored',
    tickets: ticketsOf(path, message),
    prefersClientCiphers: message.preferClientCiphers,
  };
  return refusingMaterial(path, () => createTlsServer(settings));
}

function verifiesClients({ trustedCa, pins }: CompiledTlsContext): boolean {
  return trustedCa !== null || pins !== null;
}

function ticketsOf(path: string, { sessionTicketKeysType: kind, sessionTimeout }: DownstreamTlsContext): TlsServerSettings['tickets'] {
  if (kind?.$case === 'disableStatelessSessionResumption') {
    if (kind.value) return { state: 'none' };
  } else if (kind) refuse(fieldPath(path, kind.$case), 'is not supported');
  const lifetimeMs = optionalDurationMs(fieldPath(path, 'sessionTimeout'), sessionTimeout);
  if (lifetimeMs === 0) return { state: 'none' };
  return { state: 'given', lifetimeS: lifetimeMs === null ? null : Math.ceil(lifetimeMs / 1000) };
}
