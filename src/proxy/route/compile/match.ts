import type { HeaderMatcher, RouteMatch } from '../../../gen/envoy/config/route/v3/route_components.ts';
import type { StringMatcher } from '../../../gen/envoy/type/matcher/v3/string.ts';
import { fieldPath, refuse, refuseOthers } from '../../runtime/compile/index.ts';
import { type HeaderMatch, headerMatch, isGrpcRequest, type ValueTest } from '../header-match.ts';
import type { RouteRule } from '../table.ts';

const REGEX = 'is not supported (no RE2 here: use exact, prefix, suffix or contains)';

/** A RouteMatch as conditions. Throws CompileError. */
export function compileMatch(path: string, match: RouteMatch | undefined): Omit<RouteRule, 'route'> {
  if (!match) return refuse(fieldPath(path, 'match'), 'is required');
  refuseOthers(path, match, { reads: ['pathSpecifier', 'caseSensitive', 'headers', 'grpc'], harmless: [] });
  const matchesHeaders = compileHeaderMatches(fieldPath(path, 'headers'), match.headers);
  if (match.grpc) matchesHeaders.push(isGrpcRequest);
  return { matchesPath: compilePath(path, match), matchesHeaders };
}

/** HeaderMatchers of one list; `path` is the list's. Throws CompileError. */
export function compileHeaderMatches(path: string, matchers: readonly HeaderMatcher[]): HeaderMatch[] {
  return matchers.map((matcher, i) => compileHeader(`${path}[${i}]`, matcher));
}

function compilePath(path: string, { pathSpecifier, caseSensitive }: RouteMatch): (path: string) => boolean {
  const fold = caseSensitive === false;
  const at = (text: string): string => (fold ? text.toLowerCase() : text);
  if (!pathSpecifier) return refuse(fieldPath(path, 'pathSpecifier'), 'is required');
  switch (pathSpecifier.$case) {
    case 'prefix': {
      const prefix = at(pathSpecifier.value);
      return (text) => at(text).startsWith(prefix);
    }
    case 'path': {
      const exact = at(pathSpecifier.value);
      return (text) => at(text) === exact;
    }
    case 'pathSeparatedPrefix': {
      const prefix = at(pathSpecifier.value);
      return (text) => at(text) === prefix || at(text).startsWith(`${prefix}/`);
    }
    case 'safeRegex':
      return refuse(fieldPath(path, 'safeRegex'), REGEX);
    default:
      return refuse(fieldPath(path, pathSpecifier.$case), 'is not supported');
  }
}

function compileHeader(path: string, message: HeaderMatcher): HeaderMatch {
  if (message.name === '') refuse(fieldPath(path, 'name'), 'is required');
  const test = compileHeaderTest(path, message);
  const wanted = !message.invertMatch;
  const whenAbsent = message.treatMissingHeaderAsEmpty ? '' : undefined;
  return headerMatch(message.name.toLowerCase(), (value) => {
    const seen = value ?? whenAbsent;
    // a header that is absent fits nothing but a matcher of its presence; inverted, it fits everything
    return test(seen) === wanted;
  });
}

function compileHeaderTest(path: string, message: HeaderMatcher): ValueTest {
  const specifier = message.headerMatchSpecifier;
  switch (specifier?.$case) {
    case undefined:
      return (value) => value !== undefined;
    case 'presentMatch':
      return (value) => (value !== undefined) === specifier.value;
    case 'exactMatch':
      return (value) => value === specifier.value;
    case 'prefixMatch':
      return (value) => value?.startsWith(specifier.value) ?? false;
    case 'suffixMatch':
      return (value) => value?.endsWith(specifier.value) ?? false;
    case 'containsMatch':
      return (value) => value?.includes(specifier.value) ?? false;
    case 'rangeMatch':
      return (value) => isWithin(value, specifier.value);
    case 'stringMatch':
      return compileString(fieldPath(path, 'stringMatch'), specifier.value);
    case 'safeRegexMatch':
      return refuse(fieldPath(path, 'safeRegexMatch'), REGEX);
  }
}

function isWithin(value: string | undefined, range: { readonly start: bigint; readonly end: bigint }): boolean {
  if (value === undefined || !/^[+-]?\d{1,19}$/.test(value)) return false;
  const number = BigInt(value.replace('+', ''));
  return number >= range.start && number < range.end;
}

function compileString(path: string, { matchPattern, ignoreCase }: StringMatcher): ValueTest {
  const at = (text: string): string => (ignoreCase ? text.toLowerCase() : text);
  switch (matchPattern?.$case) {
    case 'exact': {
      const exact = at(matchPattern.value);
      return (value) => value !== undefined && at(value) === exact;
    }
    case 'prefix': {
      const prefix = at(matchPattern.value);
      return (value) => value !== undefined && at(value).startsWith(prefix);
    }
    case 'suffix': {
      const suffix = at(matchPattern.value);
      return (value) => value !== undefined && at(value).endsWith(suffix);
    }
    case 'contains': {
      const part = at(matchPattern.value);
      return (value) => value !== undefined && at(value).includes(part);
    }
    case 'safeRegex':
      return refuse(fieldPath(path, 'safeRegex'), REGEX);
    default:
      return refuse(fieldPath(path, matchPattern?.$case ?? 'matchPattern'), matchPattern ? 'is not supported' : 'is required');
  }
}
