import type { AdminRoute } from './types.ts';

/** `/`: the list of all other pages, as HTML without scripts. */
export function indexRoute(routes: readonly AdminRoute[]): AdminRoute {
  const rows = [...routes].sort((a, b) => (a.path < b.path ? -1 : 1)).map(rowOf);
  const body = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Ringway admin</title>
<h1>Ringway admin</h1>
<table>
${rows.join('\n')}
</table>
</html>
`;
  return { method: 'GET', path: '/', title: 'this list', handle: () => ({ contentType: 'text/html; charset=utf-8', body }) };
}

/** Pages that need nothing more are links. */
function rowOf({ method, path, title }: AdminRoute): string {
  const isLink = method === 'GET' && !path.includes('{');
  const name = isLink ? `<a href="${escapeHtml(path)}">${escapeHtml(path)}</a>` : escapeHtml(path);
  return `<tr><td>${method}<td>${name}<td>${escapeHtml(title)}`;
}

function escapeHtml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}
