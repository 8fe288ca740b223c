/** Loaded with the first connection that speaks HTTP/1.1: 11 MB that a sidecar of HTTP/2 alone does not pay for. */
export function nodeHttp(): typeof import('node:http') {
  return process.getBuiltinModule('node:http');
}

/** The reason phrase of a status; '' for one that nobody named. */
export function reasonOf(status: number): string {
  return nodeHttp().STATUS_CODES[status] ?? '';
}
