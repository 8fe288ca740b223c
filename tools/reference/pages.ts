import { abusePage } from './abuse-page.ts';
import { agentPage } from './agent-page.ts';
import { concurrencyPage } from './concurrency-page.ts';
import { configPage } from './config-page.ts';
import { controlPage } from './control-page.ts';
import { grpcSemanticsPage } from './grpc-semantics-page.ts';
import { robustnessPage } from './robustness-page.ts';

/** The generated pages of docs/reference, by file name. */
export const PAGES: Readonly<Record<string, () => string>> = {
  'concurrency.md': concurrencyPage,
  'abuse.md': abusePage,
  'config.md': configPage,
  'control.md': controlPage,
  'grpc-semantics.md': grpcSemanticsPage,
  'member-agent.md': agentPage,
  'robustness.md': robustnessPage,
};
