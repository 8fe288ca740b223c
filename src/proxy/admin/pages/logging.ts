import { type AdminPage, type AdminReply, type AdminRequest, text } from '../page.ts';
import { type EnvoyLogLevel, LOG_LEVELS, type LogControls } from '../types.ts';

const USAGE = `usage: /logging?level=<level> (change the level) or /logging (show it)\nlevels: ${LOG_LEVELS.join(' ')}\n`;
/** Ringway has one logger; Envoy has one a component. */
const LOGGER = 'ringway';

/** `/logging`: shows and changes the level of logs. */
export function loggingPage(controls: LogControls): AdminPage {
  return {
    path: '/logging',
    method: 'POST',
    summary: 'query or change the logging level',
    reply: (request) => reply(controls, request),
  };
}

function reply(controls: LogControls, { query }: AdminRequest): AdminReply {
  const level = wantedLevel(query);
  if (level !== null && typeof level === 'object') return text(`error: ${level.refused}\n${USAGE}`, 400);
  if (level !== null) controls.setLevel(level);
  return text(`active loggers:\n  ${LOGGER}: ${controls.level()}\n`);
}

/** `?level=debug`, `?paths=ringway:debug`, `?ringway=debug`; null when nothing is to change. */
function wantedLevel(query: URLSearchParams): EnvoyLogLevel | null | { readonly refused: string } {
  const [first, ...rest] = query;
  if (!first) return null;
  if (rest.length > 0) return { refused: 'only one logger or level at a time' };
  const [name, value] = first[0] === 'paths' ? splitPath(first[1]) : first;
  if (name !== 'level' && name !== LOGGER) return { refused: 'unknown logger name' };
  const level = LOG_LEVELS.find((known) => known === (value === 'warn' ? 'warning' : value));
  return level ?? { refused: 'unknown logger level' };
}

/** `logger:level`, or `level` for all of them. */
function splitPath(paths: string): readonly [string, string] {
  const [name, level] = paths.split(':');
  return level === undefined ? ['level', name ?? ''] : [name ?? '', level];
}
