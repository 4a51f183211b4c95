/**
 * What a process did to the files of one directory, in the order in which the kernel finished it.
 * Files and directories are numbered: a number stands for the same file however it is renamed.
 * Paths are relative to the directory; '' is the directory itself.
 */
export type TraceEvent =
  | { type: 'create'; node: number; path: string; directory: boolean }
  | { type: 'rename'; node: number; from: string; to: string }
  | { type: 'remove'; node: number; path: string }
  | { type: 'write'; node: number; offset: number; data: Uint8Array }
  | { type: 'truncate'; node: number; size: number }
  /** Everything done to the file before event number `since` is durable from here on. */
  | { type: 'sync'; node: number; since: number }
  /** What the process reported meanwhile: one line of its marks file. */
  | { type: 'mark'; text: string };

/** The node number of the directory itself. */
export const ROOT_NODE = 0;

/** The recorded run of one process. */
export interface Trace {
  events: readonly TraceEvent[];
  /** Events before this number set up what was there, durably, before the run. */
  begin: number;
}

/** The part of a path before its last slash; '' for a name in the directory itself. */
export function parentOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf('/')));
}
