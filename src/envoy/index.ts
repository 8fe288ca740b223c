// Envoy's messages as values: the schema table, a strict reader for YAML and JSON, constraint checks, canonical JSON, Any.
// Start with readMessage (text to value), messageToJson (value to JSON), checkConstraints, packAny and unpackAny.
// Message values have the shape of the generated code (src/gen, see tools/generate/README.md). Knows no role, no file and no network.
export { type ConstraintOptions, checkConstraints, type Violation } from './check/constraints.ts';
export {
  codecOf,
  create,
  decodeMessage,
  encodeMessage,
  isMessageName,
  type MessageName,
  type MessageValue,
  packAny,
  typeNameOf,
  typeUrlOf,
  unpackAny,
} from './codec.ts';
export { durationMs, durationOf, formatDuration, parseDuration } from './duration.ts';
export { type Json, type JsonOptions, messageToJson } from './json/writer.ts';
export { jsonToYaml, type YamlOptions } from './json/yaml.ts';
export { mergeMessages } from './merge.ts';
export { formatProblem, type Place, type Position, type Problem } from './problem.ts';
export { checkConstraintsAt, problemAt, type ReadOptions, type ReadResult, readMessage } from './read/text.ts';
export { formatTimestamp, parseTimestamp } from './timestamp.ts';
