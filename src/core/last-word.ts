/** Tells a handler of the end. There is no connection left to end for a throw of its, and the process must not pay: it becomes a warning. */
export function lastWord(tell: () => void): void {
  try {
    tell();
  } catch (thrown) {
    process.emitWarning(thrown instanceof Error ? thrown : String(thrown));
  }
}
