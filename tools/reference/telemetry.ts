// What code logs and measures, read from the calls that do so.
import { globSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { table } from './table.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

interface LogEvent {
  readonly event: string;
  readonly level: string;
  readonly fields: string;
  readonly meaning: string;
}

interface Metric {
  readonly name: string;
  readonly kind: string;
  readonly labels: string;
  readonly help: string;
}

/** Which files: those of `of` without those of `without`, both as globs. */
export interface Sources {
  readonly of: readonly string[];
  readonly without?: readonly string[];
}

/** Two Markdown tables. */
export function telemetryTables(sources: Sources): { readonly events: string; readonly metrics: string } {
  const { events, metrics } = readSources(sources);
  return {
    events: table(
      ['event', 'level', 'fields', 'meaning'],
      events.map(({ event, level, fields, meaning }) => [
        `\`${event}\``,
        level,
        fields,
        meaning === '…' ? 'what is wrong, in one line' : meaning,
      ]),
    ),
    metrics: table(
      ['metric', 'kind', 'labels', 'meaning'],
      metrics.map(({ name, kind, labels, help }) => [`\`${name}\``, kind, labels, help]),
    ),
  };
}

/** Throws Error for a metric whose name, help or kind does not stand where it is made. */
function readSources({ of, without = [] }: Sources): { readonly events: readonly LogEvent[]; readonly metrics: readonly Metric[] } {
  const events = new Map<string, LogEvent>();
  const metrics = new Map<string, Metric>();
  for (const file of of.flatMap((pattern) => globSync(pattern, { cwd: ROOT, exclude: without })).sort()) {
    const text = readFileSync(`${ROOT}${file}`, 'utf8');
    const found = new Set<string>();
    visit(ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true), (call, method) => {
      const event = eventOf(call, method);
      if (event) events.set(event.event, event);
      const metric = metricOf(call, method);
      if (!metric) return;
      metrics.set(metric.name, metric);
      found.add(metric.name);
    });
    for (const [, name = ''] of text.matchAll(/'(ringway_[a-z_]+)'/g))
      if (!found.has(name)) throw new Error(`${file}: ${name} is not named where its counter, gauge or histogram is made`);
  }
  return { events: sorted(events), metrics: sorted(metrics) };
}

function sorted<T>(found: ReadonlyMap<string, T>): readonly T[] {
  return [...found].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, value]) => value);
}

function visit(node: ts.Node, onCall: (call: ts.CallExpression, method: string) => void): void {
  if (ts.isCallExpression(node) && ts.isPropertyAccessExpression(node.expression)) onCall(node, node.expression.name.text);
  ts.forEachChild(node, (child) => visit(child, onCall));
}

function eventOf({ arguments: [event, fields, message] }: ts.CallExpression, level: string): LogEvent | null {
  if (!['debug', 'info', 'warn', 'error'].includes(level) || !event || !ts.isStringLiteral(event) || !fields || !message) return null;
  return { event: event.text, level, fields: keysOf(fields).join(', '), meaning: textOf(message) };
}

function metricOf({ arguments: [id] }: ts.CallExpression, kind: string): Metric | null {
  if (!['counter', 'gauge', 'histogram'].includes(kind) || !id || !ts.isObjectLiteralExpression(id)) return null;
  const [name, help] = [expressionAt(id, 'name'), expressionAt(id, 'help')];
  if (!name || !help || !ts.isStringLiteral(name)) return null;
  const labels = expressionAt(id, 'labels');
  return { name: name.text, kind, labels: labels ? keysOf(labels).join(', ') : '', help: textOf(help) };
}

function expressionAt(object: ts.ObjectLiteralExpression, key: string): ts.Expression | undefined {
  for (const property of object.properties) {
    if (ts.isPropertyAssignment(property) && property.name.getText() === key) return property.initializer;
    if (ts.isShorthandPropertyAssignment(property) && property.name.text === key) return property.name;
  }
  return undefined;
}

/** The keys of an object, of a constant that is one, or of one that a function of the same file returns, spreads included. */
function keysOf(expression: ts.Expression): string[] {
  if (ts.isIdentifier(expression)) {
    const value = constantOf(expression);
    return value ? keysOf(value) : [];
  }
  if (ts.isCallExpression(expression)) return returnedBy(expression);
  if (!ts.isObjectLiteralExpression(expression)) return [];
  return expression.properties.flatMap((property) =>
    ts.isSpreadAssignment(property) ? keysOf(property.expression) : (property.name?.getText() ?? []),
  );
}

function returnedBy({ expression, ...call }: ts.CallExpression): string[] {
  let keys: string[] = [];
  const look = (node: ts.Node): void => {
    if (ts.isFunctionDeclaration(node) && node.name?.text === expression.getText()) {
      const [statement] = node.body?.statements ?? [];
      if (statement && ts.isReturnStatement(statement) && statement.expression) keys = keysOf(statement.expression);
    }
    ts.forEachChild(node, look);
  };
  look(call.parent.getSourceFile());
  return keys;
}

/** What `const name = …` in the same function says. */
function constantOf(name: ts.Identifier): ts.Expression | undefined {
  for (let scope: ts.Node = name.parent; !ts.isSourceFile(scope); scope = scope.parent) {
    if (!ts.isBlock(scope)) continue;
    for (const statement of scope.statements) {
      if (!ts.isVariableStatement(statement)) continue;
      const found = statement.declarationList.declarations.find((declared) => declared.name.getText() === name.text);
      if (found) return found.initializer;
    }
  }
  return undefined;
}

/** A text as it stands, `…` for what is filled in. */
function textOf(expression: ts.Expression): string {
  if (ts.isIdentifier(expression)) {
    const value = constantOf(expression);
    return value ? textOf(value) : '…';
  }
  if (ts.isStringLiteral(expression) || ts.isNoSubstitutionTemplateLiteral(expression)) return expression.text;
  if (!ts.isTemplateExpression(expression)) return '…';
  return expression.head.text + expression.templateSpans.map(({ literal }) => `…${literal.text}`).join('');
}
