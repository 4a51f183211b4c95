/** One system call as strace prints it, seen when it begins and again when it ends. */
export interface SystemCall {
  name: string;
  arguments: readonly string[];
  /** Undefined at the beginning; negative for an error; NaN when the thread died in the call. */
  result: number | undefined;
}

const UNFINISHED = ' <unfinished ...>';

/**
 * Reads the output of `strace -f -xx -o`. Calls of several threads overlap: `begin` is told of each
 * call before it has an effect and returns what `end` is given when the call has returned.
 */
export class StraceLines<State> {
  readonly #begin: (call: SystemCall) => State;
  readonly #end: (call: SystemCall, state: State) => void;
  readonly #pending = new Map<string, { text: string; state: State }>();

  constructor(begin: (call: SystemCall) => State, end: (call: SystemCall, state: State) => void) {
    this.#begin = begin;
    this.#end = end;
  }

  line(line: string): void {
    const space = line.indexOf(' ');
    const thread = line.slice(0, space);
    const text = line.slice(space).trimStart();
    if (text === '' || text.startsWith('+++') || text.startsWith('---')) return;
    if (text.startsWith('<... ')) {
      const pending = this.#pending.get(thread);
      if (pending === undefined) return;
      this.#pending.delete(thread);
      const whole = pending.text + text.slice(text.indexOf('>') + 1);
      this.#end(parseCall(whole), pending.state);
    } else if (text.endsWith(UNFINISHED)) {
      const begun = text.slice(0, -UNFINISHED.length);
      this.#pending.set(thread, { text: begun, state: this.#begin(parseBegun(begun)) });
    } else {
      const call = parseCall(text);
      this.#end(call, this.#begin({ ...call, result: undefined }));
    }
  }
}

/** The bytes of a quoted argument; `-xx` writes each of them as `\xNN`. */
export function bytesOf(quoted: string): Buffer {
  if (quoted.endsWith('...')) throw new Error('strace cut a string: its -s limit is too small');
  return Buffer.from(quoted.slice(1, -1).replaceAll('\\x', ''), 'hex');
}

function parseBegun(text: string): SystemCall {
  const open = text.indexOf('(');
  return { name: text.slice(0, open), arguments: split(text.slice(open + 1)), result: undefined };
}

function parseCall(text: string): SystemCall {
  const open = text.indexOf('(');
  const close = text.lastIndexOf(')', text.lastIndexOf(' = '));
  const result = /^\s*=\s*(-?\d+|0x[0-9a-f]+|\?)/.exec(text.slice(close + 1))?.[1];
  if (open < 0 || close < open || result === undefined) {
    throw new Error(`not understood in the trace: ${text.slice(0, 200)}`);
  }
  const names = text.slice(0, open);
  const value = result === '?' ? Number.NaN : Number(result);
  return { name: names, arguments: split(text.slice(open + 1, close)), result: value };
}

/** Quoted strings hold nothing but `\xNN`, so a comma always separates. */
function split(text: string): string[] {
  return text.split(', ').map((part) => part.trim());
}
