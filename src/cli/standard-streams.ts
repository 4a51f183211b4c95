import { EXIT } from './host.js';

/**
 * Watches what the process writes. A reader of stdout may go away, as `head` does, without a
 * complaint; any other failure is told in one line on stderr and makes the exit code 1.
 */
export function watchStandardStreams(): void {
  let told = false;
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE' || told) return;
    told = true;
    const code = error.code === 'ENOSPC' ? 'SLUICE_DISK_FULL' : 'SLUICE_IO';
    process.stderr.write(`sluice: cannot write the result: ${error.message} (${code})\n`);
    process.exitCode = EXIT.failed;
  });
  // What can't be told on stderr can't be told at all; the exit code still says how it went.
  process.stderr.on('error', () => undefined);
}

/** Ends the process with this code, unless writing the result has failed. */
export function endWith(code: number, isInterrupted: boolean): void {
  // A failure of a write that has been made is known by the time another one has been made.
  process.stdout.write('', () => {
    process.exitCode ||= code;
    // What a signal made the command give up may still keep the process alive.
    if (isInterrupted) process.exit();
  });
}
