import { formatHostPort, type HostPort } from './address.ts';
import { codeOf, messageOf } from './errors.ts';

const REASONS: Readonly<Record<string, string>> = {
  EADDRINUSE: 'the port is in use',
  EADDRNOTAVAIL: 'this machine has no such address',
  EACCES: 'no permission for this port',
  EPERM: 'no permission for this port',
  EAFNOSUPPORT: 'this machine does not speak that address family',
  ENOTFOUND: 'the host name is unknown',
  EAI_AGAIN: 'the name server does not answer',
};

/** Why a server of ours could not be bound, in one line: `cannot listen on 127.0.0.1:9902: the port is in use`. */
export function listenProblem(listen: HostPort, error: unknown): string {
  return `cannot listen on ${formatHostPort(listen)}: ${REASONS[codeOf(error) ?? ''] ?? messageOf(error)}`;
}
