// Writes docs/reference from the sources (`npm run reference`). A test compares the pages with what this makes.
import { mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { PAGES } from './pages.ts';

for (const [name, page] of Object.entries(PAGES)) {
  const file = fileURLToPath(new URL(`../../docs/reference/${name}`, import.meta.url));
  mkdirSync(new URL('../../docs/reference/', import.meta.url), { recursive: true });
  writeFileSync(file, page());
  console.log(`wrote ${file}`);
}
