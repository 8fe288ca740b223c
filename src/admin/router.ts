import { AdminError } from './admin-error.ts';
import type { AdminRoute } from './types.ts';

/** The route of a request and the parameters of its path. */
export interface RouteMatch {
  readonly route: AdminRoute;
  readonly params: Readonly<Record<string, string>>;
}

interface CompiledRoute {
  readonly route: AdminRoute;
  readonly segments: readonly string[];
}

/** Finds routes by method and path. Fixed segments win over parameters, whatever the order of the list. */
export class Router {
  readonly #routes: readonly CompiledRoute[];

  /** Throws Error for two routes that no request could tell apart. */
  constructor(routes: readonly AdminRoute[]) {
    this.#routes = routes.map((route) => ({ route, segments: route.path.split('/') }));
    const shapes = new Set<string>();
    for (const { route, segments } of this.#routes) {
      const shape = `${route.method} ${segments.map((segment) => (isParameter(segment) ? '{}' : segment)).join('/')}`;
      if (shapes.has(shape)) throw new Error(`two admin routes for ${shape}`);
      shapes.add(shape);
    }
  }

  /** Throws AdminError 404 with the known paths, or 405 with the method that is allowed. */
  find(method: string, path: string): RouteMatch {
    const segments = path.split('/');
    const matching = this.#routes.filter((compiled) => matches(compiled, segments));
    if (matching.length === 0) throw new AdminError(404, 'NOT_FOUND', `no such path: ${path}, known: ${this.#known()}`);
    const wanted = method === 'HEAD' ? 'GET' : method;
    const usable = matching.filter(({ route }) => route.method === wanted).sort((a, b) => parameterCount(a) - parameterCount(b))[0];
    if (!usable) {
      const allowed = [...new Set(matching.map(({ route }) => route.method))].sort().join(', ');
      throw new AdminError(405, 'METHOD_NOT_ALLOWED', `${method} is not allowed on ${path}, allowed: ${allowed}`, { allow: allowed });
    }
    return { route: usable.route, params: paramsOf(usable, segments) };
  }

  #known(): string {
    return this.#routes.map(({ route }) => route.path).join(' ');
  }
}

const isParameter = (segment: string): boolean => segment.startsWith('{') && segment.endsWith('}');
const parameterCount = ({ segments }: CompiledRoute): number => segments.filter(isParameter).length;

function matches({ segments }: CompiledRoute, given: readonly string[]): boolean {
  return (
    segments.length === given.length && segments.every((segment, i) => (isParameter(segment) ? given[i] !== '' : segment === given[i]))
  );
}

function paramsOf({ segments }: CompiledRoute, given: readonly string[]): Record<string, string> {
  const params: Record<string, string> = {};
  segments.forEach((segment, i) => {
    if (isParameter(segment)) params[segment.slice(1, -1)] = decode(given[i] ?? '');
  });
  return params;
}

function decode(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    throw new AdminError(400, 'BAD_PATH', `not a percent-encoded path segment: ${segment}`);
  }
}
