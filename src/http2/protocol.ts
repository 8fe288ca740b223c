/** RFC 9113 §7. */
export const ErrorCode = {
  NO_ERROR: 0,
  PROTOCOL_ERROR: 1,
  INTERNAL_ERROR: 2,
  FLOW_CONTROL_ERROR: 3,
  SETTINGS_TIMEOUT: 4,
  STREAM_CLOSED: 5,
  FRAME_SIZE_ERROR: 6,
  REFUSED_STREAM: 7,
  CANCEL: 8,
  COMPRESSION_ERROR: 9,
  CONNECT_ERROR: 10,
  ENHANCE_YOUR_CALM: 11,
  INADEQUATE_SECURITY: 12,
  HTTP_1_1_REQUIRED: 13,
} as const;

const errorNames: readonly string[] = Object.keys(ErrorCode);

/** `CANCEL` for 8; `error 99` for a code RFC 9113 does not know. */
export function errorCodeName(code: number): string {
  return errorNames[code] ?? `error ${code}`;
}

/** RFC 9113 §6. */
export const FrameType = {
  DATA: 0,
  HEADERS: 1,
  PRIORITY: 2,
  RST_STREAM: 3,
  SETTINGS: 4,
  PUSH_PROMISE: 5,
  PING: 6,
  GOAWAY: 7,
  WINDOW_UPDATE: 8,
  CONTINUATION: 9,
} as const;

export const Flag = { ACK: 0x1, END_STREAM: 0x1, END_HEADERS: 0x4, PADDED: 0x8, PRIORITY: 0x20 } as const;

/** RFC 9113 §6.5.2, RFC 8441 §3. */
export const SettingId = {
  HEADER_TABLE_SIZE: 1,
  ENABLE_PUSH: 2,
  MAX_CONCURRENT_STREAMS: 3,
  INITIAL_WINDOW_SIZE: 4,
  MAX_FRAME_SIZE: 5,
  MAX_HEADER_LIST_SIZE: 6,
  ENABLE_CONNECT_PROTOCOL: 8,
} as const;

export const FRAME_HEADER_SIZE = 9;
/** The smallest and the initial SETTINGS_MAX_FRAME_SIZE; we never offer more. */
export const DEFAULT_MAX_FRAME_SIZE = 16_384;
/** Every window begins here until SETTINGS or WINDOW_UPDATE say otherwise (RFC 9113 §6.9.2). */
export const DEFAULT_WINDOW_SIZE = 65_535;
export const DEFAULT_HEADER_TABLE_SIZE = 4096;
export const MAX_WINDOW_SIZE = 0x7fff_ffff;
export const MAX_STREAM_ID = 0x7fff_ffff;

/** What a client sends first (RFC 9113 §3.4). */
export const CLIENT_PREFACE: Buffer = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'latin1');
