import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Random } from '../support/random.js';
import { withDirectory } from '../support/temporary.js';
import { CallReader } from './call-reader.js';
import { imageAt } from './images.js';
import { StraceLines } from './strace-lines.js';
import { entriesOf, traceRun, traceUnavailable } from './trace.js';

const unavailable = traceUnavailable();
if (unavailable !== undefined) console.warn(`real traces are skipped: ${unavailable}`);
const traced = unavailable === undefined ? it : it.skip;

const hex = (text: string) =>
  `"${[...Buffer.from(text)].map((byte) => `\\x${byte.toString(16).padStart(2, '0')}`).join('')}"`;

/** The events on the files below /s that strace's lines stand for; /m is the marks file. */
function eventsOf(lines: readonly string[]) {
  const reader = new CallReader('/s', '/m');
  const parser = new StraceLines(
    (call) => reader.begin(call),
    (call, state) => reader.end(call, state),
  );
  for (const line of lines) parser.line(line);
  return reader.recorder.events;
}

/** The files' texts by path; directories are left out. */
function textsOf(entries: Iterable<{ path: string; data: Uint8Array | undefined }>) {
  const texts = new Map<string, string>();
  for (const { path, data } of entries) {
    if (data !== undefined) texts.set(path, Buffer.from(data).toString('latin1'));
  }
  return texts;
}

const openLine = (thread: number, path: string, descriptor: number) =>
  `${thread}  openat(AT_FDCWD, ${hex(path)}, O_WRONLY|O_CREAT|O_TRUNC, 0666) = ${descriptor}`;

describe('reading a trace', () => {
  it('joins calls that other threads interrupt', () => {
    const events = eventsOf([
      openLine(1, '/s/a', 5),
      `1  write(5, ${hex('xy')}, 2 <unfinished ...>`,
      openLine(2, '/s/b', 6),
      '1  <... write resumed>) = 2',
    ]);
    expect(events).toMatchObject([
      { type: 'create', path: 'a' },
      { type: 'create', path: 'b' },
      { type: 'write', node: 1, offset: 0, data: Buffer.from('xy') },
    ]);
  });

  it('covers by a sync only what was written before it began', () => {
    const events = eventsOf([
      openLine(1, '/s/a', 5),
      '1  fdatasync(5 <unfinished ...>',
      `2  write(5, ${hex('x')}, 1) = 1`,
      '1  <... fdatasync resumed>) = 0',
    ]);
    expect(events.at(-1)).toEqual({ type: 'sync', node: 1, since: 1 });
  });

  it('is not misled when a descriptor is used again before its close has returned', () => {
    const events = eventsOf([
      openLine(1, '/s/a', 5),
      '1  close(5 <unfinished ...>',
      openLine(2, '/s/b', 5),
      '1  <... close resumed>) = 0',
      `2  write(5, ${hex('x')}, 1) = 1`,
    ]);
    expect(events.at(-1)).toMatchObject({ type: 'write', node: 2 });
  });

  it('takes an acknowledgement as seen when its write begins', () => {
    const events = eventsOf([
      openLine(1, '/m', 4),
      openLine(1, '/s/a', 5),
      `1  write(4, ${hex('done\nha')}, 7 <unfinished ...>`,
      `2  write(5, ${hex('x')}, 1) = 1`,
      '1  <... write resumed>) = 7',
      `1  write(4, ${hex('lf\n')}, 3) = 3`,
    ]);
    expect(events.slice(1)).toMatchObject([
      { type: 'mark', text: 'done' },
      { type: 'write' },
      { type: 'mark', text: 'half' },
    ]);
  });

  it('ignores calls that failed and files elsewhere', () => {
    const events = eventsOf([
      `1  mkdir(${hex('/s/a')}, 0777) = -1 EEXIST (File exists)`,
      openLine(1, '/elsewhere', 5),
      `1  write(5, ${hex('x')}, 1) = 1`,
      '1  +++ exited with 0 +++',
    ]);
    expect(events).toEqual([]);
  });

  it('refuses what the images would get wrong', () => {
    const shared = '1  mmap(NULL, 4096, PROT_READ|PROT_WRITE, MAP_SHARED, 5, 0) = 0x7f0000000000';
    expect(() => eventsOf([openLine(1, '/s/a', 5), shared])).toThrow(/know nothing of mmap/);
    const link = `1  link(${hex('/s/a')}, ${hex('/t')}) = 0`;
    expect(() => eventsOf([link])).toThrow(/know nothing of link/);
  });

  traced('gives, at its end, exactly the directory that the process left', () =>
    withDirectory(async (directory) => {
      const store = join(directory, 'store');
      mkdirSync(store);
      writeFileSync(join(store, 'before'), 'was there');
      const script = join(directory, 'script.mjs');
      writeFileSync(
        script,
        `import fs from 'node:fs';
         process.chdir(${JSON.stringify(store)});
         const path = (name) => ${JSON.stringify(`${store}/`)} + name;
         fs.mkdirSync(path('d'));
         fs.writeFileSync(path('d/a'), 'hello');
         fs.appendFileSync(path('d/a'), ' world');
         const both = fs.openSync(path('both'), 'w+');
         fs.writeSync(both, 'aaaaaaaa');
         fs.writeSync(both, 'BB', 2);
         fs.writevSync(both, [Buffer.from('x, y'), Buffer.from('(z)')]);
         fs.ftruncateSync(both, 12);
         await fs.promises.writeFile(path('gone'), 'x'.repeat(100000));
         await fs.promises.rename(path('gone'), path('d/b'));
         fs.writeFileSync(path('short'), 'y');
         fs.unlinkSync(path('short'));
         fs.renameSync(path('d'), path('moved'));`,
      );
      const trace = await traceRun({
        command: [script],
        directory: store,
        marksFile: join(directory, 'marks'),
        traceFile: join(directory, 'trace'),
      });
      const image = imageAt(trace.events, trace.events.length, 'kill', new Random(1));
      const real = textsOf(entriesOf(store, ''));
      expect(textsOf([...image.files].map(([path, data]) => ({ path, data })))).toEqual(real);
      expect([...real.keys()].sort()).toEqual(['before', 'both', 'moved/a', 'moved/b']);
    }),
  );
});
