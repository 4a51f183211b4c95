import { EXIT } from './host.js';

/** A terminal shows its cursor and folds lines again: who would do that later is not asked any more. */
const RESTORED = '\u001b[?25h\u001b[?7h';

/**
 * A signal that fires at the first Ctrl-C (SIGINT, or SIGTERM), so that a command can finish what
 * is in flight. At the second one the process ends at once: the store recovers when it is opened.
 */
export function interruptSignal(): AbortSignal {
  const controller = new AbortController();
  const interrupt = () => {
    if (controller.signal.aborted) {
      const { stderr } = process;
      stderr.write(`${stderr.isTTY ? RESTORED : ''}sluice: ended at once\n`);
      process.exit(EXIT.interrupted);
    }
    controller.abort();
  };
  process.on('SIGINT', interrupt);
  process.on('SIGTERM', interrupt);
  return controller.signal;
}
