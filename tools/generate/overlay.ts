// Lays proto/envoy-overlay into an image: fields, types and enum values newer than the npm package's .proto files.
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { create } from '@bufbuild/protobuf';
import {
  type DescriptorProto,
  DescriptorProtoSchema,
  type EnumDescriptorProto,
  EnumDescriptorProtoSchema,
  EnumValueDescriptorProtoSchema,
  type FieldDescriptorProto,
  FieldDescriptorProtoSchema,
  type FileDescriptorProto,
  type FileDescriptorSet,
  FieldDescriptorProto_Label as Label,
  OneofDescriptorProtoSchema,
  FieldDescriptorProto_Type as Type,
} from '@bufbuild/protobuf/wkt';
import { parse } from 'yaml';
import { orderFiles } from './order.ts';
import { root } from './paths.ts';

/** One file of proto/envoy-overlay; its first lines say what the parts are. */
interface Overlay {
  readonly fields: Readonly<Record<string, readonly string[]>>;
  readonly messages: Readonly<Record<string, readonly string[]>>;
  readonly enums: Readonly<Record<string, readonly string[]>>;
  readonly values: Readonly<Record<string, readonly string[]>>;
}

interface Types {
  readonly messages: Map<string, { file: FileDescriptorProto; message: DescriptorProto }>;
  readonly enums: Map<string, { file: FileDescriptorProto; type: EnumDescriptorProto }>;
}

/** Changes `image`; throws when an entry names what is not there or is there already. */
export function layOverlay(image: FileDescriptorSet): void {
  const folder = join(root, 'proto', 'envoy-overlay');
  for (const name of globSync('*.yaml', { cwd: folder }).sort()) {
    const overlay = parse(readFileSync(join(folder, name), 'utf8')) as Overlay;
    const types = index(image);
    addTypes(image, types, overlay);
    for (const [message, lines] of Object.entries({ ...overlay.fields, ...overlay.messages })) addFields(types, message, lines);
    for (const [type, lines] of Object.entries(overlay.values)) addValues(types, type, lines);
  }
  orderFiles(image);
}

function index(image: FileDescriptorSet): Types {
  const types: Types = { messages: new Map(), enums: new Map() };
  const visit = (file: FileDescriptorProto, message: DescriptorProto, name: string): void => {
    types.messages.set(name, { file, message });
    for (const nested of message.nestedType) visit(file, nested, `${name}.${nested.name}`);
    for (const type of message.enumType) types.enums.set(`${name}.${type.name}`, { file, type });
  };
  for (const file of image.file) {
    for (const message of file.messageType) visit(file, message, `${file.package}.${message.name}`);
    for (const type of file.enumType) types.enums.set(`${file.package}.${type.name}`, { file, type });
  }
  return types;
}

function addTypes(image: FileDescriptorSet, types: Types, overlay: Overlay): void {
  for (const name of [...Object.keys(overlay.messages), ...Object.keys(overlay.enums)]) {
    if (types.messages.has(name) || types.enums.has(name)) throw new Error(`overlay: ${name} exists`);
    const [scope, short] = split(name);
    const parent = types.messages.get(scope);
    const file = parent?.file ?? fileOfFirstUse(image, overlay, name, scope, types);
    if (overlay.messages[name]) {
      const message = create(DescriptorProtoSchema, { name: short });
      (parent?.message.nestedType ?? file.messageType).push(message);
      types.messages.set(name, { file, message });
    } else {
      const type = create(EnumDescriptorProtoSchema, { name: short });
      (parent?.message.enumType ?? file.enumType).push(type);
      types.enums.set(name, { file, type });
      addValues(types, name, overlay.enums[name] ?? []);
    }
  }
}

/** A new type of a package goes into the file of a message of that package which uses it, so that imports stay free of cycles. */
function fileOfFirstUse(image: FileDescriptorSet, overlay: Overlay, name: string, scope: string, types: Types): FileDescriptorProto {
  for (const [user, lines] of Object.entries({ ...overlay.fields, ...overlay.messages })) {
    const file = types.messages.get(user)?.file;
    if (file?.package === scope && lines.some((line) => line.split(' ').includes(name))) return file;
  }
  const file = image.file.find((candidate) => candidate.package === scope);
  if (!file) throw new Error(`overlay: no file of package ${scope} for ${name}`);
  return file;
}

