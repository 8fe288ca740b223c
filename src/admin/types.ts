// What roles hand to the admin server, and what their handlers see.

/** One request, read and checked. */
interface AdminRequest {
  /** Parameters of the path, decoded: `/api/rings/{ring}` gives `ring`. */
  readonly params: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  /** '' unless the method is POST. */
  readonly body: string;
}

/** A page, or JSON. `status` is 200 unless given. */
export type AdminResponse =
  | { readonly status?: number; readonly json: unknown }
  | { readonly status?: number; readonly contentType: string; readonly body: string | Uint8Array };

/** One thing the admin server answers. HEAD is answered where GET is. */
export interface AdminRoute {
  readonly method: 'GET' | 'POST';
  /** `/api/rings/{ring}`: a segment in braces is a parameter and matches any one segment. */
  readonly path: string;
  /** What it shows, for the list of pages at `/`. */
  readonly title: string;
  /** May throw AdminError; anything else that is thrown is a 500 and logged. */
  handle(request: AdminRequest): AdminResponse | Promise<AdminResponse>;
}
