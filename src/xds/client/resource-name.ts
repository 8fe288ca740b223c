import { BinaryReader, WireType } from '@bufbuild/protobuf/wire';

/**
 * The name inside an undecoded resource: every type that xDS names has it as field 1, a string (`name`, in a ClusterLoadAssignment
 * `cluster_name`). '' when there is none. Throws for bytes that are not protobuf.
 */
export function nameInside(value: Uint8Array): string {
  const reader = new BinaryReader(value);
  let name = '';
  while (reader.pos < reader.len) {
    const [field, wireType] = reader.tag();
    if (field === 1 && wireType === WireType.LengthDelimited) name = reader.string();
    else reader.skip(wireType, field);
  }
  return name;
}
