import { messageOf } from '../../core/index.ts';
import type { AccessLog } from '../../gen/envoy/config/accesslog/v3/accesslog.ts';
import type { SubstitutionFormatString } from '../../gen/envoy/config/core/v3/substitution_format_string.ts';
import { FileAccessLog } from '../../gen/envoy/extensions/access_loggers/file/v3/file.ts';
import { StderrAccessLog, StdoutAccessLog } from '../../gen/envoy/extensions/access_loggers/stream/v3/stream.ts';
import { decodeAny, fieldPath, refuse, refuseOthers, typeNameOf } from '../runtime/compile/index.ts';
import { compileJson } from './format/json.ts';
import { compileText, DEFAULT_FORMAT, type Line } from './format/text.ts';
import type { RequestRecord } from './record.ts';
import type { FileSinks, LineSink } from './sink.ts';

/** Writes one line about a request or connection that is over. */
export type AccessLogger = (record: RequestRecord) => void;

const FILE = 'envoy.extensions.access_loggers.file.v3.FileAccessLog';
const STDOUT = 'envoy.extensions.access_loggers.stream.v3.StdoutAccessLog';
const STDERR = 'envoy.extensions.access_loggers.stream.v3.StderrAccessLog';

/** Compiles a list of access logs (`access_log` of a listener, connection manager or tcp_proxy). Throws CompileError. */
export function compileAccessLogs(path: string, messages: readonly AccessLog[], sinks: FileSinks): readonly AccessLogger[] {
  return messages.map((message, i) => compileAccessLog(`${path}[${i}]`, message, sinks));
}

function compileAccessLog(path: string, message: AccessLog, sinks: FileSinks): AccessLogger {
  refuseOthers(path, message, { reads: ['name', 'configType'], harmless: [] });
  const at = fieldPath(path, 'typedConfig');
  const any = message.configType?.value;
  if (!any) return refuse(at, 'is required');
  switch (typeNameOf(any)) {
    case FILE: {
      const config = decodeAny(at, any, FileAccessLog);
      if (config.path === '') refuse(fieldPath(at, 'path'), 'is required');
      return logger(fileLine(at, config.accessLogFormat), openSink(fieldPath(at, 'path'), config.path, sinks));
    }
    case STDOUT:
      return logger(streamLine(at, decodeAny(at, any, StdoutAccessLog).accessLogFormat?.value), openSink(at, '/dev/stdout', sinks));
    case STDERR:
      return logger(streamLine(at, decodeAny(at, any, StderrAccessLog).accessLogFormat?.value), openSink(at, '/dev/stderr', sinks));
    default:
      return refuse(at, `${typeNameOf(any)} is not supported (only ${FILE}, ${STDOUT}, ${STDERR})`);
  }
}

function logger(line: Line, sink: LineSink): AccessLogger {
  return (record) => {
    const out = sink.begin();
    if (out === undefined) return;
    line(record, out);
    sink.end();
  };
}

function openSink(path: string, file: string, sinks: FileSinks): LineSink {
  try {
    return sinks.open(file);
  } catch (error) {
    return refuse(path, `unable to open file '${file}': ${messageOf(error)}`);
  }
}

function fileLine(path: string, format: FileAccessLog['accessLogFormat']): Line {
  switch (format?.$case) {
    case 'format':
      return format.value === '' ? compileText(path, DEFAULT_FORMAT, false) : compileText(fieldPath(path, 'format'), format.value, false);
    case 'jsonFormat':
      return compileJson(fieldPath(path, 'jsonFormat'), format.value ?? {}, false);
    case 'typedJsonFormat':
      return compileJson(fieldPath(path, 'typedJsonFormat'), format.value ?? {}, false);
    case 'logFormat':
      return streamLine(path, format.value);
    case undefined:
      return compileText(path, DEFAULT_FORMAT, false);
  }
}

function streamLine(path: string, message: SubstitutionFormatString | undefined): Line {
  if (!message) return compileText(path, DEFAULT_FORMAT, false);
  const at = fieldPath(path, 'logFormat');
  // a content type only means something for response bodies; keys are sorted in any case
  refuseOthers(at, message, { reads: ['format', 'omitEmptyValues'], harmless: ['contentType', 'jsonFormatOptions'] });
  const { format, omitEmptyValues } = message;
  switch (format?.$case) {
    case 'textFormat':
      return compileText(fieldPath(at, 'textFormat'), format.value, omitEmptyValues);
    case 'jsonFormat':
      return compileJson(fieldPath(at, 'jsonFormat'), format.value ?? {}, omitEmptyValues);
    case 'textFormatSource': {
      const source = format.value.specifier;
      if (source?.$case !== 'inlineString') return refuse(fieldPath(at, 'textFormatSource'), 'only inline_string is supported');
      return compileText(fieldPath(at, 'textFormatSource'), source.value, omitEmptyValues);
    }
    case undefined:
      return refuse(at, 'needs text_format, json_format or text_format_source');
  }
}
