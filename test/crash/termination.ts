import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** How a process ended that was told to. */
export interface Ended {
  code: number | null;
  signal: string | null;
  stdout: string;
  stderr: string;
  /** From SIGTERM to the end. */
  endMs: number;
}

const MAIN = fileURLToPath(import.meta.resolve('#sluice/cli/main.js'));
/** A process that takes longer to end hangs. */
const END_MS_MAX = 60_000;

/**
 * Starts a module of Node.js, or `sluice`, and sends it SIGTERM so long after it has printed some
 * words, or after its start. `input` is written to it, and not ended.
 */
export async function terminate(
  [module, ...parameters]: [string, ...string[]],
  { words, delayMs, input = '' }: { words?: string; delayMs: number; input?: string },
): Promise<Ended> {
  const file = module === 'sluice' ? MAIN : module;
  const child = spawn(process.execPath, [file, ...parameters], { stdio: 'pipe' });
  const closed = once(child, 'close') as Promise<[number | null, string | null]>;
  let [stdout, stderr] = ['', ''];
  const heard = new Promise<void>((resolve) => {
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
      if (words !== undefined && stdout.includes(words)) resolve();
    });
    if (words === undefined) resolve();
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  child.stdin.on('error', () => undefined);
  child.stdin.write(input);
  await Promise.race([closed, heard]);
  await Promise.race([closed, new Promise((resolve) => setTimeout(resolve, delayMs))]);
  const toldAt = performance.now();
  child.kill('SIGTERM');
  const hanging = setTimeout(() => child.kill('SIGKILL'), END_MS_MAX);
  const [code, signal] = await closed;
  clearTimeout(hanging);
  return { code, signal, stdout, stderr, endMs: performance.now() - toldAt };
}
