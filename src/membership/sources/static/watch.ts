import { watchFile } from '../../../config/index.ts';
import { follow } from '../../../core/index.ts';
import type { MembershipSource, SourceReport } from '../../types.ts';
import type { SourceDeps } from '../types.ts';
import type { StaticSourceOptions } from './options.ts';
import { readMembers } from './read.ts';

/** Members from a file, read again when it changes and at `reload`. They are ACTIVE and have no heartbeat. */
export function createStaticSource(options: StaticSourceOptions, { clock }: SourceDeps): MembershipSource {
  const readers = new Set<() => void>();
  return {
    name: options.name,
    reload: () => {
      for (const read of readers) read();
    },
    watch: (signal) =>
      follow<SourceReport>(signal, (put) => {
        let reading = Promise.resolve();
        const read = (): void => {
          reading = reading.then(async () => put(await readMembers(options, clock.nowMs())));
        };
        readers.add(read);
        const watch = watchFile(options.file, clock, read);
        read();
        return () => {
          readers.delete(read);
          watch.close();
          return reading;
        };
      }),
  };
}
