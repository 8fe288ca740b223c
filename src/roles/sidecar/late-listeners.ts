import { type HostPort, messageOf } from '../../core/index.ts';
import type { Listener } from '../../proxy/listener/index.ts';
import type { ListenerPort } from '../../proxy/runtime/types.ts';
import type { Logger } from '../../telemetry/index.ts';
import type { ListenerBook } from './listener-book.ts';

/**
 * Listeners of a process beside the first: a port is opened when its listener serves, not before. The others serve already, and a
 * connection that the kernel gave to this process would wait for nothing. Where the first process has no open port, none is opened.
 */
export class LateListeners implements ListenerPort<Listener> {
  readonly #book: ListenerBook;
  readonly #openPorts: ReadonlyMap<string, HostPort>;
  readonly #log: Logger;
  /** Those that own a socket, or are about to. */
  readonly #open = new Map<Listener, 'opening' | 'bound' | 'retired'>();

  constructor(book: ListenerBook, openPorts: ReadonlyMap<string, HostPort>, log: Logger) {
    this.#book = book;
    this.#openPorts = openPorts;
    this.#log = log;
  }

  async bind(listener: Listener, replaces: Listener | null): Promise<void> {
    if (!replaces || this.#open.get(replaces) !== 'bound' || !listener.isAtAddressOf(replaces)) return;
    await this.#book.bind(listener, replaces);
    this.#open.set(listener, 'bound');
  }

  serve(listener: Listener): void {
    if (this.#open.get(listener) === 'bound') this.#book.serve(listener);
    else void this.#openNow(listener);
  }

  retire(listener: Listener): void {
    const state = this.#open.get(listener);
    if (state === 'opening') this.#open.set(listener, 'retired');
    if (state !== 'bound') return;
    this.#open.delete(listener);
    this.#book.retire(listener);
  }

  async #openNow(listener: Listener): Promise<void> {
    const at = this.#openPorts.get(listener.name);
    if (!at) return;
    this.#open.set(listener, 'opening');
    try {
      await this.#book.bind(listener, null, at);
    } catch (error) {
      this.#open.delete(listener);
      this.#log.error('worker.listen_failed', { listener: listener.name }, `${messageOf(error)}; the other processes serve it`);
      return;
    }
    const isRetired = this.#open.get(listener) === 'retired';
    this.#open.set(listener, 'bound');
    if (isRetired) this.retire(listener);
    else this.#book.serve(listener);
  }
}
