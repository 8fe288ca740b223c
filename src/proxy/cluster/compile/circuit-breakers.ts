import type { CircuitBreakers, CircuitBreakers_Thresholds } from '../../../gen/envoy/config/cluster/v3/circuit_breaker.ts';
import { fieldPath, refuse, refuseOthers } from '../../runtime/compile/index.ts';
import type { BreakerLimits, ClusterSettings, RequestPriority } from '../types.ts';

/** CircuitBreakers.Thresholds where nothing is said. */
const DEFAULTS: BreakerLimits = {
  maxConnections: 1024,
  maxPendingRequests: 1024,
  maxRequests: 1024,
  maxRetries: 3,
  retryBudget: null,
  trackRemaining: false,
};

/** By routing priority; the first entry of a priority counts, as in Envoy. */
export function compileCircuitBreakers(path: string, message: CircuitBreakers | undefined): ClusterSettings['breakers'] {
  const breakers: Record<RequestPriority, BreakerLimits> = { default: DEFAULTS, high: DEFAULTS };
  if (!message) return breakers;
  refuseOthers(path, message, { reads: ['thresholds'], harmless: [] });
  for (const [i, thresholds] of [...message.thresholds.entries()].toReversed()) {
    const limits = limitsOf(fieldPath(path, `thresholds[${i}]`), thresholds);
    if (thresholds.priority > 1) refuse(fieldPath(path, `thresholds[${i}].priority`), `${thresholds.priority} is no routing priority`);
    breakers[thresholds.priority === 1 ? 'high' : 'default'] = limits;
  }
  return breakers;
}

function limitsOf(path: string, message: CircuitBreakers_Thresholds): BreakerLimits {
  refuseOthers(path, message, {
    reads: ['priority', 'maxConnections', 'maxPendingRequests', 'maxRequests', 'maxRetries', 'retryBudget', 'trackRemaining'],
    // there is one pool a host, whatever the limit
    harmless: ['maxConnectionPools'],
  });
  const budget = message.retryBudget;
  if (budget) refuseOthers(fieldPath(path, 'retryBudget'), budget, { reads: ['budgetPercent', 'minRetryConcurrency'], harmless: [] });
  return {
    maxConnections: message.maxConnections ?? DEFAULTS.maxConnections,
    maxPendingRequests: message.maxPendingRequests ?? DEFAULTS.maxPendingRequests,
    maxRequests: message.maxRequests ?? DEFAULTS.maxRequests,
    maxRetries: message.maxRetries ?? DEFAULTS.maxRetries,
    retryBudget: budget ? { percent: budget.budgetPercent?.value ?? 20, minRetries: budget.minRetryConcurrency ?? 3 } : null,
    trackRemaining: message.trackRemaining,
  };
}
