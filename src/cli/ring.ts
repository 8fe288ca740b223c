import { type Command, UsageError } from './command.ts';
import { diffCommand } from './ring/diff.ts';
import { showCommand } from './ring/show.ts';
import { watchCommand } from './ring/watch.ts';
import { ringSourceHelp } from './ring-sources.ts';

const VERBS: ReadonlyMap<string, Command['run']> = new Map([
  ['show', showCommand],
  ['watch', watchCommand],
  ['diff', diffCommand],
]);

/** Looking at rings. */
export const ringCommand: Command = {
  name: 'ring',
  help: () => `Looks at rings: show says what is so now (zones × partitions, members, what is wrong, what to do next; two seconds at most),
watch then says each change in a line until Ctrl-C, diff says how two sources differ.

usage: ringway ring show  -c ringway.yaml | --tempo URL ... | --source URI ... [options]
       ringway ring watch -c ringway.yaml | --tempo URL ... | --source URI ... [options]
       ringway ring diff [-c ringway.yaml] SOURCE SOURCE [options]

${ringSourceHelp}
      --ring NAME       with a file: only this ring (default: all; diff: the only one); without: its name (default live-store)
      --json            for machines; watch: one JSON object a line
      --probe-timeout TIME  show: how long a member's port may take to answer (default 700ms, at most 1s); 0 leaves the ports alone;
                        of a ring the first 500 are tried

SOURCE is a URI as with --source, or the name of a source of the file's ring: its kind, the second of a kind with -2 (tempo, nats,
static-2). diff compares members by id, or by address with a source that has only addresses, and what both sources know of them:
address, zone, partition, state, and the states of partitions. Heartbeats are no difference.

exit: show   0 the rings were read; 1 a ring could not be read
      watch  0
      diff   0 no difference; 1 differences; 2 a source could not be read
      64 bad usage or configuration

examples:
  ringway ring show --tempo http://querier:3200
  ringway ring show -c ringway.yaml --json | jq '.rings[].findings'
  ringway ring watch --source http://querier:3200 --source nats://nats:4222
  ringway ring watch -c ringway.yaml --json | jq -c 'select(.event == "disagreement.began")'
  ringway ring diff -c ringway.yaml tempo nats
  ringway ring diff http://querier:3200 gossip://live-store-zone-a-0:7946 && echo the same
`,
  async run(args, io) {
    const [verb = '', ...rest] = args;
    const run = VERBS.get(verb);
    if (!run) throw new UsageError(`"${verb}" is nothing to do with a ring; allowed: ${[...VERBS.keys()].join(', ')}`);
    return run(rest, io);
  },
};
