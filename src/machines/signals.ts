/**
 * The events that the actors exchange. They are small and serialisable; operations themselves stay
 * in the log, so `Operation` only says that there are some.
 */

/** There are operations to apply (update worker), or newly applied ones (scheduler). */
export interface Operation {
  type: 'Operation';
}

/** Changes nothing; makes the optimizers look again, whatever their limit. */
export interface Nop {
  type: 'Nop';
}

/** Asks for an answer once everything submitted before it has been applied. */
export interface Plunger {
  type: 'Plunger';
  /** Finds the one who asked. */
  id: number;
}

/** Asks an actor to end; it walks to a final state. */
export interface Stop {
  type: 'Stop';
}

/** The update worker's report: the effects of operations up to `applied` are in the segments. */
export interface Applied {
  type: 'Applied';
  applied: number;
  /** True when nothing was left to apply. */
  caughtUp: boolean;
}

/** Asks for a flush round that begins after this. */
export interface Flush {
  type: 'Flush';
}

/** Asks the scheduler to cancel its tasks and to wait. */
export interface Pause {
  type: 'Pause';
}

/** The scheduler's reply: no task is running. */
export interface Paused {
  type: 'Paused';
}

/** Lets the scheduler go on, with this many slots for tasks. */
export interface Resume {
  type: 'Resume';
  slots: number;
}

/** A new configuration is waiting to be put in force. */
export interface Reconfigure {
  type: 'Reconfigure';
}

/** Tells the flush worker of its new interval. */
export interface Reconfigured {
  type: 'Reconfigured';
  flushIntervalMs: number;
}

/** The storage failed for good; nothing may be written until it has been reopened. */
export interface Broken {
  type: 'Broken';
}

/** Asks a broken store to open again. */
export interface Reopen {
  type: 'Reopen';
}

/** The workers that the root supervises; also their actor ids. */
export type WorkerId = 'updateWorker' | 'optimizerScheduler' | 'flushWorker';

/** A crashed worker's back-off is over. */
export interface Restart {
  type: 'Restart';
  worker: WorkerId;
}

/** What the chart of a machine says about its events, guards and delays, one line each. */
export interface ChartMeta {
  events: Record<string, string>;
  guards: Record<string, string>;
  delays: Record<string, string>;
}
