// ringway.js: what runs before anything is loaded.

/** The text of the program, which loads `main`, a path relative to it. */
export const programText = (main) => `#!/usr/bin/env node
if (Number(process.versions.node.split('.')[0]) < 24) {
  console.error('ringway: needs Node 24 or newer, this is ' + process.versions.node + '; install it from https://nodejs.org or run: npx -p node@24 ringway');
  process.exit(1);
}
import('${main}');
`;
