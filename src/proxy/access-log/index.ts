// Access logs: what is known of a request, and the line that says it.
// Entry: `RequestRecord` (filled while a request runs), `compileAccessLogs` (formats and files of a resource).
// Must not know how requests are routed or carried out.
export { type AccessLogger, compileAccessLogs } from './compile.ts';
export type { ResponseFlag } from './flags.ts';
export { RequestRecord } from './record.ts';
export { FileSinks } from './sink.ts';
