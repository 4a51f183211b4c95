import { relative, resolve } from 'node:path';
import { FileRecorder, type OpenFile } from './file-recorder.js';
import { bytesOf, type SystemCall } from './strace-lines.js';

/** The calls that change files or descriptors; strace is asked for these and no other. */
export const TRACED_CALLS = [
  ...['open', 'openat', 'creat', 'close', 'dup', 'dup2', 'dup3', 'fcntl', 'mmap'],
  ...['write', 'pwrite64', 'writev', 'pwritev', 'pwritev2', 'ftruncate', 'truncate', 'fallocate'],
  ...['sendfile', 'copy_file_range', 'fdatasync', 'fsync', 'rename', 'renameat', 'renameat2'],
  ...['unlink', 'unlinkat', 'rmdir', 'mkdir', 'mkdirat', 'link', 'linkat', 'symlink', 'symlinkat'],
];

/** What a call is about, found when it begins: another thread may reuse its descriptor at once. */
export interface CallState {
  file: OpenFile | undefined;
  since: number;
}

const MARKS_NODE = -1;

/**
 * Turns system calls into events on the files below `root`, and the lines written to `marksPath`
 * into marks. A call that would change a file in a way that is not modelled is an error, so that
 * no image is silently wrong.
 */
export class CallReader {
  readonly recorder = new FileRecorder();
  readonly #root: string;
  readonly #marksPath: string;
  readonly #files = new Map<number, OpenFile>();
  #marks = '';

  constructor(root: string, marksPath: string) {
    this.#root = root;
    this.#marksPath = marksPath;
  }

  begin(call: SystemCall): CallState {
    const descriptor = descriptorOf(call);
    const file = this.#files.get(descriptor);
    // The kernel frees the number before the call returns, and another thread may be given it.
    if (call.name === 'close') this.#files.delete(descriptor);
    // An acknowledgement counts from the moment at which somebody may have seen it.
    if (file?.node === MARKS_NODE && call.name === 'write') this.#mark(call);
    return { file, since: this.recorder.events.length };
  }

  end(call: SystemCall, { file, since }: CallState): void {
    const result = call.result ?? -1;
    if (!(result >= 0)) return;
    const { recorder } = this;
    switch (call.name) {
      case 'open':
      case 'openat':
      case 'creat':
        this.#open(call, result);
        break;
      case 'dup':
      case 'dup2':
      case 'dup3':
        this.#duplicate(file, result);
        break;
      case 'fcntl':
        if (call.arguments[1]?.startsWith('F_DUPFD')) this.#duplicate(file, result);
        break;
      case 'close':
        break;
      case 'mkdir':
      case 'mkdirat':
        this.#inside(pathsOf(call)[0], (path) => recorder.create(path, true));
        break;
      case 'unlink':
      case 'unlinkat':
      case 'rmdir':
        this.#inside(pathsOf(call)[0], (path) => recorder.remove(path));
        break;
      case 'rename':
      case 'renameat':
      case 'renameat2':
        this.#rename(call);
        break;
      default:
        if (file !== undefined && file.node !== MARKS_NODE) this.#change(call, file, since, result);
        else refusePaths(call, (path) => this.#relative(path) !== undefined);
    }
  }

  #open(call: SystemCall, descriptor: number): void {
    const path = pathsOf(call)[0] ?? '';
    const flags = call.name === 'creat' ? 'O_CREAT|O_TRUNC' : (call.arguments.at(-1) ?? '');
    const allFlags = `${flags}|${call.arguments.at(-2) ?? ''}`;
    const inside = this.#relative(path);
    if (resolve(path) === this.#marksPath) {
      this.#files.set(descriptor, { node: MARKS_NODE, offset: 0, append: true });
    } else if (inside === undefined) {
      this.#files.delete(descriptor);
    } else {
      const file = this.recorder.open(inside, {
        create: allFlags.includes('O_CREAT'),
        truncate: allFlags.includes('O_TRUNC'),
        append: allFlags.includes('O_APPEND'),
      });
      this.#files.set(descriptor, file);
    }
  }

  #duplicate(file: OpenFile | undefined, descriptor: number): void {
    if (file === undefined) this.#files.delete(descriptor);
    else this.#files.set(descriptor, file);
  }

  #rename(call: SystemCall): void {
    const [from = '', to = ''] = pathsOf(call).map((path) => this.#relative(path) ?? '');
    if (from !== '' && to !== '') this.recorder.rename(from, to);
    else if (from !== to) throw new Error('a rename into or out of the traced directory');
  }

  #change(call: SystemCall, file: OpenFile, since: number, result: number): void {
    const { recorder } = this;
    if (call.name === 'write' || call.name === 'pwrite64') {
      const data = bytesOf(call.arguments[1] ?? '').subarray(0, result);
      const position = call.name === 'write' ? undefined : Number(call.arguments[3]);
      if (data.length > 0) recorder.write(file, data, position);
    } else if (call.name === 'writev') {
      const quoted = call.arguments.join().match(/"[^"]*"(\.\.\.)?/g) ?? [];
      const data = Buffer.concat(quoted.map(bytesOf)).subarray(0, result);
      if (data.length > 0) recorder.write(file, data);
    } else if (call.name === 'fsync' || call.name === 'fdatasync') {
      recorder.sync(file.node, since);
    } else if (call.name === 'ftruncate') {
      recorder.truncate(file.node, Number(call.arguments[1]));
    } else if (call.name !== 'mmap' || /PROT_WRITE.*MAP_SHARED/.test(call.arguments.join())) {
      throw new Error(`the images know nothing of ${call.name} on a traced file`);
    }
  }

  #mark(call: SystemCall): void {
    this.#marks += bytesOf(call.arguments[1] ?? '').toString('utf8');
    for (let end = this.#marks.indexOf('\n'); end >= 0; end = this.#marks.indexOf('\n')) {
      this.recorder.mark(this.#marks.slice(0, end));
      this.#marks = this.#marks.slice(end + 1);
    }
  }

  #inside(path: string | undefined, action: (path: string) => void): void {
    const inside = path === undefined ? undefined : this.#relative(path);
    if (inside !== undefined && inside !== '') action(inside);
  }

  /** The path below the traced directory, '' for itself, undefined when it is elsewhere. */
  #relative(path: string): string | undefined {
    const inside = relative(this.#root, resolve(path));
    return inside === '..' || inside.startsWith('../') ? undefined : inside;
  }
}

/** The descriptor a call works on; NaN when it works on names. */
function descriptorOf(call: SystemCall): number {
  const place = call.name === 'mmap' ? 4 : 0;
  return Number.parseInt(call.arguments[place] ?? '', 10);
}

/** The absolute paths among the arguments. */
function pathsOf(call: SystemCall): string[] {
  const paths = call.arguments.filter((part) => part.startsWith('"'));
  return paths.map((part) => bytesOf(part).toString('utf8'));
}

/** Calls by name that the images don't model are refused when they reach the traced directory. */
function refusePaths(call: SystemCall, isInside: (path: string) => boolean): void {
  if (!['truncate', 'link', 'linkat', 'symlink', 'symlinkat'].includes(call.name)) return;
  if (pathsOf(call).some(isInside)) {
    throw new Error(`the images know nothing of ${call.name} in the traced directory`);
  }
}
