/** A request to the admin address. Bodies are not read: no page needs one. */
export interface AdminRequest {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
}

export interface AdminReply {
  readonly status: number;
  readonly contentType: string;
  /** Whole, or in pieces; between them others may have the event loop. */
  readonly body: string | Iterable<string>;
}

/** One path of the admin interface. */
export interface AdminPage {
  /** Exact path, e.g. `/ready`. */
  readonly path: string;
  /** POST for what changes something. */
  readonly method: 'GET' | 'POST';
  /** One line for `/help`. */
  readonly summary: string;
  reply(request: AdminRequest): AdminReply | Promise<AdminReply>;
}

/** A text reply; 200 unless told. */
export function text(body: string, status = 200): AdminReply {
  return { status, contentType: 'text/plain; charset=UTF-8', body };
}

/** A JSON reply, indented by one space as Envoy writes most of them, or compact. */
export function json(value: unknown, options: { readonly compact?: boolean } = {}): AdminReply {
  return { status: 200, contentType: 'application/json', body: `${JSON.stringify(value, undefined, options.compact ? undefined : 1)}\n` };
}

/** A text reply that is put together while it is sent. */
export function textInPieces(body: Iterable<string>): AdminReply {
  return { status: 200, contentType: 'text/plain; charset=UTF-8', body };
}

/** What a page that changes something says when it did. */
export const DONE: AdminReply = text('OK\n');

/** True for `?name` and `?name=anything`. */
export function has(request: AdminRequest, name: string): boolean {
  return request.query.has(name);
}
