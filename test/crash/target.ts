import type { Contents } from './model.js';
import type { Step, StepOptions } from './steps.js';

/** A store under test, open in some process. */
export interface Session {
  /**
   * Starts a step before it returns its promise, so that steps are in the order of the calls.
   * Resolves when the store has answered, with the operation's number if it got one.
   */
  perform(step: Step): Promise<{ opNum?: number }>;
  /** Everything that is there, with the number of points that the store itself counts. */
  read(): Promise<Contents & { count: number }>;
  close(): Promise<void>;
}

/** A kind of store. A module that children and tests alike load by its URL. */
export interface Target {
  open(path: string, options: StepOptions): Promise<Session>;
  /** Problems found in a store that nobody has open; none for a sound one. */
  verify(path: string): Promise<string[]>;
}

/** Loads a target's module. */
export async function loadTarget(url: URL): Promise<Target> {
  const module: { target: Target } = await import(url.href);
  return module.target;
}
