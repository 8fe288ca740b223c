import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

/** The first number of three parts that a command prints: its version. */
export async function versionOf([program, ...args]: readonly [string, ...string[]]): Promise<string> {
  const { stdout, stderr } = await promisify(execFile)(program, args);
  return /\d+\.\d+\.\d+/.exec(`${stdout}${stderr}`)?.[0] ?? 'unknown';
}
