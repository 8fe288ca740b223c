import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Test } from 'tap';

/** How one process of test/interop/dskit is started; what is not given is as its flags say. */
export interface DskitOptions {
  /** The member that it registers; without one it only reads, as a querier does. */
  readonly id?: string;
  readonly zone?: string;
  readonly partition?: number;
  readonly advertise?: string;
  readonly grpcPort?: number;
  readonly store?: 'memberlist' | 'etcd';
  /** host:port of etcd. */
  readonly endpoint?: string;
  /** Of a member that is started again the same one. */
  readonly gossipPort?: number;
  /** host:port of gossip. */
  readonly join?: readonly string[];
  readonly label?: string;
  readonly compression?: 'none' | 'lzw' | 'snappy';
  readonly tls?: { readonly certificate: string; readonly privateKey: string; readonly ca: string };
}

/** An entry that reads otherwise than before in this process (changes.go); `text` '' when it is gone. */
export interface DskitChange {
  readonly atMs: number;
  readonly entry: string;
  readonly text: string;
}

/** What its rings say (reader.go). */
export interface DskitSeen {
  readonly instances: readonly {
    readonly id: string;
    readonly address: string;
    readonly zone: string;
    readonly state: string;
    readonly registeredAt: number;
    readonly healthy: boolean;
  }[];
  readonly partitions: readonly { readonly id: number; readonly state: string; readonly owners: readonly string[] }[];
  readonly asked: readonly (readonly string[])[];
  readonly refused: string;
}

/** How one instance answered (dial.go). */
export interface DskitCall {
  readonly id: string;
  readonly address: string;
  readonly health: string;
  readonly code: string;
  readonly message: string;
  readonly servedBy: string;
  readonly authority: string;
  readonly encoding: string;
}

export interface DskitProcess {
  /** Each host:port; `gossip` '' without memberlist. */
  readonly at: { readonly http: string; readonly grpc: string; readonly gossip: string };
  state(): Promise<DskitSeen>;
  /** `Active` or `Inactive`. */
  changePartition(id: number, state: string): Promise<void>;
  /** Calls what a querier would ask; `through`: every connection goes there. */
  dial(through?: string): Promise<readonly DskitCall[]>;
  /** Leaves the rings and ends, as on SIGTERM. */
  leave(): Promise<void>;
  /** As if the machine was gone. */
  crash(): Promise<void>;
}

interface Line {
  readonly ready?: DskitProcess['at'];
  readonly changed?: DskitChange;
  readonly state?: DskitSeen;
  readonly dialed?: readonly DskitCall[];
  readonly failed?: string;
}

/** Runs until the test ends, at the latest. `program` is goProgram's `dskit`. Resolves when it has joined. */
export async function startDskit(
  t: Test,
  program: string,
  options: DskitOptions,
  onChange: (change: DskitChange) => void = () => {},
): Promise<DskitProcess> {
  const child = spawn(program, flagsOf(options), { stdio: ['pipe', 'pipe', 'pipe'] });
  let words = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    words = `${words}${text}`.slice(-2000);
  });
  const gone = new Promise<void>((resolve) => child.once('close', () => resolve()));
  t.teardown(async () => {
    child.kill('SIGKILL');
    await gone;
  });
  const waiting: PromiseWithResolvers<Line>[] = [];
  const answer = (): Promise<Line> => {
    const next = Promise.withResolvers<Line>();
    waiting.push(next);
    return next.promise;
  };
  createInterface({ input: child.stdout }).on('line', (text) => {
    const line = JSON.parse(text) as Line;
    if (line.changed) onChange(line.changed);
    else if (line.failed === undefined) waiting.shift()?.resolve(line);
    else waiting.shift()?.reject(new Error(`${options.id ?? 'querier'}: ${line.failed}`));
  });
  void gone.then(() => {
    for (const one of waiting) one.reject(new Error(`${options.id ?? 'querier'} ended: ${words}`));
  });
  child.stdin.on('error', () => {}); // it ended: `gone` says so
  const ask = async (command: string): Promise<Line> => {
    child.stdin.write(`${command}\n`);
    return await answer();
  };

  const { ready } = await answer();
  if (ready === undefined) throw new Error('its first line says where it listens');
  return {
    at: ready,
    state: async () => (await ask('state')).state as DskitSeen,
    changePartition: async (id, state) => void (await ask(`partition ${id} ${state}`)),
    dial: async (through = '') => (await ask(`dial ${through}`)).dialed ?? [],
    leave: async () => {
      await ask('leave');
      await gone;
    },
    crash: async () => {
      child.kill('SIGKILL');
      await gone;
    },
  };
}

function flagsOf({
  id,
  zone,
  partition,
  advertise,
  grpcPort,
  store,
  endpoint,
  gossipPort,
  join,
  label,
  compression,
  tls,
}: DskitOptions): readonly string[] {
  const flags = {
    id,
    zone,
    partition,
    advertise,
    'grpc-port': grpcPort,
    store,
    endpoint,
    'gossip-port': gossipPort,
    join: join?.join(','),
    label,
    compression,
    'tls-certificate': tls?.certificate,
    'tls-private-key': tls?.privateKey,
    'tls-ca': tls?.ca,
  };
  return Object.entries(flags).flatMap(([name, value]) => (value === undefined ? [] : [`--${name}=${value}`]));
}
