// From ringway.yaml to what membership reads: shared by the roles that read rings.
import { isDeepStrictEqual } from 'node:util';
import { createSecretReader, type RingConfig, type RingwayConfig } from '../config/index.ts';
import { RingwayError } from '../core/index.ts';
import type { RingInput } from '../membership/index.ts';
import { createSources, type SourceDeps } from '../membership/sources/index.ts';

/** Makes the rings of a configuration, and those of the next one: a ring whose configuration is as before is the same object as before. */
export class RingInputs {
  readonly #deps: SourceDeps;
  #made: ReadonlyMap<string, { readonly config: RingConfig; readonly input: RingInput }> = new Map();

  constructor(deps: Omit<SourceDeps, 'readSecret'>) {
    this.#deps = { ...deps, readSecret: createSecretReader(deps.environment) };
  }

  /** Throws RingwayError `CONFIG_NO_RING`. */
  of({ rings }: RingwayConfig): readonly RingInput[] {
    if (rings.size === 0) throw noRing();
    const before = this.#made;
    this.#made = new Map(
      [...rings].map(([name, config]) => {
        const known = before.get(name);
        if (known && isDeepStrictEqual(known.config, config)) return [name, known];
        return [name, { config, input: { name, sources: createSources(name, config.sources, this.#deps), config } }];
      }),
    );
    return [...this.#made.values()].map(({ input }) => input);
  }
}

/** A configuration without rings is a mistake at the start, and a file that somebody is still writing later. */
export function noRing(): RingwayError {
  return new RingwayError('there is no ring to read: rings is empty in the file', { code: 'CONFIG_NO_RING' });
}
