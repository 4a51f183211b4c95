import { createWriteStream } from 'node:fs';
import { SluiceError } from '../errors.js';
import type { InspectMessage } from './messages.js';

/** Bytes that may wait for the disk; what comes on top is left out, and counted in the file. */
const BACKLOG_BYTES_MAX = 64 * 1024 * 1024;

/** A recording that is being written. */
export interface Recorder {
  /** Adds a message, one line of JSON. */
  write(message: InspectMessage): void;
  /** Resolves when all of it is in the file. Errors: `SLUICE_IO`, also from earlier writes. */
  close(): Promise<void>;
}

/** Writes messages to a file, over what it had. Errors: `SLUICE_IO`. */
export async function openRecorder(path: string): Promise<Recorder> {
  const stream = createWriteStream(path);
  let failure: Error | undefined;
  let left = 0;
  await new Promise<void>((resolve, reject) => {
    stream.once('open', () => resolve());
    stream.once('error', (cause) => reject(writeError(path, cause)));
  });
  stream.on('error', (cause) => {
    failure ??= cause;
  });
  const line = (message: InspectMessage) => stream.write(`${JSON.stringify(message)}\n`);
  return {
    write: (message) => {
      if (failure !== undefined) return;
      if (stream.writableLength > BACKLOG_BYTES_MAX) {
        left += 1;
        return;
      }
      if (left > 0) line({ type: 'dropped', at: message.at, events: left });
      left = 0;
      line(message);
    },
    close: async () => {
      if (failure === undefined) await new Promise((resolve) => stream.end(resolve));
      if (failure !== undefined) throw writeError(path, failure);
    },
  };
}

function writeError(path: string, cause: Error): SluiceError {
  const message = `the recording ${path} can't be written: ${cause.message}`;
  return new SluiceError('SLUICE_IO', message, { cause, kind: 'declined' });
}
