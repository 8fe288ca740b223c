import { readFile } from 'node:fs/promises';
import { codeOf, messageOf } from '../../../core/index.ts';
import {
  checkConstraintsAt,
  create,
  formatProblem,
  mergeMessages,
  type Place,
  type ReadResult,
  readMessage,
} from '../../../envoy/index.ts';
import type { Bootstrap } from '../../../gen/envoy/config/bootstrap/v3/bootstrap.ts';
import { Locality, Node } from '../../../gen/envoy/config/core/v3/base.ts';
import type { BootstrapOptions, LoadedBootstrap } from '../types.ts';
import { BootstrapError } from './error.ts';
import { judge } from './judge.ts';

const NAME = 'envoy.config.bootstrap.v3.Bootstrap';

/** What errors call the value of --config-yaml. */
const OVERLAY = '--config-yaml';

/**
 * Reads a bootstrap as Envoy does from the same flags, and checks it: fields, types, constraints, duplicate names, what xDS needs.
 * Throws BootstrapError with every reason, or with the one why the file cannot be read.
 */
export async function loadBootstrap(options: BootstrapOptions): Promise<LoadedBootstrap> {
  const { configPath = '', configYaml = '' } = options;
  if (configPath === '' && configYaml === '') {
    throw new BootstrapError(configPath, ['at least one of --config-path (-c) and --config-yaml should be non-empty']);
  }
  const file = configPath === '' ? undefined : readPart(await readText(configPath), sourceOf(configPath), options);
  const overlay = configYaml === '' ? undefined : readPart(configYaml, { file: OVERLAY, format: 'yaml' }, options);
  return assemble(file, overlay, options);
}

interface Source {
  readonly file: string;
  readonly format: 'yaml' | 'json';
}

function sourceOf(path: string): Source {
  return { file: path, format: /\.ya?ml$/.test(path) ? 'yaml' : 'json' };
}

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    const reason = codeOf(error) === 'ENOENT' ? 'no such file' : codeOf(error) === 'EISDIR' ? 'it is a folder' : messageOf(error);
    throw new BootstrapError(path, [`Invalid path: ${path}: ${reason}`], error);
  }
}

type Part = ReadResult<Bootstrap>;

/** Constraints hold for the whole: a part alone is checked only when it is the whole. */
function readPart(text: string, source: Source, options: BootstrapOptions): Part {
  const constraints = !options.configPath || !options.configYaml;
  const read = readMessage(NAME, text, { ...source, constraints, unknownFields: options.allowsUnknownFields ? 'warn' : 'refuse' });
  const isYamlElsewhere = source.format === 'json' && read.errors[0]?.text.startsWith('invalid JSON') === true && looksLikeYaml(text);
  if (!isYamlElsewhere) return read;
  const errors = read.errors.map((problem) => ({
    ...problem,
    text: `${problem.text}; YAML is read only from a file that ends in .yaml or .yml`,
  }));
  return { ...read, errors };
}

function looksLikeYaml(text: string): boolean {
  return /^\s*(#|---|[a-z_]+:)/.test(text);
}

function assemble(file: Part | undefined, overlay: Part | undefined, options: BootstrapOptions): LoadedBootstrap {
  const parts = [file, overlay].filter((part) => part !== undefined);
  const subject = options.configPath || OVERLAY;
  const places = placesOf(file, overlay);
  const merged = parts.map(({ message }) => message).reduce((base, over) => mergeMessages(NAME, base, over));
  const bootstrap = named(merged, options);
  const broken = parts.flatMap(({ errors }) => errors);
  const errors = broken.length > 0 || parts.length < 2 ? broken : checkConstraintsAt(NAME, bootstrap, places);
  const judged = errors.length > 0 ? { errors: [], warnings: [] } : judge(bootstrap, places);
  const all = [...errors, ...judged.errors];
  if (all.length > 0) throw new BootstrapError(subject, all.map(formatProblem));
  return { bootstrap, warnings: [...parts.flatMap(({ warnings }) => warnings), ...judged.warnings] };
}

/** Lists are appended, so an index in the overlay counts from the end of the file's list: there the file's places are the better guess. */
function placesOf(file: Part | undefined, overlay: Part | undefined): ReadonlyMap<string, Place> {
  if (!file) return overlay?.places ?? new Map();
  const laid = [...(overlay?.places ?? [])];
  return new Map([...laid, ...file.places, ...laid.filter(([path]) => path !== '' && !path.includes('['))]);
}

/** The bootstrap with the node that the flags name. */
function named(bootstrap: Bootstrap, { serviceNode = '', serviceCluster = '', serviceZone = '' }: BootstrapOptions): Bootstrap {
  if (serviceNode === '' && serviceCluster === '' && serviceZone === '') return bootstrap;
  const node = bootstrap.node ?? create(Node);
  const locality = serviceZone === '' ? node.locality : { ...(node.locality ?? create(Locality)), zone: serviceZone };
  return { ...bootstrap, node: { ...node, id: serviceNode || node.id, cluster: serviceCluster || node.cluster, locality } };
}
