// One read: all slices of the Service as they were at one resourceVersion, page by page.
// https://kubernetes.io/docs/reference/using-api/api-concepts/#retrieving-large-results-sets-in-chunks
import { GrowingBytes, messageOf, RingwayError } from '../../../core/index.ts';
import type { SourceDeps } from '../types.ts';
import type { ApiTarget } from './access.ts';
import { type ApiAnswer, openApi } from './request.ts';
import { parsePage, Unusable } from './slice.ts';
import { SliceStore } from './store.ts';

/** Slices of one page: about 3 MB when each has 100 endpoints, the usual most. */
const PAGE_SIZE = 100;
/** Far more than the other limits let through, for a server that always has a next one. */
const MAX_PAGES = 250;
/** Of one page. The parser takes 2 s for the worst that fits, in which nothing else happens. */
const MAX_PAGE_BYTES = 16 * 1024 * 1024;
/** Of all pages together. */
const MAX_LIST_BYTES = 64 * 1024 * 1024;
/** For one page. */
const PAGE_TIMEOUT_MS = 30_000;
/** How often a list whose continuation has expired is begun again. */
const MAX_RESTARTS = 3;

/** Rejects with RingwayError: the codes of `openApi`, `PEER_TOO_LARGE`, `PEER_TIMEOUT`, `API_ANSWER`. */
export async function listSlices(target: ApiTarget, deps: SourceDeps, signal: AbortSignal): Promise<SliceStore> {
  for (let restarts = 0; ; restarts += 1) {
    try {
      return await listOnce(target, deps, signal);
    } catch (error) {
      const expired = error instanceof RingwayError && error.code === 'API_GONE';
      if (!expired || restarts === MAX_RESTARTS) throw error;
    }
  }
}

async function listOnce(target: ApiTarget, deps: SourceDeps, signal: AbortSignal): Promise<SliceStore> {
  let store: SliceStore | null = null;
  let next = '';
  let bytes = 0;
  for (let pages = 1; ; pages += 1) {
    const query = { limit: String(PAGE_SIZE), ...(next === '' ? {} : { continue: next }) };
    const answer = await openApi({ verb: 'list', target, query, deps, signal });
    const body = await readBody(answer, deps);
    bytes += body.length;
    if (bytes > MAX_LIST_BYTES) throw answer.fail('PEER_TOO_LARGE', `has more than ${MAX_LIST_BYTES} bytes on its pages`);
    const { into, token } = addPage(answer, body.toString(), target, store);
    if (token === '') return into;
    if (token === next || pages === MAX_PAGES) throw answer.fail('API_ANSWER', `has no last page, not even after ${pages}`);
    store = into;
    next = token;
  }
}

async function readBody({ body, fail }: ApiAnswer, { clock }: SourceDeps): Promise<Buffer> {
  const timer = clock.after(PAGE_TIMEOUT_MS, () => body.destroy(fail('PEER_TIMEOUT', `did not end within ${PAGE_TIMEOUT_MS / 1000}s`)));
  const page = new GrowingBytes(MAX_PAGE_BYTES);
  try {
    for await (const chunk of body as AsyncIterable<Buffer>)
      if (!page.add(chunk)) throw fail('PEER_TOO_LARGE', `sent a page of more than ${MAX_PAGE_BYTES} bytes`);
  } catch (error) {
    throw error instanceof RingwayError ? error : fail('PEER_UNREACHABLE', `broke off: ${messageOf(error)}`, error);
  } finally {
    timer.cancel();
  }
  return page.view();
}

/** All pages have the resourceVersion of the first. */
function addPage(
  { fail, quote }: ApiAnswer,
  json: string,
  target: ApiTarget,
  store: SliceStore | null,
): { readonly into: SliceStore; readonly token: string } {
  try {
    const page = parsePage(json, target);
    const into = store ?? new SliceStore(page.resourceVersion);
    for (const slice of page.slices) into.add(slice);
    return { into, token: page.next };
  } catch (error) {
    if (!(error instanceof Unusable)) throw error;
    throw fail('API_ANSWER', `answered ${error.message}: "${quote(json)}"`);
  }
}
