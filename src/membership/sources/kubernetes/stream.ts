// One watch: what happens to the slices of the Service after a resourceVersion, line by line, until the connection ends.
// https://kubernetes.io/docs/reference/using-api/api-concepts/#efficient-detection-of-changes
import { messageOf, RingwayError, type Timer } from '../../../core/index.ts';
import type { SourceDeps } from '../types.ts';
import type { ApiTarget } from './access.ts';
import { LineSplitter } from './lines.ts';
import { type ApiAnswer, openApi } from './request.ts';
import { parseEvent, Unusable } from './slice.ts';
import type { SliceStore } from './store.ts';

/** How a watch ended. */
export type WatchEnd =
  /** As it should. What comes after can be had from where it ended. */
  | { readonly kind: 'ended'; readonly how: RingwayError }
  /** It was reset; the same holds. */
  | { readonly kind: 'broken'; readonly how: RingwayError }
  /**
   * What was missed cannot be had from there: the server has forgotten it, or it was silent, as it is to who waits for a
   * resourceVersion that is still to come (a restored etcd).
   */
  | { readonly kind: 'stale' }
  | { readonly kind: 'failed'; readonly error: RingwayError };

export interface WatchOptions {
  readonly target: ApiTarget;
  /** What is known; events are applied to it. */
  readonly store: SliceStore;
  readonly deps: SourceDeps;
  readonly signal: AbortSignal;
  /** After events, those that came together at once. */
  readonly onChange: () => void;
}

/** etcd holds no object above 1.5 MiB; JSON is up to some times longer than what is stored. */
const MAX_LINE_BYTES = 8 * 1024 * 1024;
/** The server ends a watch after 4 to 6 minutes: not all of them at the same time. */
const MIN_WATCH_S = 240;
const MAX_WATCH_S = 360;
/** How much later than that it is cut by us. */
const GRACE_MS = 15_000;
/** Bookmarks come about once a minute (client-go relies on it no more than we do): two are missing. */
const SILENCE_MS = 130_000;
/** A connection whose other end is gone without a word is found dead by TCP 10 s after this. */
const KEEP_ALIVE_MS = 15_000;

/** `failed` has the codes of `openApi`, `PEER_TOO_LARGE` or `API_ANSWER`. */
export async function watchSlices(options: WatchOptions): Promise<WatchEnd> {
  const { target, deps, signal, store } = options;
  const seconds = Math.round(MIN_WATCH_S + deps.random() * (MAX_WATCH_S - MIN_WATCH_S));
  const query = { watch: 'true', allowWatchBookmarks: 'true', resourceVersion: store.version, timeoutSeconds: String(seconds) };
  try {
    const answer = await openApi({ verb: 'watch', target, query, deps, signal });
    answer.body.socket.setKeepAlive(true, KEEP_ALIVE_MS);
    return await readEvents(answer, seconds, options);
  } catch (error) {
    if (!(error instanceof RingwayError)) throw error;
    return error.code === 'API_GONE' ? { kind: 'stale' } : { kind: 'failed', error };
  }
}

async function readEvents(answer: ApiAnswer, seconds: number, { target, store, deps, onChange }: WatchOptions): Promise<WatchEnd> {
  const { body, fail } = answer;
  const splitter = new LineSplitter(MAX_LINE_BYTES);
  const watchdog = new Watchdog(answer, seconds, deps);
  try {
    for await (const chunk of body as AsyncIterable<Buffer>) {
      const lines = splitter.push(chunk);
      if (lines === 'too long') throw fail('PEER_TOO_LARGE', `sent a line of more than ${MAX_LINE_BYTES} bytes`);
      if (lines.length === 0) continue;
      watchdog.feed();
      const stop = applyLines(lines, answer, target, store);
      if (stop !== null) return stop;
      onChange();
    }
    if (splitter.pending > 0) return { kind: 'broken', how: fail('PEER_UNREACHABLE', 'ended within an event') };
    return { kind: 'ended', how: fail('PEER_UNREACHABLE', 'ended too soon') };
  } catch (error) {
    if (error instanceof RingwayError && error.code !== 'PEER_TIMEOUT') throw error;
    if (error instanceof RingwayError) return { kind: 'stale' };
    if (!body.errored) throw error;
    return { kind: 'broken', how: fail('PEER_UNREACHABLE', `broke off: ${messageOf(error)}`, error) };
  } finally {
    watchdog.stop();
    body.destroy();
  }
}

/** Returns how the server ended the watch, if one of the lines does. */
function applyLines(lines: readonly string[], answer: ApiAnswer, target: ApiTarget, store: SliceStore): WatchEnd | null {
  const { fail, quote } = answer;
  for (const line of lines) {
    try {
      const event = parseEvent(line, target);
      if (event.kind !== 'error') store.apply(event);
      else if (event.code === 410) return { kind: 'stale' };
      else throw fail('API_ANSWER', `was ended with ${event.code} "${quote(event.message)}"`);
    } catch (error) {
      if (!(error instanceof Unusable)) throw error;
      throw fail('API_ANSWER', `sent ${error.message}: "${quote(line)}"`);
    }
  }
  return null;
}

/** Cuts a watch that is silent, or longer than was asked for, with PEER_TIMEOUT. */
class Watchdog {
  readonly #answer: ApiAnswer;
  readonly #deps: SourceDeps;
  readonly #endMs: number;
  #timer: Timer;

  constructor(answer: ApiAnswer, seconds: number, deps: SourceDeps) {
    this.#answer = answer;
    this.#deps = deps;
    this.#endMs = deps.clock.monotonicMs() + seconds * 1000 + GRACE_MS;
    this.#timer = this.#arm();
  }

  /** A whole line came. */
  feed(): void {
    this.#timer.cancel();
    this.#timer = this.#arm();
  }

  stop(): void {
    this.#timer.cancel();
  }

  #arm(): Timer {
    const { body, fail } = this.#answer;
    const leftMs = this.#endMs - this.#deps.clock.monotonicMs();
    const why = leftMs < SILENCE_MS ? 'did not end in its time' : `said nothing for ${SILENCE_MS / 1000}s`;
    return this.#deps.clock.after(Math.max(0, Math.min(leftMs, SILENCE_MS)), () => body.destroy(fail('PEER_TIMEOUT', why)));
  }
}
