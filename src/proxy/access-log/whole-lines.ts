/** What a pipe takes in one piece, whoever else writes to it (PIPE_BUF of Linux; POSIX `write`). */
const PIPE_BUF = 4096;
const LINE_FEED = 0x0a;

/** How many octets may be written at once so that lines of several processes on one pipe stay whole. A longer line goes alone. */
export function wholeLines(bytes: Buffer): number {
  if (bytes.length <= PIPE_BUF) return bytes.length;
  const end = bytes.lastIndexOf(LINE_FEED, PIPE_BUF - 1);
  if (end >= 0) return end + 1;
  const first = bytes.indexOf(LINE_FEED);
  return first < 0 ? bytes.length : first + 1;
}
