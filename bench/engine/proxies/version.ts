import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

/** The first line that a command prints. */
export async function versionLine([program, ...args]: readonly [string, ...string[]]): Promise<string> {
  const { stdout, stderr } = await promisify(execFile)(program, args);
  return `${stdout}${stderr}`.trim().split('\n')[0]?.trim() ?? '';
}
