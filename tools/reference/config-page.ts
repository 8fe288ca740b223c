// docs/reference/config.md: every key of ringway.yaml, from its schema.
import { z } from 'zod';
import { configSchema } from '../../src/config/index.ts';
import { table } from './table.ts';

/** What is read of a JSON schema. */
interface Schema {
  readonly type?: string | readonly string[];
  readonly description?: string;
  readonly default?: unknown;
  readonly enum?: readonly unknown[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: Schema | boolean;
  readonly items?: Schema;
  readonly required?: readonly string[];
}

export function configPage(): string {
  const schema = z.toJSONSchema(configSchema, { io: 'input', unrepresentable: 'any' }) as Schema;
  return `# ringway.yaml

Made from the schema by \`npm run reference\`; do not edit. \`ringway control -c\` and \`ringway ring show -c\` read it. Durations are a number and
\`ms\`, \`s\`, \`m\` or \`h\`. A key that is not here is an error that names its line.

${table(['key', 'kind', 'default', 'meaning'], rowsOf(schema, ''))}
`;
}

/** `<name>` stands for a name of the user's, \`[]\` for each entry of a list. */
function rowsOf(schema: Schema, path: string): string[][] {
  const { additionalProperties: each, items } = schema;
  const named = Object.entries(schema.properties ?? {}).flatMap(([key, child]) => {
    const at = path === '' ? key : `${path}.${key}`;
    return [
      [`\`${at}\``, kindOf(child), defaultOf(child, schema.required?.includes(key) ?? false), child.description ?? ''],
      ...rowsOf(child, at),
    ];
  });
  const children = typeof each === 'object' ? rowsOf(each, `${path}.<name>`) : [];
  return [...named, ...children, ...(items?.properties ? rowsOf(items, `${path}[]`) : [])];
}

function kindOf({ type, enum: values, items }: Schema): string {
  if (values) return values.map((value) => `\`${value}\``).join(', ');
  const kinds = [type ?? 'any']
    .flat()
    .map((kind) => ({ object: 'section', string: 'text', boolean: 'true or false', array: 'list' })[kind] ?? kind);
  return items?.type === 'string' ? 'list of texts' : kinds.join(' or ');
}

function defaultOf({ default: value, type }: Schema, required: boolean): string {
  if (required) return 'needed';
  return value === undefined || type === 'object' ? '' : `\`${value}\``;
}
