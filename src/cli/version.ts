/** Set by the bundler; absent when the sources run as they are. */
declare const RINGWAY_VERSION: string | undefined;

/** The version of this program; `0.0.0-source` when it was not built. */
export const version: string = typeof RINGWAY_VERSION === 'string' ? RINGWAY_VERSION : '0.0.0-source';
