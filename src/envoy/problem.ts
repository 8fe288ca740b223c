/** A place in a text, both counted from 1. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/** Where a value stands, and in which resource: `cluster "a"`, '' outside of any. */
export interface Place extends Position {
  readonly file: string;
  readonly resource: string;
}

/** Something wrong, or doubtful, at one place of a configuration text. */
export interface Problem {
  readonly file: string;
  readonly at: Position;
  /** `static_resources.clusters[0].connect_timeout`; '' for the whole document. */
  readonly path: string;
  /** What is wrong and what is allowed, with Envoy's key words. */
  readonly text: string;
  /** The resource it stands in, `cluster "a"`; '' outside of any. */
  readonly resource: string;
}

/** One line: `envoy.yaml:12:7: static_resources.clusters[0].lb_policy: unknown enum value: 'X'; allowed: … (cluster "a")`. */
export function formatProblem({ file, at, path, text, resource }: Problem): string {
  const where = path === '' ? '' : `${path}: `;
  return `${file}:${at.line}:${at.column}: ${where}${text}${resource === '' ? '' : ` (${resource})`}`;
}
