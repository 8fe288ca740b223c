/**
 * Finds the virtual host of an authority. Order (RouteConfiguration, VirtualHost.domains): exact, longest `*suffix`, longest `prefix*`,
 * `*`. Compared without case; the port counts unless `ignorePort`.
 */
export class DomainTable<Host> {
  readonly #exact = new Map<string, Host>();
  readonly #suffixes: { readonly text: string; readonly host: Host }[] = [];
  readonly #prefixes: { readonly text: string; readonly host: Host }[] = [];
  readonly #ignorePort: boolean;
  #any: Host | undefined;

  constructor(ignorePort: boolean) {
    this.#ignorePort = ignorePort;
  }

  /** False when the very domain is taken already. */
  add(domain: string, host: Host): boolean {
    const text = domain.toLowerCase();
    if (text === '*') {
      if (this.#any !== undefined) return false;
      this.#any = host;
      return true;
    }
    if (text.startsWith('*')) return insert(this.#suffixes, text.slice(1), host);
    if (text.endsWith('*')) return insert(this.#prefixes, text.slice(0, -1), host);
    if (this.#exact.has(text)) return false;
    this.#exact.set(text, host);
    return true;
  }

  find(authority: string): Host | undefined {
    const text = (this.#ignorePort ? authority.replace(/:\d+$/, '') : authority).toLowerCase();
    // a wildcard stands for at least one character
    return (
      this.#exact.get(text) ??
      this.#suffixes.find((suffix) => text.length > suffix.text.length && text.endsWith(suffix.text))?.host ??
      this.#prefixes.find((prefix) => text.length > prefix.text.length && text.startsWith(prefix.text))?.host ??
      this.#any
    );
  }
}

function insert<Host>(list: { readonly text: string; readonly host: Host }[], text: string, host: Host): boolean {
  if (list.some((other) => other.text === text)) return false;
  list.push({ text, host });
  list.sort((a, b) => b.text.length - a.text.length);
  return true;
}
