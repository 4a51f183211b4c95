import { open } from 'node:fs/promises';
import { errorText, SluiceError } from '../errors.js';
import type { InspectMessage } from './messages.js';
import { type PageServer, servePage } from './page-server.js';

/** Serves the page with a recording, and a time slider. Errors: as `readRecording`, `SLUICE_IO`. */
export async function serveRecording(path: string, port = 0): Promise<PageServer> {
  return servePage({ recording: await readRecording(path) }, port);
}

/**
 * Reads a recording; a last line that was cut off, as by a killed process, is left out.
 * Errors: `SLUICE_NOT_FOUND`, `SLUICE_BAD_LINE`, `SLUICE_FORMAT_UNKNOWN`, `SLUICE_IO`.
 */
export async function readRecording(path: string): Promise<InspectMessage[]> {
  const lines = await readLines(path);
  const messages: InspectMessage[] = [];
  for (const [at, text] of lines.entries()) {
    try {
      messages.push(JSON.parse(text) as InspectMessage);
    } catch (error) {
      if (at < lines.length - 1) throw badLine(path, at + 1, error);
    }
  }
  const [first] = messages;
  if (first?.type === 'start' && first.format === 1) return messages;
  throw new SluiceError('SLUICE_FORMAT_UNKNOWN', `${path} is no recording that is known here`, {
    kind: 'declined',
  });
}

async function readLines(path: string): Promise<string[]> {
  try {
    const file = await open(path);
    const lines: string[] = [];
    // Closes the file at its end.
    for await (const line of file.readLines()) lines.push(line);
    return lines;
  } catch (cause) {
    const isMissing = (cause as { code?: unknown }).code === 'ENOENT';
    const message = `the recording ${path} can't be read: ${errorText(cause)}`;
    const code = isMissing ? 'SLUICE_NOT_FOUND' : 'SLUICE_IO';
    throw new SluiceError(code, message, { cause, kind: 'declined' });
  }
}

function badLine(path: string, line: number, error: unknown): SluiceError {
  return new SluiceError('SLUICE_BAD_LINE', `${path}, line ${line}: ${errorText(error)}`);
}
