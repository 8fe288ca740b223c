import type { ConnectionOptions } from 'node:tls';
import type { ClientTlsConfig } from '../config/types.ts';
import { readTlsFiles } from './tls-files.ts';

/** What Node's TLS clients (tls.connect, https.request) take of it. */
export type ClientTlsSettings = Pick<ConnectionOptions, 'ca' | 'cert' | 'key' | 'servername' | 'rejectUnauthorized' | 'minVersion'>;

/** Reads the files anew, so that rotated ones are taken by the next connection. Rejects with RingwayError `TLS_FILE` that names the one at fault. */
export async function readClientTls({
  ca,
  certificate,
  privateKey,
  serverName,
  insecureSkipVerify,
}: ClientTlsConfig): Promise<ClientTlsSettings> {
  const material = await readTlsFiles({
    ...(ca === null ? {} : { trustedCa: ca }),
    ...(certificate === null ? {} : { certificate }),
    ...(privateKey === null ? {} : { privateKey }),
  });
  return {
    minVersion: 'TLSv1.2',
    rejectUnauthorized: !insecureSkipVerify,
    ...(material.trustedCa === undefined ? {} : { ca: material.trustedCa }),
    ...(material.certificate === undefined ? {} : { cert: material.certificate }),
    ...(material.privateKey === undefined ? {} : { key: material.privateKey }),
    ...(serverName === null ? {} : { servername: serverName }),
  };
}
