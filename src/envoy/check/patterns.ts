import type { Rules } from '../../protobuf/index.ts';

/** The patterns of protoc-gen-validate for names and values of headers, strict and not. */
const WELL_KNOWN: Readonly<Record<string, readonly [strict: string, loose: string]>> = {
  HTTP_HEADER_NAME: ["^:?[0-9a-zA-Z!#$%&'*+-.^_|~`]+$", '^[^\\u0000\\u000A\\u000D]+$'],
  HTTP_HEADER_VALUE: ['^[^\\u0000-\\u0008\\u000A-\\u001F\\u007F]*$', '^[^\\u0000\\u000A\\u000D]*$'],
};

const compiled = new Map<string, RegExp>();

/** The pattern of a `well_known_regex` rule. */
export function wellKnownPattern(rules: Rules): string | undefined {
  const patterns = rules.well_known_regex === undefined ? undefined : WELL_KNOWN[rules.well_known_regex];
  return patterns && (rules.strict === false ? patterns[1] : patterns[0]);
}

/** True when all of `value` matches one of the schema table's patterns (they come from Envoy's protos, never from configuration). */
export function matchesPattern(pattern: string, value: string): boolean {
  let expression = compiled.get(pattern);
  if (!expression) {
    expression = new RegExp(pattern);
    compiled.set(pattern, expression);
  }
  return expression.test(value);
}
