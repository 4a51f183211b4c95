import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

function newDirectory(): string {
  return realpathSync(mkdtempSync(join(tmpdir(), 'sluice-')));
}

/** A new directory that is removed when the test has finished. */
export async function temporaryDirectory(): Promise<string> {
  const path = newDirectory();
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

/** Runs an action with a new, empty directory, which is removed afterwards. */
export async function withDirectory<T>(action: (directory: string) => Promise<T>): Promise<T> {
  const directory = newDirectory();
  try {
    return await action(directory);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
