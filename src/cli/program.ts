import { nearestName } from '../core/index.ts';
import { type Command, type CommandIo, EXIT, runCommand } from './command.ts';

/** One line of the command table. `load` evaluates the command's code, so a sidecar never pays for what `control` needs. */
export interface CommandEntry {
  readonly name: string;
  /** For the list of commands; '' keeps it out of the list (what only `up` starts). */
  readonly summary: string;
  load(): Promise<Command>;
}

/** What `ringway <words>` does. Resolves with the exit code. */
export async function runProgram(
  words: readonly string[],
  io: CommandIo,
  options: { readonly commands: readonly CommandEntry[]; readonly version: string },
): Promise<number> {
  const [first, ...rest] = words;
  if (first === undefined) {
    io.stderr.write(overview(options.commands));
    return EXIT.usage;
  }
  if (first === '--version' || first === '-V' || first === 'version') {
    io.stdout.write(`ringway ${options.version}\n`);
    return EXIT.ok;
  }
  if (first === '--help' || first === '-h' || (first === 'help' && rest.length === 0)) {
    io.stdout.write(overview(options.commands));
    return EXIT.ok;
  }
  const [name, args] = first === 'help' ? [rest[0] as string, ['--help']] : [first, rest];
  const entry = options.commands.find((candidate) => candidate.name === name);
  if (!entry) {
    io.stderr.write(unknown(name, options.commands));
    return EXIT.usage;
  }
  return runCommand(await entry.load(), args, io);
}

function unknown(name: string, commands: readonly CommandEntry[]): string {
  const names = listed(commands).map((entry) => entry.name);
  const near = nearestName(name, names);
  return `ringway: no command "${name}"${near ? `; did you mean ${near}?` : ''} (commands: ${names.join(', ')})\n`;
}

function overview(commands: readonly CommandEntry[]): string {
  const width = Math.max(...listed(commands).map((entry) => entry.name.length));
  const lines = listed(commands).map((entry) => `  ${entry.name.padEnd(width)}  ${entry.summary}`);
  return `ringway: ring membership as xDS, and a sidecar that takes it

usage: ringway <command> [options]

${lines.join('\n')}

ringway <command> --help   options and examples of one command
ringway --version          the version
`;
}

function listed(commands: readonly CommandEntry[]): readonly CommandEntry[] {
  return commands.filter((entry) => entry.summary !== '');
}
