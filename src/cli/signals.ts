import { EXIT } from './host.js';

/**
 * A signal that fires at the first Ctrl-C (SIGINT, or SIGTERM), so that a command can finish what
 * is in flight. At the second one the process ends at once: the store recovers when it is opened.
 */
export function interruptSignal(): AbortSignal {
  const controller = new AbortController();
  const interrupt = () => {
    if (controller.signal.aborted) process.exit(EXIT.interrupted);
    controller.abort();
  };
  process.on('SIGINT', interrupt);
  process.on('SIGTERM', interrupt);
  return controller.signal;
}

/** Lets a reader of stdout go away, as `head` does, without a complaint. */
export function ignoreBrokenPipe(): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
  });
}
