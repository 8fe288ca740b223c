// Where the API server is and how to log in there: https://kubernetes.io/docs/tasks/run-application/access-api-from-pod/
import type { SecretReader } from '../../../config/index.ts';
import { formatHostPort, messageOf, RingwayError } from '../../../core/index.ts';
import { type ClientTlsSettings, readClientTls } from '../../../transport/index.ts';
import type { SourceDeps } from '../types.ts';
import type { KubernetesSourceOptions } from './options.ts';

/** Where kubelet puts token, CA and namespace of a pod's service account. */
export const SERVICE_ACCOUNT_DIRECTORY = '/var/run/secrets/kubernetes.io/serviceaccount';

/** One API server, and what is asked of it. */
export interface ApiTarget {
  /** Without a trailing slash. */
  readonly server: string;
  readonly namespace: string;
  readonly service: string;
  /** null: requests carry no token. */
  readonly tokenFile: string | null;
  /** null: the system's authorities. */
  readonly caFile: string | null;
}

/** How one connection is made. */
export interface Credentials {
  readonly token: string | null;
  /** null with an `http:` server. */
  readonly tls: ClientTlsSettings | null;
}

/**
 * What the configuration leaves out is the pod's own; but a `server` that is named there gets no token that is not, since the service
 * account's is for its own cluster. Rejects with RingwayError `NO_API_SERVER` or `NO_NAMESPACE`.
 */
export async function locateApi(options: KubernetesSourceOptions, deps: SourceDeps, directory: string): Promise<ApiTarget> {
  const { server, namespace, service, tokenFile, caFile } = options;
  const own = server === null;
  return {
    server: server ?? serverOf(deps.environment),
    namespace: namespace ?? (await readNamespace(`${directory}/namespace`, deps.readSecret)),
    service,
    tokenFile: tokenFile ?? (own ? `${directory}/token` : null),
    caFile: caFile ?? (own ? `${directory}/ca.crt` : null),
  };
}

function serverOf({ KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port }: SourceDeps['environment']): string {
  if (host && port && /^\d{1,5}$/.test(port)) return `https://${formatHostPort({ host, port: Number(port) })}`;
  throw new RingwayError(
    'no API server: KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT do not say one, as they do in a pod; set server, tokenFile and namespace',
    { code: 'NO_API_SERVER' },
  );
}

async function readNamespace(file: string, readSecret: SecretReader): Promise<string> {
  try {
    return await readSecret({ kind: 'file', file });
  } catch (error) {
    throw new RingwayError(`no namespace: ${messageOf(error)}; set namespace`, { code: 'NO_NAMESPACE', cause: error });
  }
}

/** Reads token and CA anew: kubelet replaces both while the pod runs. Rejects with RingwayError `SECRET` or `TLS_FILE` that names the file. */
export async function readCredentials({ server, tokenFile, caFile }: ApiTarget, readSecret: SecretReader): Promise<Credentials> {
  const token = tokenFile === null ? null : await readSecret({ kind: 'file', file: tokenFile });
  if (token !== null && !/^[\x21-\x7e]+$/.test(token))
    throw new RingwayError(`${tokenFile}: is not a token: it has white space or characters beyond ASCII in it`, { code: 'SECRET' });
  if (!server.startsWith('https:')) return { token, tls: null };
  const tls = await readClientTls({ ca: caFile, certificate: null, privateKey: null, serverName: null, insecureSkipVerify: false });
  return { token, tls };
}
