import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { type Line, openSource } from '#sluice/cli/json-lines.js';

const directory = mkdtempSync(join(tmpdir(), 'sluice-lines-'));
afterAll(() => rmSync(directory, { recursive: true }));

const never = new AbortController().signal;

async function read(path: string, stdin = Readable.from([])): Promise<Line[]> {
  const source = await openSource(path, stdin, never);
  const lines: Line[] = [];
  for await (const line of source.lines()) lines.push(line);
  return lines;
}

function file(name: string, content: string | Buffer): string {
  const path = join(directory, name);
  writeFileSync(path, content);
  return path;
}

describe('lines of a file', () => {
  test('are numbered from 1, with or without a last newline; blank ones are left out', async () => {
    const lines = [
      { number: 1, text: 'a' },
      { number: 3, text: 'b' },
    ];
    expect(await read(file('plain', 'a\n\nb\n'))).toEqual(lines);
    expect(await read(file('plain', 'a\n  \nb'))).toEqual(lines);
    expect(await read(file('empty', ''))).toEqual([]);
  });

  test('gzip is told by its first bytes, not by the name', async () => {
    const path = file('zipped.txt', gzipSync('a\nb\n'));
    expect((await read(path)).map(({ text }) => text)).toEqual(['a', 'b']);
    expect((await read(file('plain.gz', 'x'))).map(({ text }) => text)).toEqual(['x']);
  });

  test('any chunks of stdin give the lines that were written', async () => {
    const texts = fc.array(fc.string({ unit: 'grapheme', minLength: 1 }).map((text) => `<${text}`));
    await fc.assert(
      fc.asyncProperty(texts, fc.boolean(), fc.integer({ min: 1, max: 9 }), async (all, zip, n) => {
        const wanted = all.map((text) => text.replaceAll('\n', ' '));
        const plain = Buffer.from(wanted.map((text) => `${text}\n`).join(''));
        const bytes = zip ? gzipSync(plain) : plain;
        const chunks = Array.from({ length: Math.ceil(bytes.length / n) }, (_, index) =>
          bytes.subarray(index * n, (index + 1) * n),
        );
        const lines = await read('-', Readable.from(chunks));
        expect(lines.map(({ text }) => text)).toEqual(wanted);
      }),
    );
  });

  test('a line that is not UTF-8 is an error with its number', async () => {
    const path = file('bad', Buffer.from([0x61, 0x0a, 0xff, 0xfe, 0x0a]));
    await expect(read(path)).rejects.toMatchObject({
      code: 'SLUICE_BAD_LINE',
      message: expect.stringContaining('line 2'),
    });
  });

  test('a gzip file that was cut short is an error, after the lines it has', async () => {
    const whole = gzipSync(Array.from({ length: 5000 }, (_, index) => `${index}\n`).join(''));
    const source = await openSource(file('cut', whole.subarray(0, 5000)), Readable.from([]), never);
    const seen: string[] = [];
    const reading = async () => {
      for await (const { text } of source.lines()) seen.push(text);
    };
    await expect(reading()).rejects.toMatchObject({ code: 'SLUICE_IO' });
    expect(seen.slice(0, 2)).toEqual(['0', '1']);
  });

  test('a file that is not there, or is a directory, is a coded error', async () => {
    const missing = read(join(directory, 'missing'));
    await expect(missing).rejects.toMatchObject({ code: 'SLUICE_NOT_FOUND' });
    await expect(read(directory)).rejects.toMatchObject({ code: 'SLUICE_IO' });
  });

  test('a signal ends a read that waits for input, without an error', async () => {
    const controller = new AbortController();
    const stdin = new Readable({ read: () => undefined });
    stdin.push('a\nb');
    const source = await openSource('-', stdin, controller.signal);
    const seen: Line[] = [];
    for await (const line of source.lines()) {
      seen.push(line);
      setImmediate(() => controller.abort());
    }
    expect(seen).toEqual([{ number: 1, text: 'a' }]);
  });
});
