import type { FromWorker, ToWorker, WorkerReport } from './messages.ts';

type Fields = Readonly<Record<string, unknown>>;
type Check = (fields: Fields) => boolean;

/** What came from the first process, or null for anything else: a channel may carry what is not ours. */
export function readToWorker(value: unknown): ToWorker | null {
  return read(value, TO_WORKER) as ToWorker | null;
}

/** What came from a worker, or null for anything else. */
export function readFromWorker(value: unknown): FromWorker | null {
  return read(value, FROM_WORKER) as FromWorker | null;
}

const TO_WORKER: Readonly<Record<ToWorker['kind'], Check>> = {
  init: ({ worker, drainTimeMs, logLevel, plan }) =>
    isCount(worker) && isNumber(drainTimeMs) && typeof logLevel === 'string' && isFields(plan) && isPlan(plan),
  start: ({ logLevel, openPorts, updates }) => isText(logLevel) && openPorts instanceof Map && isListOf(updates, isUpdate),
  update: ({ seq, openPorts, update }) => isCount(seq) && openPorts instanceof Map && isUpdate(update),
  report: ({ seq }) => isCount(seq),
  'drain-connections': () => true,
  'drain-listeners': ({ isGraceful, isInboundOnly }) => typeof isGraceful === 'boolean' && typeof isInboundOnly === 'boolean',
  'log-level': ({ level }) => typeof level === 'string',
  'reopen-logs': () => true,
  stop: () => true,
};

const FROM_WORKER: Readonly<Record<FromWorker['kind'], Check>> = {
  ready: () => true,
  refused: ({ failures }) => isListOf(failures, isFailure),
  applied: ({ seq, failures }) => isCount(seq) && isListOf(failures, isFailure),
  report: ({ seq, report }) => (seq === null || isCount(seq)) && isFields(report) && isReport(report),
};

function read(value: unknown, checks: Readonly<Record<string, Check>>): unknown {
  if (!isFields(value) || typeof value['kind'] !== 'string' || !Object.hasOwn(checks, value['kind'])) return null;
  return checks[value['kind']]?.(value) ? value : null;
}

function isPlan({ clusters, listeners, limits, cds, lds }: Fields): boolean {
  return isListOf(clusters, isResource) && isListOf(listeners, isResource) && isFields(limits) && isFeed(cds) && isFeed(lds);
}

function isFeed(value: unknown): boolean {
  return value === null || (isFields(value) && isNumber(value['initialFetchTimeoutMs']));
}

function isUpdate(value: unknown): boolean {
  if (!isFields(value)) return false;
  const { typeUrl, version, upserts, removed } = value;
  return typeof typeUrl === 'string' && typeof version === 'string' && isListOf(upserts, isResource) && isListOf(removed, isText);
}

function isResource(value: unknown): boolean {
  return isFields(value) && isText(value['name']) && isText(value['version']) && value['value'] instanceof Uint8Array;
}

function isFailure(value: unknown): boolean {
  return isFields(value) && isText(value['name']) && isText(value['message']);
}

function isReport(value: Fields): boolean {
  const { defined, removed, counters, gauges, histograms, hosts, connections, memory } = value as Partial<WorkerReport>;
  return (
    isListOf(defined, (each) => isFields(each) && isCount(each['index']) && isText(each['kind']) && isFields(each['id'])) &&
    isListOf(removed, isCount) &&
    counters instanceof Float64Array &&
    gauges instanceof Float64Array &&
    isListOf(
      histograms,
      (each) => isFields(each) && isCount(each['index']) && isNumber(each['sum']) && isListOf(each['counts'], isNumber),
    ) &&
    isListOf(hosts, isHost) &&
    isNumber(connections) &&
    isFields(memory) &&
    [memory.rss, memory.heapTotal, memory.heapUsed, memory.external].every(isNumber)
  );
}

function isHost(value: unknown): boolean {
  if (!isFields(value)) return false;
  const { cluster, address, counters, gauges } = value;
  return isText(cluster) && isText(address) && isListOf(counters, isNumber) && isFields(gauges);
}

function isListOf(value: unknown, fits: (element: unknown) => boolean): boolean {
  return Array.isArray(value) && value.every(fits);
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null;
}

function isText(value: unknown): boolean {
  return typeof value === 'string';
}

function isNumber(value: unknown): boolean {
  return typeof value === 'number' && Number.isFinite(value);
}

function isCount(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
