import type {
  HedgePolicy,
  RetryPolicy_RateLimitedRetryBackOff,
  RetryPolicy_RetryBackOff,
  RetryPolicy as RetryPolicyMessage,
} from '../../../gen/envoy/config/route/v3/route_components.ts';
import { PreviousPrioritiesConfig } from '../../../gen/envoy/extensions/retry/priority/previous_priorities/v3/previous_priorities_config.ts';
import type { HostSelection } from '../../cluster/types.ts';
import { decodeAny, durationMs, fieldPath, optionalDurationMs, refuse, refuseOthers, typeNameOf } from '../../runtime/compile/index.ts';
import type { RateLimitedBackoff, RetryOn, RetryPolicy } from '../types.ts';
import { compileHeaderMatches } from './match.ts';

const PREVIOUS_PRIORITIES = 'envoy.extensions.retry.priority.previous_priorities.v3.PreviousPrioritiesConfig';
const PREVIOUS_HOSTS = 'envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate';

const NEVER: RetryOn = {
  '5xx': false,
  'gateway-error': false,
  reset: false,
  'reset-before-request': false,
  'connect-failure': false,
  'retriable-4xx': false,
  'refused-stream': false,
  'retriable-status-codes': false,
  'retriable-headers': false,
  'envoy-ratelimited': false,
  cancelled: false,
  'deadline-exceeded': false,
  internal: false,
  'resource-exhausted': false,
  unavailable: false,
};

/** A RetryPolicy, with the hedging that belongs to it; null when there is none. Throws CompileError. */
export function compileRetry(path: string, message: RetryPolicyMessage | undefined, hedge: HedgePolicy | undefined): RetryPolicy | null {
  if (hedge)
    refuseOthers(
      fieldPath(path, 'hedgePolicy'),
      { ...hedge, initialRequests: hedge.initialRequests === 1 ? undefined : hedge.initialRequests },
      { reads: ['hedgeOnPerTryTimeout'], harmless: [] },
    );
  if (!message) return null;
  const at = fieldPath(path, 'retryPolicy');
  refuseOthers(at, message, {
    reads: [
      'retryOn',
      'numRetries',
      'perTryTimeout',
      'perTryIdleTimeout',
      'retryPriority',
      'retryHostPredicate',
      'hostSelectionRetryMaxAttempts',
      'retriableStatusCodes',
      'retryBackOff',
      'rateLimitedRetryBackOff',
      'retriableHeaders',
      'retriableRequestHeaders',
    ],
    harmless: [],
  });
  const on = retryOnOf(fieldPath(at, 'retryOn'), message.retryOn);
  return {
    on,
    hasConditions: Object.values(on).includes(true),
    numRetries: message.numRetries ?? 1,
    perTryTimeoutMs: optionalDurationMs(fieldPath(at, 'perTryTimeout'), message.perTryTimeout) || null,
    perTryIdleTimeoutMs: optionalDurationMs(fieldPath(at, 'perTryIdleTimeout'), message.perTryIdleTimeout) || null,
    hedges: hedge?.hedgeOnPerTryTimeout ?? false,
    backoff: backoffOf(fieldPath(at, 'retryBackOff'), message.retryBackOff),
    rateLimitedBackoff: rateLimitedOf(fieldPath(at, 'rateLimitedRetryBackOff'), message.rateLimitedRetryBackOff),
    retriableStatusCodes: new Set(message.retriableStatusCodes),
    retriableHeaders: compileHeaderMatches(fieldPath(at, 'retriableHeaders'), message.retriableHeaders),
    retriableRequestHeaders: compileHeaderMatches(fieldPath(at, 'retriableRequestHeaders'), message.retriableRequestHeaders),
    selection: selectionOf(at, message),
  };
}

function retryOnOf(path: string, text: string): RetryOn {
  const words = text.split(',').map((word) => word.trim());
  for (const word of words) {
    if (word !== '' && !(word in NEVER)) refuse(path, `"${word}" is not supported (only ${Object.keys(NEVER).join(', ')})`);
  }
  return { ...NEVER, ...Object.fromEntries(words.filter((word) => word !== '').map((word) => [word, true])) };
}

function backoffOf(path: string, message: RetryPolicy_RetryBackOff | undefined): RetryPolicy['backoff'] {
  if (!message) return { baseMs: 25, maxMs: 250 };
  const baseMs = durationMs(fieldPath(path, 'baseInterval'), message.baseInterval, 0);
  if (baseMs < 1) refuse(fieldPath(path, 'baseInterval'), 'must be at least 0.001s');
  const maxMs = durationMs(fieldPath(path, 'maxInterval'), message.maxInterval, baseMs * 10);
  if (maxMs < baseMs) refuse(path, 'retry_policy.max_interval must greater than or equal to the base_interval');
  return { baseMs, maxMs };
}

const FORMATS = ['SECONDS', 'UNIX_TIMESTAMP'] as const;

function rateLimitedOf(path: string, message: RetryPolicy_RateLimitedRetryBackOff | undefined): RateLimitedBackoff | null {
  if (!message) return null;
  if (message.resetHeaders.length === 0) refuse(fieldPath(path, 'resetHeaders'), 'must contain at least 1 item');
  const headers = message.resetHeaders.map(({ name, format }, i) => {
    const at = fieldPath(path, `resetHeaders[${i}]`);
    if (name === '') refuse(fieldPath(at, 'name'), 'is required');
    return { name: name.toLowerCase(), format: FORMATS[format] ?? refuse(fieldPath(at, 'format'), `${format} is unknown`) };
  });
  const maxMs = durationMs(fieldPath(path, 'maxInterval'), message.maxInterval, 300_000);
  if (maxMs <= 0) refuse(fieldPath(path, 'maxInterval'), 'must be greater than 0s');
  return { headers, maxMs };
}

function selectionOf(path: string, message: RetryPolicyMessage): HostSelection {
  for (const [i, predicate] of message.retryHostPredicate.entries()) {
    const type = typeNameOf(predicate.configType?.value);
    if (type !== PREVIOUS_HOSTS)
      refuse(fieldPath(path, `retryHostPredicate[${i}]`), `${type || predicate.name} is not supported (only ${PREVIOUS_HOSTS})`);
  }
  return {
    previousPrioritiesEvery: updateFrequencyOf(fieldPath(path, 'retryPriority'), message),
    avoidPreviousHosts: message.retryHostPredicate.length > 0,
    maxAttempts: Math.min(1000, Number(message.hostSelectionRetryMaxAttempts) || 1),
  };
}

function updateFrequencyOf(path: string, { retryPriority }: RetryPolicyMessage): number {
  if (!retryPriority) return 0;
  const any = retryPriority.configType?.value;
  const type = typeNameOf(any);
  if (!any || type !== PREVIOUS_PRIORITIES)
    return refuse(path, `${type || retryPriority.name} is not supported (only ${PREVIOUS_PRIORITIES})`);
  const { updateFrequency } = decodeAny(path, any, PreviousPrioritiesConfig);
  return updateFrequency > 0 ? updateFrequency : refuse(fieldPath(path, 'updateFrequency'), 'must be greater than 0');
}
