import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Random } from '../support/random.js';
import { withDirectory } from '../support/temporary.js';
import { FileRecorder } from './file-recorder.js';
import { type CrashMode, type Image, imageAt, writeImage } from './images.js';
import { ROOT_NODE } from './trace-events.js';

const CREATE = { create: true, truncate: true, append: false };
const bytes = (text: string) => Buffer.from(text);

/** The texts of a file in the images of many seeds, without repetition. */
function texts(recorder: FileRecorder, mode: CrashMode, path: string): (string | undefined)[] {
  const seen = new Set<string | undefined>();
  for (let seed = 0; seed < 200; seed += 1) {
    const { files } = imageAt(recorder.events, recorder.events.length, mode, new Random(seed));
    const data = files.get(path);
    seen.add(data === undefined ? undefined : Buffer.from(data).toString());
  }
  return [...seen].sort();
}

describe('images after a power cut', () => {
  it('keep what was synced, and of the rest nothing, a part or everything', () => {
    const recorder = new FileRecorder();
    const file = recorder.open('a', CREATE);
    recorder.write(file, bytes('ab'));
    recorder.sync(file.node, recorder.events.length);
    recorder.write(file, bytes('cd'));
    expect(texts(recorder, 'kill', 'a')).toEqual(['abcd']);
    expect(texts(recorder, 'drop', 'a')).toEqual(['ab']);
    expect(texts(recorder, 'torn', 'a')).toEqual(['ab', 'abc', 'abcd']);
  });

  it('do not count a write that overlaps a sync as covered by it', () => {
    const recorder = new FileRecorder();
    const file = recorder.open('a', CREATE);
    recorder.write(file, bytes('ab'));
    const since = recorder.events.length;
    recorder.write(file, bytes('cd'));
    recorder.sync(file.node, since);
    expect(texts(recorder, 'drop', 'a')).toEqual(['ab']);
  });

  it('lose the unsynced bytes of a file that was replaced or opened again', () => {
    const recorder = new FileRecorder();
    const file = recorder.open('a', CREATE);
    recorder.write(file, bytes('old'));
    recorder.sync(file.node, recorder.events.length);
    recorder.write(recorder.open('a', CREATE), bytes('new'));
    expect(texts(recorder, 'kill', 'a')).toEqual(['new']);
    expect(texts(recorder, 'drop', 'a')).toEqual(['old']);
  });

  it('may undo a rename that no sync of the file or its directory followed', () => {
    const recorder = new FileRecorder();
    const file = recorder.open('a.tmp', CREATE);
    recorder.write(file, bytes('x'));
    recorder.sync(file.node, recorder.events.length);
    recorder.rename('a.tmp', 'a');
    expect(texts(recorder, 'drop', 'a')).toEqual(['x']);
    expect(texts(recorder, 'late', 'a')).toEqual(['x', undefined]);
    recorder.sync(ROOT_NODE, recorder.events.length);
    expect(texts(recorder, 'late', 'a')).toEqual(['x']);
  });

  it('may undo it although another file was synced later, where files sync alone', () => {
    const recorder = new FileRecorder();
    const other = recorder.open('other', CREATE);
    recorder.open('a.tmp', CREATE);
    recorder.rename('a.tmp', 'a');
    recorder.write(other, bytes('y'));
    recorder.sync(other.node, recorder.events.length);
    expect(texts(recorder, 'late', 'a')).toEqual(['']);
    expect(texts(recorder, 'lateAlone', 'a')).toEqual(['', undefined]);
    expect(texts(recorder, 'lateAlone', 'other')).toEqual(['y']);
  });

  it('keep the name of a new file that was synced itself, and every name before it', () => {
    const recorder = new FileRecorder();
    const other = recorder.open('other', CREATE);
    recorder.write(other, bytes('y'));
    const file = recorder.open('a', CREATE);
    recorder.write(file, bytes('x'));
    recorder.sync(file.node, recorder.events.length);
    recorder.remove('other');
    expect(texts(recorder, 'late', 'a')).toEqual(['x']);
    expect(texts(recorder, 'late', 'other')).toEqual(['', 'y', undefined]);
  });

  it('undo names only from the newest backwards', () => {
    const recorder = new FileRecorder();
    recorder.create('directory', true);
    recorder.open('directory/a', CREATE);
    recorder.rename('directory', 'moved');
    const seen = new Set<string>();
    for (let seed = 0; seed < 200; seed += 1) {
      const image = imageAt(recorder.events, recorder.events.length, 'late', new Random(seed));
      seen.add([...image.directories, ...image.files.keys()].join());
    }
    expect([...seen].sort()).toEqual(['', 'directory', 'directory,directory/a', 'moved,moved/a']);
  });

  it('can be written as a directory', () =>
    withDirectory(async (directory) => {
      const image: Image = {
        directories: new Set(['one', 'one/two']),
        files: new Map([['one/two/a', bytes('x')]]),
      };
      writeImage(image, join(directory, 'image'));
      expect(readFileSync(join(directory, 'image/one/two/a'), 'utf8')).toBe('x');
      expect(existsSync(join(directory, 'image/one'))).toBe(true);
    }));
});
