import type { ChartState } from '../charts/chart.js';
import type { Clock } from '../services/clock.js';
import type { BudgetStatus } from '../services/resource-budget.js';
import type { Status } from '../services/status.js';
import type { Tracker } from '../services/tracker-log.js';
import type { JsonValue, Telemetry } from '../types.js';

/**
 * What the inspector tells of a running system: streamed to pages, and one line each in a
 * recording. Plain JSON. `at` is in milliseconds since 1970 UTC, in a simulation of virtual time.
 */
export type InspectMessage =
  | StartMessage
  | ChartMessage
  | ActorMessage
  | StateMessage
  | EventMessage
  | StoreMessage
  | DroppedMessage;

/** The first of all. */
export interface StartMessage {
  type: 'start';
  at: number;
  /** Grows when older readers can't read it any more. */
  format: 1;
  title: string;
}

export function startMessage(clock: Pick<Clock, 'now'>, title: string): StartMessage {
  return { type: 'start', at: clock.now(), format: 1, title };
}

/** The chart of a machine; actors refer to it by number. */
export interface ChartMessage {
  type: 'chart';
  at: number;
  chart: number;
  root: ChartState;
}

/** An actor has come into being. */
export interface ActorMessage {
  type: 'actor';
  at: number;
  actor: string;
  name: string;
  /** Null for a root. */
  parent: string | null;
  /** Null for an actor without states, such as a promise. */
  chart: number | null;
}

/** The state of an actor after an event. */
export interface StateMessage {
  type: 'state';
  at: number;
  actor: string;
  status: 'active' | 'done' | 'error' | 'stopped';
  /** The state value of a machine; null for another actor. */
  value: JsonValue;
  /** What it knows, shortened. */
  context?: JsonValue;
  output?: JsonValue;
  error?: JsonValue;
}

/** An event on its way to an actor. */
export interface EventMessage {
  type: 'event';
  at: number;
  actor: string;
  /** Null when it comes from outside. */
  from: string | null;
  name: string;
  /** Its fields, shortened; absent when it has none. */
  data?: JsonValue;
}

/** A segment as the page shows it: what a store doesn't know is absent. */
export interface SegmentFacts {
  id: number;
  points: number;
  appendable: boolean;
  deleted?: number;
  bytes?: number;
  indexed?: boolean;
  frozen?: boolean;
}

/** How a store is. */
export interface StoreMessage {
  type: 'store';
  at: number;
  state: string;
  status: Status;
  /** `keepFrom` is null when nobody keeps anything. */
  log: Omit<Telemetry['log'], 'keepFrom'> & { keepFrom: number | null };
  queue: Telemetry['queue'];
  operations: Telemetry['operations'];
  flush: Telemetry['flush'];
  budgets: { io: BudgetStatus; cpu: BudgetStatus };
  running: readonly Tracker[];
  queued: readonly { optimizer: string; segmentIds: readonly number[] }[];
  completed: readonly Tracker[];
  segments: readonly SegmentFacts[];
  /** How many there are, also those that are not listed. */
  segmentCount: number;
}

/** Messages that were left out because too many came at once. */
export interface DroppedMessage {
  type: 'dropped';
  at: number;
  events: number;
}

/** What a page is told first. */
export interface Hello {
  /** It may act on the store. */
  mayControl: boolean;
  /** It shows a recording, which is sent whole. */
  recorded: boolean;
}
