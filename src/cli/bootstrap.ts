import { writeFile } from 'node:fs/promises';
import { messageOf, RingwayError } from '../core/index.ts';
import { bootstrapYaml } from '../proxy/bootstrap/index.ts';
import { type Command, EXIT, UsageError } from './command.ts';
import { parseFlags } from './flags.ts';
import { composeBootstrap, composedFlags, composedHelp, isComposedKind } from './sidecar/composed-flags.ts';

/** Prints the bootstrap of a sidecar, for real Envoy or for `ringway sidecar -c`. */
export const bootstrapCommand: Command = {
  name: 'bootstrap',
  help: () => `Prints the bootstrap of a sidecar, for Envoy or for ringway sidecar -c. Connects to nothing.

usage: ringway bootstrap inbound --listen ADDRESS [options]
       ringway bootstrap egress --listen ADDRESS --control ADDRESS [options]

${composedHelp('left out')}      --out FILE          writes a file instead

examples:
  ringway bootstrap inbound --listen :9096 --control control:18000 --out envoy.yaml
  envoy -c envoy.yaml --use-dynamic-base-id --service-node "$POD_NAME"
  ringway sidecar -c envoy.yaml --service-node "$POD_NAME"
  ringway bootstrap egress --listen 127.0.0.1:9096 --zone zone-a --control control:18000 --out envoy.yaml
  envoy -c envoy.yaml --use-dynamic-base-id
`,
  async run(args, io) {
    const [kind, ...rest] = args;
    if (!isComposedKind(kind))
      throw new UsageError(`${kind === undefined ? 'nothing' : `"${kind}"`} is not a kind of bootstrap; allowed: inbound, egress`);
    const { values, positionals } = parseFlags(rest, { ...composedFlags, out: { type: 'string' } });
    if (positionals.length > 0) throw new UsageError(`"${positionals[0]}" is one word too many`);
    const yaml = bootstrapYaml(composeBootstrap(kind, values, io, 'left out'));
    if (values.out === undefined) io.stdout.write(yaml);
    else await write(values.out, yaml);
    return EXIT.ok;
  },
};

async function write(path: string, text: string): Promise<void> {
  try {
    await writeFile(path, text);
  } catch (error) {
    throw new RingwayError(`--out ${path}: ${messageOf(error)}`, { code: 'WRITE', cause: error });
  }
}
