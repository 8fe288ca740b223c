import { networkInterfaces } from 'node:os';

/** What the machine says of its interfaces, as `os.networkInterfaces`. */
export type ListInterfaces = () => Readonly<Record<string, readonly { readonly address: string }[] | undefined>>;

/** Every address of this machine, loopback included, as of now; each once, scope ids cut off. */
export function localAddresses(list: ListInterfaces = networkInterfaces): readonly string[] {
  const addresses = Object.values(list()).flatMap((entries) => (entries ?? []).map(({ address }) => address.replace(/%.*$/, '')));
  return [...new Set(addresses)];
}
