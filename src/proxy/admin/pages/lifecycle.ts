import { type AdminPage, DONE, has } from '../page.ts';
import type { ServerControls, ServerState } from '../types.ts';

/** `/ready` and the pages that end or drain the process. */
export function lifecyclePages(state: () => ServerState, controls: ServerControls): AdminPage[] {
  return [
    {
      path: '/ready',
      method: 'GET',
      summary: 'print server state, return 200 if LIVE, otherwise return 503',
      reply: () => ({ status: state() === 'LIVE' ? 200 : 503, contentType: 'text/plain; charset=UTF-8', body: `${state()}\n` }),
    },
    change('/quitquitquit', 'drain and exit', () => controls.quit()),
    change('/healthcheck/fail', 'cause the server to fail health checks', () => controls.failHealthcheck(true)),
    change('/healthcheck/ok', 'cause the server to pass health checks', () => controls.failHealthcheck(false)),
    {
      path: '/drain_listeners',
      method: 'POST',
      summary: 'drain listeners (graceful, inboundonly)',
      reply: (request) => {
        controls.drainListeners({ isGraceful: has(request, 'graceful'), isInboundOnly: has(request, 'inboundonly') });
        return DONE;
      },
    },
  ];
}

function change(path: string, summary: string, act: () => void): AdminPage {
  return {
    path,
    method: 'POST',
    summary,
    reply: () => {
      act();
      return DONE;
    },
  };
}
