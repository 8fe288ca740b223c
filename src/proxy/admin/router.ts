import { messageOf } from '../../core/index.ts';
import { type AdminPage, type AdminReply, type AdminRequest, text } from './page.ts';

/** Finds the page of a request and its reply. A page that throws is a 500 with one line; the next request is served. */
export class AdminRouter {
  readonly #pages: ReadonlyMap<string, AdminPage>;

  constructor(pages: readonly AdminPage[]) {
    const own: AdminPage[] = [
      { path: '/', method: 'GET', summary: 'Admin home page', reply: () => this.#home() },
      {
        path: '/help',
        method: 'GET',
        summary: 'print out list of admin commands',
        reply: () => text(this.#commands('admin commands are:')),
      },
    ];
    const sorted = [...own, ...pages].sort((a, b) => (a.path < b.path ? -1 : 1));
    this.#pages = new Map(sorted.map((page) => [page.path, page]));
  }

  async reply(request: AdminRequest): Promise<AdminReply> {
    const page = this.#pages.get(request.path);
    if (!page) return text(this.#commands('invalid path. admin commands are:'), 404);
    // Envoy takes GET and POST alike for pages that only read.
    if (page.method === 'POST' && request.method !== 'POST') return text(`Method ${request.method} not allowed, POST required.`, 405);
    if (request.method !== 'GET' && request.method !== 'HEAD' && request.method !== 'POST')
      return text(`Method ${request.method} not allowed, GET required.`, 405);
    try {
      return await page.reply(request);
    } catch (error) {
      return text(`${page.path} failed: ${messageOf(error)}\n`, 500);
    }
  }

  #commands(headline: string): string {
    const lines = [...this.#pages.values()].map(
      ({ path, method, summary }) => `  ${path}${method === 'POST' ? ' (POST)' : ''}: ${summary}`,
    );
    return `${headline}\n${lines.join('\n')}\n`;
  }

  #home(): AdminReply {
    const row = ({ path, method, summary }: AdminPage): string => {
      const link = `<a href="${path.slice(1)}">${path.slice(1)}</a>`;
      const button = `<form action="${path.slice(1)}" method="post"><button>${path.slice(1)}</button></form>`;
      return `<tr><td>${method === 'POST' ? button : link}</td><td>${summary}</td></tr>`;
    };
    const rows = [...this.#pages.values()].filter(({ path }) => path !== '/').map(row);
    const body = `<!doctype html><title>ringway sidecar</title><table><tr><th>Command</th><th>Description</th></tr>\n${rows.join('\n')}\n</table>\n`;
    return { status: 200, contentType: 'text/html; charset=UTF-8', body };
  }
}
