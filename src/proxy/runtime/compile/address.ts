import { isIP } from 'node:net';
import { formatHostPort } from '../../../core/index.ts';
import type { Address } from '../../../gen/envoy/config/core/v3/address.ts';
import { fieldPath, refuse, refuseOthers } from './support.ts';

/** A TCP socket address as a resource writes it. */
export interface SocketEndpoint {
  /** Literal IP or DNS name. */
  readonly host: string;
  readonly port: number;
  readonly isLiteral: boolean;
  /** `host:port`, an IPv6 host in brackets. */
  readonly text: string;
}

/** Reads a TCP address. Throws CompileError for pipes, internal addresses, UDP and named ports. */
export function addressOf(path: string, address: Address | undefined): SocketEndpoint {
  const kind = address?.address;
  if (!kind) return refuse(fieldPath(path, 'address'), 'is required');
  if (kind.$case !== 'socketAddress') return refuse(fieldPath(path, kind.$case), 'is not supported (only socket_address)');
  const socket = kind.value;
  const at = fieldPath(path, 'socketAddress');
  refuseOthers(at, socket, { reads: ['address', 'portSpecifier', 'protocol'], harmless: ['ipv4Compat'] });
  if (socket.protocol !== 0) refuse(fieldPath(at, 'protocol'), 'is not supported (only TCP)');
  if (socket.portSpecifier?.$case === 'namedPort') refuse(fieldPath(at, 'namedPort'), 'is not supported (only port_value)');
  const port = socket.portSpecifier?.$case === 'portValue' ? socket.portSpecifier.value : 0;
  if (port > 65_535) refuse(fieldPath(at, 'portValue'), `${port} is not a port (0 to 65535)`);
  const host = socket.address;
  return { host, port, isLiteral: isIP(host) !== 0, text: formatHostPort({ host, port }) };
}