function addFields(types: Types, name: string, lines: readonly string[]): void {
  const target = types.messages.get(name);
  if (!target) throw new Error(`overlay: no message ${name}`);
  for (const line of lines) {
    const match = /^(\w+) (\d+) (repeated )?(map<(\w+),)?([\w.]+)>?(?: oneof (\w+))?$/.exec(line);
    if (!match) throw new Error(`overlay: ${name}: "${line}" is not "name number type"`);
    const [, field = '', number, repeated, , key, type = '', oneof] = match;
    const taken = target.message.field.find((other) => other.number === Number(number) || other.name === field);
    if (taken) throw new Error(`overlay: ${name}.${field} ${number}: taken by ${taken.name} ${taken.number}`);
    target.message.field.push(
      key === undefined
        ? fieldOf(types, target.message, { name: field, number: Number(number), type, isList: repeated !== undefined, oneof })
        : mapOf(types, name, target.message, { name: field, number: Number(number), type, key }),
    );
  }
}

interface FieldEntry {
  readonly name: string;
  readonly number: number;
  readonly type: string;
  readonly isList: boolean;
  readonly oneof: string | undefined;
}

function fieldOf(types: Types, message: DescriptorProto, { name, number, type, isList, oneof }: FieldEntry): FieldDescriptorProto {
  const label = isList ? Label.REPEATED : Label.OPTIONAL;
  const field = create(FieldDescriptorProtoSchema, { name, number, label, ...typeOf(types, type), jsonName: jsonName(name) });
  if (oneof !== undefined) {
    let position = message.oneofDecl.findIndex((candidate) => candidate.name === oneof);
    if (position < 0) position = message.oneofDecl.push(create(OneofDescriptorProtoSchema, { name: oneof })) - 1;
    field.oneofIndex = position;
  }
  return field;
}

function mapOf(
  types: Types,
  owner: string,
  message: DescriptorProto,
  { name, number, type, key }: { name: string; number: number; type: string; key: string },
): FieldDescriptorProto {
  const entry = `${jsonName(name).replace(/^./, (letter) => letter.toUpperCase())}Entry`;
  const part = (partName: string, partNumber: number, partType: string): FieldDescriptorProto =>
    fieldOf(types, message, { name: partName, number: partNumber, type: partType, isList: false, oneof: undefined });
  message.nestedType.push(
    create(DescriptorProtoSchema, { name: entry, field: [part('key', 1, key), part('value', 2, type)], options: { mapEntry: true } }),
  );
  const typeName = `.${owner}.${entry}`;
  return create(FieldDescriptorProtoSchema, {
    name,
    number,
    label: Label.REPEATED,
    type: Type.MESSAGE,
    typeName,
    jsonName: jsonName(name),
  });
}

function typeOf(types: Types, type: string): { type: Type; typeName?: string } {
  if (!type.includes('.')) {
    const scalar = Type[type.toUpperCase() as keyof typeof Type];
    if (scalar === undefined) throw new Error(`overlay: no type ${type}`);
    return { type: scalar };
  }
  if (types.messages.has(type)) return { type: Type.MESSAGE, typeName: `.${type}` };
  if (types.enums.has(type)) return { type: Type.ENUM, typeName: `.${type}` };
  throw new Error(`overlay: no type ${type}`);
}

function addValues(types: Types, name: string, lines: readonly string[]): void {
  const target = types.enums.get(name);
  if (!target) throw new Error(`overlay: no enum ${name}`);
  for (const line of lines) {
    const [value = '', number] = line.split(' ');
    target.type.value.push(create(EnumValueDescriptorProtoSchema, { name: value, number: Number(number) }));
  }
}

function split(name: string): [string, string] {
  const dot = name.lastIndexOf('.');
  return [name.slice(0, dot), name.slice(dot + 1)];
}

function jsonName(name: string): string {
  return name.replace(/_([^_])/g, (_, letter: string) => letter.toUpperCase());
}
