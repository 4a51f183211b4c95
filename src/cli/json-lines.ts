import { open } from 'node:fs/promises';
import { pipeline, Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { SluiceError, toSluiceError } from '../errors.js';

/** One line of a file, without its end; lines count from 1. */
export interface Line {
  number: number;
  text: string;
}

/** A file that is read as a stream. */
export interface Source {
  /** Size as stored, undefined when it is not known (a pipe). */
  sizeBytes: number | undefined;
  /** Bytes read so far, of the file as stored. */
  readBytes(): number;
  /** The lines, decompressed when the file begins like gzip; blank ones are left out. */
  lines(): AsyncGenerator<Line>;
}

/** A line longer than this is refused: without a limit, one bad file would fill the memory. */
const LINE_BYTES_MAX = 64 * 1024 * 1024;

const utf8 = new TextDecoder('utf-8', { fatal: true });
const NEWLINE = 0x0a;
const GZIP_MAGIC = [0x1f, 0x8b] as const;

/**
 * Opens a file, or stdin for `-`. When the signal fires the lines end early, without an error.
 * Errors: `SLUICE_NOT_FOUND` when there is no such file, `SLUICE_IO` when it can't be read,
 * `SLUICE_BAD_LINE` for a line that is not UTF-8 or far too long.
 */
export async function openSource(
  path: string,
  stdin: Readable,
  signal: AbortSignal,
): Promise<Source> {
  const { stream, sizeBytes } =
    path === '-' ? { stream: stdin, sizeBytes: undefined } : await openFile(path);
  let readBytes = 0;
  async function* counted(): AsyncGenerator<Buffer> {
    for await (const chunk of stream) {
      const bytes = Buffer.isBuffer(chunk) ? chunk : Buffer.from(chunk);
      readBytes += bytes.length;
      yield bytes;
    }
  }
  async function* lines(): AsyncGenerator<Line> {
    const stop = () => stream.destroy();
    signal.addEventListener('abort', stop, { once: true });
    try {
      if (!signal.aborted) yield* splitLines(decompressed(counted()));
    } catch (error) {
      // Destroying the stream is how an interrupt ends a read that waits for input.
      if (!signal.aborted) throw toSluiceError(error, 'SLUICE_IO', `cannot read ${path}`);
    } finally {
      signal.removeEventListener('abort', stop);
      stream.destroy();
    }
  }
  return { sizeBytes, readBytes: () => readBytes, lines };
}

async function openFile(path: string): Promise<{ stream: Readable; sizeBytes: number }> {
  try {
    const file = await open(path);
    const { size } = await file.stat();
    return { stream: file.createReadStream(), sizeBytes: size };
  } catch (error) {
    const missing = error instanceof Error && 'code' in error && error.code === 'ENOENT';
    if (missing) throw new SluiceError('SLUICE_NOT_FOUND', `no such file: ${path}`);
    throw toSluiceError(error, 'SLUICE_IO', `cannot read ${path}`);
  }
}

/** The bytes themselves, or what they decompress to: told by the first two, not by a name. */
async function* decompressed(chunks: AsyncGenerator<Buffer>): AsyncGenerator<Buffer> {
  let head = Buffer.alloc(0);
  while (head.length < GZIP_MAGIC.length) {
    const next = await chunks.next();
    if (next.done) break;
    head = Buffer.concat([head, next.value]);
  }
  const whole = prepended(head, chunks);
  if (GZIP_MAGIC.every((byte, index) => head[index] === byte)) {
    // A failure of the source reaches the reader too, as an error of the decompressed stream.
    yield* pipeline(Readable.from(whole), createGunzip(), () => undefined);
  } else {
    yield* whole;
  }
}

async function* prepended(head: Buffer, rest: AsyncGenerator<Buffer>): AsyncGenerator<Buffer> {
  yield head;
  yield* rest;
}

async function* splitLines(chunks: AsyncIterable<Buffer>): AsyncGenerator<Line> {
  let number = 0;
  let parts: Buffer[] = [];
  let partsBytes = 0;
  const take = (): Line | undefined => {
    number += 1;
    const text = decode(Buffer.concat(parts), number);
    parts = [];
    partsBytes = 0;
    return text.trim() === '' ? undefined : { number, text };
  };
  for await (const chunk of chunks) {
    let begin = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, begin)) {
      parts.push(chunk.subarray(begin, end));
      begin = end + 1;
      const line = take();
      if (line !== undefined) yield line;
    }
    parts.push(chunk.subarray(begin));
    partsBytes += chunk.length - begin;
    if (partsBytes > LINE_BYTES_MAX) throw badLine(number + 1, 'it is far too long');
  }
  const last = take();
  if (last !== undefined) yield last;
}

function decode(bytes: Buffer, number: number): string {
  try {
    return utf8.decode(bytes);
  } catch {
    throw badLine(number, 'it is not UTF-8');
  }
}

/** The error for a line that can't be used. */
export function badLine(number: number, why: string): SluiceError {
  return new SluiceError('SLUICE_BAD_LINE', `line ${number}: ${why}`);
}
