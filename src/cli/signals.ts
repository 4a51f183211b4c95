import { EXIT } from './host.js';

/**
 * A signal that fires at the first Ctrl-C (SIGINT, or SIGTERM), so that a command can finish what
 * is in flight. At the second one the process ends at once: the store recovers when it is opened.
 */
export function interruptSignal(): AbortSignal {
  const controller = new AbortController();
  const interrupt = () => {
    if (controller.signal.aborted) {
      process.stderr.write('sluice: ended at once\n');
      process.exit(EXIT.interrupted);
    }
    controller.abort();
  };
  process.on('SIGINT', interrupt);
  process.on('SIGTERM', interrupt);
  return controller.signal;
}
