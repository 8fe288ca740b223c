// Every command line of ours in deploy/, as whoever starts it hands it over: variables replaced, quotes gone.
import { readdirSync, readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { renderings } from './installation.ts';
import { containersOf, keyOf, podOf } from './manifests.ts';

export interface CommandLine {
  /** Which file or manifest says it. */
  readonly from: string;
  /** What follows `ringway`. */
  readonly words: readonly string[];
}

/** What stands for variables and systemd's specifiers. */
export type Values = Readonly<Record<string, string>>;

/** Throws on a variable that `values` does not have. */
export function commandLines(values: Values): CommandLine[] {
  return [...kubernetesLines(), ...composeLines(), ...unitLines(values)].map(({ from, words }) => ({
    from,
    words: words.map((word) => word.replace(/\$[({](\w+)[)}]/g, (_, name: string) => lookUp(values, name, from))),
  }));
}

function kubernetesLines(): CommandLine[] {
  const rendered = renderings();
  return [...rendered.ringway, ...rendered['live-store'], ...rendered.querier].flatMap((manifest) => {
    const pod = podOf(manifest);
    const ours = pod ? containersOf(pod).filter(({ image }) => image.startsWith('ringway:')) : [];
    return ours.map(({ args = [] }) => ({ from: keyOf(manifest), words: args }));
  });
}

export interface ComposeService {
  readonly image: string;
  readonly build?: { readonly context: string };
  readonly command?: readonly string[];
  readonly volumes?: readonly string[];
  readonly network_mode?: string;
  readonly networks?: unknown;
  readonly healthcheck?: unknown;
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>;
  readonly [key: string]: unknown;
}

export function composeServices(): Readonly<Record<string, ComposeService>> {
  const text = readFileSync('deploy/compose/docker-compose.yaml', 'utf8');
  return (parse(text, { merge: true }) as { services: Record<string, ComposeService> }).services;
}

function composeLines(): CommandLine[] {
  const ours = Object.entries(composeServices()).filter(([, { image }]) => image.startsWith('ringway:'));
  return ours.map(([name, { command = [] }]) => ({ from: `compose ${name}`, words: command }));
}

/** The units of ours, by name. */
export function units(): string[] {
  return readdirSync('deploy/systemd').filter((file) => file.endsWith('.service'));
}

/** Lines `key=value` of a unit or of an environment file, in order. */
export function settings(file: string): readonly (readonly [key: string, value: string])[] {
  const lines = readFileSync(`deploy/systemd/${file}`, 'utf8').split('\n');
  return lines.flatMap((line) => {
    const match = /^(\w+)=(.*)$/.exec(line);
    return match ? [[match[1] as string, match[2] as string] as const] : [];
  });
}

function unitLines(values: Values): CommandLine[] {
  return units().flatMap((unit) => {
    const starts = settings(unit).filter(([key, value]) => key === 'ExecStart' && value.includes('ringway.js'));
    return starts.map(([, value]) => {
      const words = value.replace(/^\S+ \S+ringway\.js /, '').replace(/%(\w)/g, (_, letter: string) => lookUp(values, `%${letter}`, unit));
      return { from: unit, words: words.split(' ') };
    });
  });
}

function lookUp(values: Values, name: string, from: string): string {
  const value = values[name];
  if (value === undefined) throw new Error(`${from}: nothing is known of ${name}`);
  return value;
}
