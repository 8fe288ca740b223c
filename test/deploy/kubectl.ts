import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** What `kubectl kustomize` makes of deploy/: UPDATE_GOLDEN=1 writes the golden files with it, so that they are not our own word. */
export function renderWithKubectl(name: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'ringway-kustomize-'));
  try {
    cpSync('deploy/kubernetes', join(folder, 'kubernetes'), { recursive: true });
    cpSync('test/golden/deploy/tempo', join(folder, 'tempo'), { recursive: true });
    const tempo = name === 'querier' ? 'querier' : 'live-store';
    const component = `resources: [tempo/${tempo}.yaml]\ncomponents: [kubernetes/${name}]\n`;
    writeFileSync(join(folder, 'kustomization.yaml'), name === 'ringway' ? 'resources: [kubernetes]\n' : component);
    return execFileSync('kubectl', ['kustomize', folder], { encoding: 'utf8' });
  } finally {
    rmSync(folder, { recursive: true });
  }
}
