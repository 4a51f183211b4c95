import type { Random } from '../support/random.js';

/** Which points a step is for: ids, or every point of a group. */
export type StepSelector = number[] | { group: number };

/** A payload of the tests: `step` names the step that wrote it, so no two states look alike. */
export type StepPayload = { [key: string]: string | number };

/** One thing a process under test does. From `flush` on they change nothing that is stored. */
export type StepAction =
  | { kind: 'upsert'; points: { id: number; vector: number[]; payload: StepPayload }[] }
  | { kind: 'delete'; selector: StepSelector }
  | { kind: 'updateVectors'; points: { id: number; vector: number[] }[] }
  | { kind: 'setPayload'; payload: StepPayload; selector: StepSelector }
  | { kind: 'overwritePayload'; payload: StepPayload; selector: StepSelector }
  | { kind: 'deletePayload'; keys: string[]; selector: StepSelector }
  | { kind: 'clearPayload'; selector: StepSelector }
  | { kind: 'createPayloadIndex'; path: string }
  | { kind: 'deletePayloadIndex'; path: string }
  | { kind: 'flush' }
  | { kind: 'optimize'; timeoutMs?: number }
  | { kind: 'configure'; options: StepOptions };

/** Options of the store that the scripts reshuffle. */
export type StepOptions = { [name: string]: unknown };

/** `wait` as an update has it: any but false asks to survive a power cut. */
export type Step = StepAction & { wait: boolean | 'optimized' };

/** True for a step that the store logs; an answer to any other promises nothing about earlier ones. */
export function isLogged(step: Step): boolean {
  return step.kind !== 'flush' && step.kind !== 'optimize' && step.kind !== 'configure';
}

/** What a process is told to do: passed to it as a JSON file. */
export interface Script {
  /** Given to the target's `open`. */
  options: StepOptions;
  /** Steps under way at once; they are started in order. */
  inFlightMax: number;
  steps: Step[];
}

export interface StepsOptions {
  count: number;
  dimensions: number;
  /** Ids are 0…idsMax − 1, few enough to collide. */
  idsMax: number;
  /** Share of the steps that ask to survive a power cut. */
  waitShare: number;
  /** Length of a text in each upserted payload, to fill buffers with. */
  fillerChars: number;
  /** Whether payload indexes come and go. @default false */
  payloadIndexes?: boolean;
  /** Share of those that wait which wait for the optimizers. @default 0 */
  optimizedShare?: number;
  /** Options that `configure` picks from; without any there is no such step. */
  configurations: readonly StepOptions[];
  /** Number of the first step; later runs over the same store go on counting. */
  first: number;
}

const GROUPS = 5;

/** Mixed work on few ids. */
export function makeSteps(random: Random, options: StepsOptions): Step[] {
  const { count, first, waitShare, optimizedShare = 0 } = options;
  return Array.from({ length: count }, (_, index) => {
    const action = makeAction(random, first + index, options);
    const waits = random.chance(waitShare);
    return { ...action, wait: waits && random.chance(optimizedShare) ? 'optimized' : waits };
  });
}

function makeAction(random: Random, step: number, options: StepsOptions): StepAction {
  const { dimensions, idsMax, fillerChars, configurations, payloadIndexes = false } = options;
  const id = () => random.between(0, idsMax - 1);
  const ids = (max: number) => Array.from({ length: random.between(1, max) }, id);
  const vector = () => Array.from({ length: dimensions }, () => random.between(-1000, 1000));
  const selector = (): StepSelector =>
    random.chance(0.2) ? { group: random.between(0, GROUPS - 1) } : ids(2);
  const dice = random.next();
  if (dice < 0.5) {
    const points = ids(6).map((pointId, place) => {
      const filler = 'x'.repeat(random.between(0, fillerChars));
      const payload = { step, place, group: random.between(0, GROUPS - 1), filler };
      return { id: pointId, vector: vector(), payload };
    });
    return { kind: 'upsert', points };
  }
  if (dice < 0.6) {
    const group = random.chance(0.1);
    return { kind: 'delete', selector: group ? selector() : ids(4) };
  }
  if (dice < 0.7) {
    return { kind: 'updateVectors', points: [{ id: id(), vector: vector() }] };
  }
  if (dice < 0.8) return { kind: 'setPayload', payload: { set: step }, selector: selector() };
  if (dice < 0.86) {
    const payload = { step, group: random.between(0, GROUPS - 1) };
    return { kind: 'overwritePayload', payload, selector: ids(2) };
  }
  if (dice < 0.92) return { kind: 'deletePayload', keys: ['filler'], selector: selector() };
  if (dice < 0.95) return { kind: 'clearPayload', selector: ids(2) };
  if (dice < 0.96 && payloadIndexes) {
    const kind = random.pick(['createPayloadIndex', 'deletePayloadIndex'] as const);
    return { kind, path: random.pick(['group', 'step', 'set']) };
  }
  if (dice < 0.98) return { kind: 'flush' };
  if (dice < 0.985 || configurations.length === 0) return { kind: 'optimize' };
  return { kind: 'configure', options: random.pick(configurations) };
}
