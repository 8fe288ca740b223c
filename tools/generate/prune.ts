// Cuts an image down to what given files reach, without options that only compilers read.
import { clearField, clone, create, isFieldSet } from '@bufbuild/protobuf';
import {
  type DescriptorProto,
  DescriptorProtoSchema,
  type EnumDescriptorProto,
  EnumDescriptorProtoSchema,
  EnumOptionsSchema,
  EnumValueDescriptorProtoSchema,
  type FieldDescriptorProto,
  FieldDescriptorProtoSchema,
  FieldOptionsSchema,
  type FileDescriptorProto,
  FileDescriptorProtoSchema,
  type FileDescriptorSet,
  FileDescriptorSetSchema,
  MessageOptionsSchema,
  OneofDescriptorProtoSchema,
} from '@bufbuild/protobuf/wkt';
import { filesByType, filesOf } from './order.ts';

interface Definition {
  readonly file: string;
  /** Absent for enums. */
  readonly message?: DescriptorProto;
  /** Full name of the message it stands in. */
  readonly parent?: string;
}

/** Only messages and enums that `files` define or reach, each with the messages it stands in. Services and extensions go. */
export function prune(image: FileDescriptorSet, files: readonly string[]): FileDescriptorSet {
  const definitions = define(image);
  const kept = reach(definitions, files);
  const byType = filesByType(image);
  const result: FileDescriptorProto[] = [];
  for (const file of image.file) {
    const prefix = file.package === '' ? '' : `${file.package}.`;
    const messageType = file.messageType.flatMap((message) => strip(message, `${prefix}${message.name}`, kept));
    const enumType = file.enumType.filter((type) => kept.has(`${prefix}${type.name}`)).map(bareEnum);
    if (messageType.length === 0 && enumType.length === 0) continue;
    const dependency = filesOf(messageType, byType, file.name);
    result.push(
      create(FileDescriptorProtoSchema, { name: file.name, package: file.package, syntax: file.syntax, dependency, messageType, enumType }),
    );
  }
  return create(FileDescriptorSetSchema, { file: result });
}

function define(image: FileDescriptorSet): ReadonlyMap<string, Definition> {
  const found = new Map<string, Definition>();
  const visit = (file: string, message: DescriptorProto, name: string, parent: string | undefined): void => {
    found.set(name, { file, message, ...(parent === undefined ? {} : { parent }) });
    for (const nested of message.nestedType) visit(file, nested, `${name}.${nested.name}`, name);
    for (const type of message.enumType) found.set(`${name}.${type.name}`, { file, parent: name });
  };
  for (const file of image.file) {
    const prefix = file.package === '' ? '' : `${file.package}.`;
    for (const message of file.messageType) visit(file.name, message, `${prefix}${message.name}`, undefined);
    for (const type of file.enumType) found.set(`${prefix}${type.name}`, { file: file.name });
  }
  return found;
}

function reach(definitions: ReadonlyMap<string, Definition>, files: readonly string[]): ReadonlySet<string> {
  const roots = new Set(files);
  const kept = new Set<string>();
  const queue = [...definitions].filter(([, definition]) => roots.has(definition.file)).map(([name]) => name);
  for (let name = queue.pop(); name !== undefined; name = queue.pop()) {
    if (kept.has(name)) continue;
    const definition = definitions.get(name);
    if (!definition) throw new Error(`image lacks ${name}`);
    kept.add(name);
    if (definition.parent !== undefined) queue.push(definition.parent);
    for (const field of definition.message?.field ?? []) if (field.typeName !== '') queue.push(field.typeName.slice(1));
  }
  return kept;
}

function strip(message: DescriptorProto, name: string, kept: ReadonlySet<string>): DescriptorProto[] {
  if (!kept.has(name)) return [];
  return [
    create(DescriptorProtoSchema, {
      name: message.name,
      field: message.field.map(bareField),
      nestedType: message.nestedType.flatMap((nested) => strip(nested, `${name}.${nested.name}`, kept)),
      enumType: message.enumType.filter((type) => kept.has(`${name}.${type.name}`)).map(bareEnum),
      oneofDecl: message.oneofDecl.map(({ name }) => create(OneofDescriptorProtoSchema, { name })),
      ...(message.options?.mapEntry === true ? { options: create(MessageOptionsSchema, { mapEntry: true }) } : {}),
    }),
  ];
}

function bareField(field: FieldDescriptorProto): FieldDescriptorProto {
  const copy = clone(FieldDescriptorProtoSchema, field);
  const packed = field.options && isFieldSet(field.options, FieldOptionsSchema.field.packed) ? field.options.packed : undefined;
  clearField(copy, FieldDescriptorProtoSchema.field.options);
  if (packed !== undefined) copy.options = create(FieldOptionsSchema, { packed });
  return copy;
}

function bareEnum(type: EnumDescriptorProto): EnumDescriptorProto {
  const copy = clone(EnumDescriptorProtoSchema, type);
  clearField(copy, EnumDescriptorProtoSchema.field.options);
  if (type.options?.allowAlias === true) copy.options = create(EnumOptionsSchema, { allowAlias: true });
  for (const value of copy.value) clearField(value, EnumValueDescriptorProtoSchema.field.options);
  return copy;
}
