// The first octet of a message of memberlist (net.go), and the wrappers around it.

export const PUSH_PULL = 6;
export const COMPRESSED = 9;
export const ENCRYPTED = 10;
export const ERROR = 13;
/** What a server says that expects TLS (RFC 8446 §6); no message of memberlist. */
export const TLS_ALERT = 21;
/** A label header: its length, then the label (label.go). */
export const LABEL = 244;

/** compressedPayload.Algo (compress.go); the second only in Grafana's fork. */
export const LZW = 0;
export const SNAPPY = 1;
