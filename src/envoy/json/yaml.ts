import { Document, isMap, isScalar, isSeq, type Node, type Pair, Scalar, type YAMLMap } from 'yaml';
import { joinPath } from '../path.ts';
import { plainValue } from '../source/yaml.ts';
import type { Json } from './writer.ts';

/** How to write. */
export interface YamlOptions {
  /** Comments by the path of the value that they stand above (`static_resources.clusters[0]`); '' is the top of the file. */
  readonly comments?: ReadonlyMap<string, string>;
}

/** JSON as YAML that Envoy (and `readMessage`) reads as the same JSON: strings that would be taken for something else are in quotes. */
export function jsonToYaml(json: Json, options: YamlOptions = {}): string {
  const document = new Document(json, { aliasDuplicateObjects: false });
  const comments = options.comments ?? new Map<string, string>();
  dress(document.contents as Node, '', comments);
  const head = comments.get('');
  const text = document.toString({ lineWidth: 0, commentString: (comment) => comment.replace(/^(?!$)/gm, '# ') });
  return head === undefined ? text : `${head.replace(/^/gm, '# ').replace(/ +$/gm, '')}\n${text}`;
}

function dress(node: Node | null, path: string, comments: ReadonlyMap<string, string>): void {
  if (isScalar(node)) quote(node);
  else if (isMap(node)) dressMap(node, path, comments);
  else if (isSeq(node)) {
    for (const [index, item] of (node.items as Node[]).entries()) {
      const at = `${path}[${index}]`;
      const comment = comments.get(at);
      if (comment !== undefined) item.commentBefore = comment;
      dress(item, at, comments);
    }
  }
}

function dressMap(node: YAMLMap, path: string, comments: ReadonlyMap<string, string>): void {
  for (const { key, value } of node.items as Pair<Scalar<string>, Node | null>[]) {
    const at = joinPath(path, key.value);
    const comment = comments.get(at);
    if (comment !== undefined) key.commentBefore = comment;
    quote(key);
    dress(value, at, comments);
  }
}

/** In quotes: what Envoy would take for a boolean, a number or null. (What YAML 1.2 takes for one, the library puts in quotes.) */
function quote(scalar: Scalar): void {
  if (typeof scalar.value !== 'string' || scalar.value.includes('\n')) return;
  if (plainValue(scalar.value) !== scalar.value) scalar.type = Scalar.QUOTE_DOUBLE;
}
