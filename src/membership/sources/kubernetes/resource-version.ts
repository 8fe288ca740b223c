/**
 * Whether one resourceVersion is older than another. They are decimal numbers that may be compared since KEP-5504, and were before it;
 * what is no such number is neither older nor newer than anything.
 */
export function isOlder(version: string, than: string): boolean {
  if (!isNumber(version) || !isNumber(than)) return false;
  return version.length === than.length ? version < than : version.length < than.length;
}

function isNumber(version: string): boolean {
  return /^[1-9]\d{0,38}$/.test(version);
}
