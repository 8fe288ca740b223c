/** Response flags that this data plane sets, with their long names (%RESPONSE_FLAGS_LONG%). Envoy's words. */
export const RESPONSE_FLAGS = {
  UH: 'NoHealthyUpstream',
  UF: 'UpstreamConnectionFailure',
  UO: 'UpstreamOverflow',
  NR: 'NoRouteFound',
  URX: 'UpstreamRetryLimitExceeded',
  NC: 'NoClusterFound',
  DT: 'DurationTimeout',
  DC: 'DownstreamConnectionTermination',
  DR: 'DownstreamRemoteReset',
  UR: 'UpstreamRemoteReset',
  UC: 'UpstreamConnectionTermination',
  UT: 'UpstreamRequestTimeout',
  LR: 'LocalReset',
  SI: 'StreamIdleTimeout',
  UPE: 'UpstreamProtocolError',
  DPE: 'DownstreamProtocolError',
  DO: 'DropOverLoad',
  UDO: 'UnconditionalDropOverload',
} as const;

export type ResponseFlag = keyof typeof RESPONSE_FLAGS;
