import type { TLSSocket } from 'node:tls';
import type { Counter, StatScope } from '../../telemetry/index.ts';
import type { TlsFailureCode } from '../../transport/index.ts';

/** `ssl.…` below a listener's or a cluster's stats. */
export interface TlsStats {
  /** After every handshake that came through. */
  onSecured(socket: TLSSocket): void;
  /** After every one that did not. A peer that just went away counts nowhere, as in Envoy. */
  onFailed(code: TlsFailureCode): void;
}

export function createTlsStats(scope: StatScope): TlsStats {
  const counter = (name: string): Counter => scope.counter(`ssl.${name}`);
  const handshake = counter('handshake');
  const sessionReused = counter('session_reused');
  const noCertificate = counter('no_certificate');
  const failures: Readonly<Record<TlsFailureCode, Counter | null>> = {
    TLS_PROTOCOL: counter('connection_error'),
    TLS_NO_CERTIFICATE: counter('fail_verify_no_cert'),
    TLS_UNTRUSTED: counter('fail_verify_error'),
    TLS_PINNED: counter('fail_verify_cert_hash'),
    TLS_CLOSED: null,
    TLS_TIMEOUT: null,
  };
  // of these there is a series only when a handshake used it
  const tagged = (stat: string, tag: string): ((value: string) => Counter) => {
    const known = new Map<string, Counter>();
    return (value) => {
      const found = known.get(value) ?? scope.tagged(`ssl.${stat}`, tag, value);
      known.set(value, found);
      return found;
    };
  };
  const ciphers = tagged('ciphers', 'envoy_ssl_cipher');
  const versions = tagged('versions', 'envoy_ssl_version');
  return {
    onSecured(socket) {
      handshake.value += 1;
      if (socket.isSessionReused()) sessionReused.value += 1;
      if (socket.getPeerX509Certificate() === undefined) noCertificate.value += 1;
      ciphers(socket.getCipher().name).value += 1;
      versions(socket.getProtocol() ?? 'unknown').value += 1;
    },
    onFailed(code) {
      const counted = failures[code];
      if (counted) counted.value += 1;
    },
  };
}
