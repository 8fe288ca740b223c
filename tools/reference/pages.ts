import { agentPage } from './agent-page.ts';
import { concurrencyPage } from './concurrency-page.ts';
import { configPage } from './config-page.ts';
import { controlPage } from './control-page.ts';

/** The generated pages of docs/reference, by file name. */
export const PAGES: Readonly<Record<string, () => string>> = {
  'concurrency.md': concurrencyPage,
  'config.md': configPage,
  'control.md': controlPage,
  'member-agent.md': agentPage,
};
