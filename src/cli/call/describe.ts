import { type DescEnum, type DescField, type DescMessage, type DescService, type FileRegistry, ScalarType } from '@bufbuild/protobuf';

/** A service, or a message with every message and enum it uses, in the form of a .proto file; undefined when there is none. */
export function describe(schema: FileRegistry, name: string): string | undefined {
  const service = schema.getService(name);
  if (service) return serviceText(service);
  const method = methodNamed(schema, name);
  const start = method ? [method.input, method.output] : [schema.getMessage(name) ?? schema.getEnum(name)];
  const types = new Map<string, DescMessage | DescEnum>();
  const visit = (type: DescMessage | DescEnum | undefined): void => {
    if (!type || types.has(type.typeName)) return;
    types.set(type.typeName, type);
    if (type.kind === 'message') for (const field of type.fields) visit(field.message ?? field.enum);
  };
  for (const type of start) visit(type);
  if (types.size === 0) return undefined;
  return [...types.values()].map((type) => (type.kind === 'message' ? messageText(type) : enumText(type))).join('\n');
}

function methodNamed(schema: FileRegistry, name: string): DescService['methods'][number] | undefined {
  const match = /^\/?([\w.]+)[/.](\w+)$/.exec(name);
  return match ? schema.getService(match[1] as string)?.methods.find((method) => method.name === match[2]) : undefined;
}

function serviceText(service: DescService): string {
  const lines = service.methods.map((method) => {
    const [takes, gives] = [isClientStream(method.methodKind) ? 'stream ' : '', isServerStream(method.methodKind) ? 'stream ' : ''];
    return `  rpc ${method.name}(${takes}${method.input.typeName}) returns (${gives}${method.output.typeName});`;
  });
  return `service ${service.typeName} {\n${lines.join('\n')}\n}\n`;
}

function messageText(message: DescMessage): string {
  return `message ${message.typeName} {\n${message.fields.map((field) => `  ${typeOf(field)} ${field.jsonName} = ${field.number};\n`).join('')}}\n`;
}

function enumText(type: DescEnum): string {
  return `enum ${type.typeName} {\n${type.values.map((value) => `  ${value.name} = ${value.number};\n`).join('')}}\n`;
}

function typeOf(field: DescField): string {
  const scalar = (type: ScalarType): string => ScalarType[type].toLowerCase();
  if (field.fieldKind === 'map') return `map<${scalar(field.mapKey)}, ${single(field)}>`;
  return field.fieldKind === 'list' ? `repeated ${single(field)}` : single(field);

  function single(of: DescField): string {
    return of.message?.typeName ?? of.enum?.typeName ?? scalar(of.scalar as ScalarType);
  }
}

function isClientStream(kind: string): boolean {
  return kind === 'client_streaming' || kind === 'bidi_streaming';
}

function isServerStream(kind: string): boolean {
  return kind === 'server_streaming' || kind === 'bidi_streaming';
}
