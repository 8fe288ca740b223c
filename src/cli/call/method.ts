import { nearestName } from '../../core/index.ts';
import { UsageError } from '../command.ts';

/** One gRPC method, ready to be called with JSON. */
export interface CallableMethod {
  /** `/package.Service/Method`. */
  readonly path: string;
  readonly isClientStream: boolean;
  /** Throws when the JSON does not fit the request. */
  encode(json: string): Uint8Array;
  /** One answer as indented JSON. */
  decode(bytes: Uint8Array): string;
}

/** Services and their methods by name, wherever they were read. */
export type MethodTable = ReadonlyMap<string, ReadonlyMap<string, CallableMethod>>;

/** Splits `package.Service/Method` (a leading slash or a dot before the method do no harm). Throws UsageError. */
export function parseMethodName(text: string): { readonly service: string; readonly method: string } {
  const match = /^\/?([\w.]+)[/.](\w+)$/.exec(text);
  if (!match) throw new UsageError(`"${text}" is not package.Service/Method`);
  return { service: match[1] as string, method: match[2] as string };
}

/** Throws UsageError that names the methods the service has. */
export function pickMethod(table: MethodTable, service: string, name: string): CallableMethod {
  const methods = table.get(service);
  if (!methods) throw new UsageError(`no service ${service}; there are: ${[...table.keys()].join(', ')}`);
  const found = methods.get(name);
  if (found) return found;
  const names = [...methods.keys()];
  const near = nearestName(name, names);
  throw new UsageError(`${service} has no method ${name}${near ? `; did you mean ${near}?` : ''} (methods: ${names.join(', ')})`);
}
