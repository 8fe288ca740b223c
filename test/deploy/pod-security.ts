import type { Container, PodTemplate } from './manifests.ts';

interface SecurityContext {
  readonly runAsNonRoot?: boolean;
  readonly runAsUser?: number;
  readonly allowPrivilegeEscalation?: boolean;
  readonly readOnlyRootFilesystem?: boolean;
  readonly privileged?: boolean;
  readonly capabilities?: { readonly drop?: readonly string[]; readonly add?: readonly string[] };
  readonly seccompProfile?: { readonly type: string };
}

/** What keeps a container from the restricted profile of Pod Security, a writable root file system and missing limits included. */
export function restrictedProblems({ spec }: PodTemplate, container: Container): string[] {
  const context: SecurityContext = { ...spec.securityContext, ...container.securityContext };
  const { limits, requests } = (container['resources'] ?? {}) as Record<string, Record<string, string> | undefined>;
  const problems: readonly (readonly [boolean, string])[] = [
    [context.runAsNonRoot !== true || !context.runAsUser, 'runs as root'],
    [context.privileged === true, 'is privileged'],
    [context.allowPrivilegeEscalation !== false, 'may gain privileges'],
    [context.readOnlyRootFilesystem !== true, 'may write its root file system'],
    [context.seccompProfile?.type !== 'RuntimeDefault', 'has no seccomp profile'],
    [context.capabilities?.drop?.join() !== 'ALL', 'keeps capabilities'],
    [limits?.['memory'] === undefined || requests?.['cpu'] === undefined || requests['memory'] === undefined, 'has no limits'],
  ];
  const added = (context.capabilities?.add ?? []).map((name) => `adds ${name}`);
  return [...problems.filter(([isProblem]) => isProblem).map(([, text]) => text), ...added];
}
