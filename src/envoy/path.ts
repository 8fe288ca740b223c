/** The path of a field inside the message at `path`. */
export function joinPath(path: string, field: string): string {
  return path === '' ? field : `${path}.${field}`;
}
