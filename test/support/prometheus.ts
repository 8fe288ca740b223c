/** One family of a page in the Prometheus text format. */
export interface Family {
  readonly type: string;
  readonly help: string | null;
  /** Value by series: the name of the sample and its labels as written. */
  readonly samples: ReadonlyMap<string, number>;
}

const NAME = '[a-zA-Z_:][a-zA-Z0-9_:]*';
const LABEL = '[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\\\\n]|\\\\[\\\\n"])*"';
const SAMPLE = new RegExp(`^(${NAME})(\\{(?:${LABEL}(?:,${LABEL})*)?\\})? (\\S+)$`);
const SUFFIXES: Readonly<Record<string, readonly string[]>> = { histogram: ['_bucket', '_sum', '_count'] };

/**
 * Reads a page as strictly as promtool: https://prometheus.io/docs/instrumenting/exposition_formats/. Throws Error that names the line:
 * a family in two places, a second HELP or TYPE, a sample of no family, a series twice, buckets that do not add up.
 */
export function parsePrometheus(page: string): ReadonlyMap<string, Family> {
  if (!page.endsWith('\n')) throw new Error('the last line has no end');
  const families = new Map<string, { type: string; help: string | null; samples: Map<string, number> }>();
  let help: readonly [string, string] | null = null;
  let current = '';
  for (const line of page.slice(0, -1).split('\n')) {
    const comment = new RegExp(`^# (HELP|TYPE) (${NAME}) (.+)$`).exec(line);
    const [, kind = '', named = '', text = ''] = comment ?? [];
    if (kind === 'HELP') help = [named, text];
    else if (kind === 'TYPE') {
      if (families.has(named)) throw new Error(`a family in two places: ${line}`);
      if (!/^(counter|gauge|histogram|summary|untyped)$/.test(text)) throw new Error(`no such type: ${line}`);
      if (help !== null && help[0] !== named) throw new Error(`help of another family: ${line}`);
      families.set(named, { type: text, help: help?.[1] ?? null, samples: new Map() });
      [current, help] = [named, null];
    } else readSample(line, current, families.get(current));
  }
  for (const [name, family] of families) if (family.type === 'histogram') checkBuckets(name, family.samples);
  return families;
}

function readSample(line: string, family: string, known: { type: string; samples: Map<string, number> } | undefined): void {
  const [, name = '', labels = '', value = ''] = SAMPLE.exec(line) ?? [];
  if (name === '' || Number.isNaN(Number(value))) throw new Error(`not a sample: ${line}`);
  const names = (SUFFIXES[known?.type ?? ''] ?? ['']).map((suffix) => family + suffix);
  if (!known || !names.includes(name)) throw new Error(`a sample of no family: ${line}`);
  if (known.samples.has(name + labels)) throw new Error(`a series twice: ${line}`);
  known.samples.set(name + labels, Number(value));
}

function checkBuckets(name: string, samples: ReadonlyMap<string, number>): void {
  for (const [series, count] of samples) {
    if (!series.startsWith(`${name}_count`)) continue;
    const labels = series.slice(`${name}_count`.length).slice(1, -1);
    const infinite = `${name}_bucket{${labels === '' ? '' : `${labels},`}le="+Inf"}`;
    if (samples.get(infinite) !== count) throw new Error(`${infinite} is not ${series}`);
  }
}
