// Imports of an image: worked out afresh from the types that fields use, and files put in the order of their imports.
import type { DescriptorProto, FileDescriptorProto, FileDescriptorSet } from '@bufbuild/protobuf/wkt';

/** The file that defines each message and enum, by full name. */
export function filesByType(image: FileDescriptorSet): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  const visit = (file: string, message: DescriptorProto, name: string): void => {
    found.set(name, file);
    for (const nested of message.nestedType) visit(file, nested, `${name}.${nested.name}`);
    for (const type of message.enumType) found.set(`${name}.${type.name}`, file);
  };
  for (const file of image.file) {
    const prefix = file.package === '' ? '' : `${file.package}.`;
    for (const message of file.messageType) visit(file.name, message, `${prefix}${message.name}`);
    for (const type of file.enumType) found.set(`${prefix}${type.name}`, file.name);
  }
  return found;
}

/** The files that the fields of `messages` need, `own` left out. */
export function filesOf(messages: readonly DescriptorProto[], byType: ReadonlyMap<string, string>, own: string): string[] {
  const found = new Set<string>();
  const visit = (message: DescriptorProto): void => {
    for (const { typeName } of message.field) if (typeName !== '') found.add(byType.get(typeName.slice(1)) ?? own);
    message.nestedType.forEach(visit);
  };
  messages.forEach(visit);
  found.delete(own);
  return [...found].sort();
}

/** Adds the imports that new fields need and sorts `image.file`, imports first. Throws on a cycle. */
export function orderFiles(image: FileDescriptorSet): void {
  const byType = filesByType(image);
  const byName = new Map(image.file.map((file) => [file.name, file]));
  for (const file of image.file) {
    for (const needed of filesOf(file.messageType, byType, file.name)) if (!file.dependency.includes(needed)) file.dependency.push(needed);
  }
  const sorted = new Set<FileDescriptorProto>();
  const visit = (file: FileDescriptorProto, above: readonly string[]): void => {
    if (sorted.has(file)) return;
    if (above.includes(file.name)) throw new Error(`imports go in a circle: ${[...above, file.name].join(' → ')}`);
    for (const name of file.dependency) {
      const needed = byName.get(name);
      if (needed) visit(needed, [...above, file.name]);
    }
    sorted.add(file);
  };
  for (const file of image.file) visit(file, []);
  image.file = [...sorted];
}
