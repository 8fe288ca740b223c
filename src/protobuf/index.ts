// Protobuf messages over a table of schemas instead of generated code: parse the table (`createSchemas`), get codecs (`createCodecs`).
// Knows no message type and where the table comes from.
export { type Codecs, createCodecs, type MessageCodec } from './codec.ts';
export { type PlainForm, plainForm } from './plain.ts';
export {
  createSchemas,
  type EnumSchema,
  type FieldSchema,
  type FieldType,
  type MessageSchema,
  type OneofSchema,
  type RuleSet,
  type Rules,
  type ScalarType,
  type Schemas,
} from './schema.ts';
