import { messageOf } from '../../core/index.ts';
import type { TransportSocket } from '../../gen/envoy/config/core/v3/base.ts';
import type { CommonTlsContext } from '../../gen/envoy/extensions/transport_sockets/tls/v3/tls.ts';
import type { Any } from '../../gen/google/protobuf/any.ts';
import type { CertificatePins, TlsContextSettings } from '../../transport/index.ts';
import { fieldPath, refuse, refuseOthers, typeNameOf } from '../runtime/compile/index.ts';
import type { TlsSources } from './data-source.ts';
import { compileKeyPairs } from './key-pairs.ts';
import { compileParameters } from './parameters.ts';
import { compileValidation } from './validation.ts';

const RAW_BUFFER = 'envoy.extensions.transport_sockets.raw_buffer.v3.RawBuffer';
const MAX_ALPN = 255;

/** The TLS context inside a transport socket, `wanted` being its type; null when it is plain. Throws CompileError for any other. */
export function tlsContextAny(path: string, socket: TransportSocket | undefined, wanted: string): Any | null {
  if (!socket) return null;
  const config = socket.configType?.value;
  const type = typeNameOf(config);
  if (config && type === wanted) return config;
  return type === RAW_BUFFER ? null : refuse(path, `${type || socket.name} is not supported (only ${wanted}, ${RAW_BUFFER})`);
}

/** What both sides' contexts say. */
export interface CompiledTlsContext extends TlsContextSettings {
  readonly alpn: readonly string[];
  readonly pins: CertificatePins | null;
}

/** Reads a CommonTlsContext; absent it is an empty one. Throws CompileError. */
export function compileTlsContext(path: string, message: CommonTlsContext | undefined, sources: TlsSources): CompiledTlsContext {
  if (message) {
    refuseOthers(path, message, {
      reads: ['tlsParams', 'tlsCertificates', 'validationContextType', 'alpnProtocols'],
      harmless: [],
    });
  }
  const validation = message?.validationContextType;
  if (validation && validation.$case !== 'validationContext') refuse(fieldPath(path, validation.$case), 'is not supported');
  const alpn = message?.alpnProtocols ?? [];
  if (alpn.some((name) => name === '' || name.length > MAX_ALPN)) refuse(fieldPath(path, 'alpnProtocols'), 'a name is empty or too long');
  return {
    ...compileParameters(fieldPath(path, 'tlsParams'), message?.tlsParams),
    ...compileValidation(
      fieldPath(path, 'validationContext'),
      validation?.$case === 'validationContext' ? validation.value : undefined,
      sources,
    ),
    keyPairs: compileKeyPairs(fieldPath(path, 'tlsCertificates'), message?.tlsCertificates ?? [], sources),
    alpn,
  };
}

/** What OpenSSL refuses although each part of it is well-formed is a refusal of the whole. */
export function refusingMaterial<Made>(path: string, make: () => Made): Made {
  try {
    return make();
  } catch (error) {
    return refuse(path, messageOf(error));
  }
}
