import { readFileSync } from 'node:fs';
import t from 'tap';
import { PAGES } from '../../tools/reference/pages.ts';

for (const [name, page] of Object.entries(PAGES)) {
  t.test(`docs/reference/${name} is as the sources say (npm run reference writes it)`, async (t) => {
    t.equal(readFileSync(new URL(`../../docs/reference/${name}`, import.meta.url), 'utf8'), page());
  });
}
