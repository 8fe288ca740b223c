/** Texts of a ring come from the network: what would steer a terminal, or look like a line of ours, is shown as its code point. */
export function printable(text: string): string {
  return text.replaceAll(/[\p{C}\p{Zl}\p{Zp}]/gu, (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`);
}
