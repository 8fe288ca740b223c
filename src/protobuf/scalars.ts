// Scalars on the wire. The methods of the reader and of the writer are called as the types are.
import { type BinaryReader, type BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import type { ScalarType } from './schema.ts';

/** How one scalar type is read and written, without a tag. */
export interface ScalarForm {
  readonly wireType: WireType;
  /** Several may stand in one field with no tags between them. */
  readonly isPackable: boolean;
  /** What a field without presence holds when it is not there. */
  readonly zero: unknown;
  read(reader: BinaryReader): unknown;
  /** Throws for a number that the type cannot hold. */
  write(writer: BinaryWriter, value: unknown): void;
}

const { Varint, Bit32, Bit64, LengthDelimited } = WireType;

const WIRE_TYPES: Readonly<Record<ScalarType, WireType>> = {
  double: Bit64,
  float: Bit32,
  int32: Varint,
  int64: Varint,
  uint32: Varint,
  uint64: Varint,
  sint32: Varint,
  sint64: Varint,
  fixed32: Bit32,
  fixed64: Bit64,
  sfixed32: Bit32,
  sfixed64: Bit64,
  bool: Varint,
  string: LengthDelimited,
  bytes: LengthDelimited,
};

const forms = new Map<ScalarType, ScalarForm>();

/** The form of a scalar type; of an enum it is that of `int32`. */
export function scalarForm(type: ScalarType): ScalarForm {
  const form = forms.get(type) ?? buildForm(type);
  forms.set(type, form);
  return form;
}

/** Whether a value is what its field holds when it is not there. */
export function isZero(value: unknown): boolean {
  return value === 0 || value === '' || value === false || value === 0n || (value instanceof Uint8Array && value.length === 0);
}

function buildForm(type: ScalarType): ScalarForm {
  const wireType = WIRE_TYPES[type];
  return {
    wireType,
    isPackable: wireType !== LengthDelimited,
    zero: zeroOf(type),
    read: (reader) => reader[type](),
    write(writer, value) {
      if (typeof value === 'bigint') assertFits(type, value);
      writer[type](value as never);
    },
  };
}

function zeroOf(type: ScalarType): unknown {
  if (type === 'string') return '';
  if (type === 'bool') return false;
  if (type === 'bytes') return new Uint8Array();
  return type.endsWith('64') ? 0n : 0;
}

/** The writer would cut a number that is too large. */
function assertFits(type: ScalarType, value: bigint): void {
  const isUnsigned = type === 'uint64' || type === 'fixed64';
  if ((isUnsigned ? BigInt.asUintN(64, value) : BigInt.asIntN(64, value)) !== value) throw new Error(`${value} is no ${type}`);
}
