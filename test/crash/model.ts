import type { Step, StepPayload, StepSelector } from './steps.js';

/** A point as a store gives it back. */
export interface StoredPoint {
  id: number;
  vector: number[];
  payload: StepPayload;
}

/** What a store shows. */
export interface Contents {
  points: readonly StoredPoint[];
  /** Paths of the payload indexes; undefined for a store that has none. */
  payloadIndexes?: readonly string[];
}

/**
 * What a store holds after some steps, as a fold over them. Each step is all or nothing: one that
 * names a missing point, where it must exist, changes nothing.
 */
export class Model {
  readonly #points: Map<number, { vector: number[]; payload: StepPayload }>;
  readonly #payloadIndexes: Set<string>;

  constructor(other?: Model) {
    this.#points = new Map(other === undefined ? [] : other.#points);
    this.#payloadIndexes = new Set(other === undefined ? [] : other.#payloadIndexes);
  }

  /** Paths of the payload indexes. */
  get payloadIndexes(): string[] {
    return [...this.#payloadIndexes];
  }

  get size(): number {
    return this.#points.size;
  }

  ids(): IterableIterator<number> {
    return this.#points.keys();
  }

  /** The point's text, equal for equal points; undefined when there is none. */
  text(id: number): string | undefined {
    const point = this.#points.get(id);
    return point === undefined ? undefined : pointText({ id, ...point });
  }

  /** Applies a step and returns the ids it touched; a payload index touches none. */
  apply(step: Step): readonly number[] {
    switch (step.kind) {
      case 'upsert':
        for (const { id, vector, payload } of step.points)
          this.#points.set(id, { vector, payload });
        return step.points.map(({ id }) => id);
      case 'delete': {
        const ids = this.#selected(step.selector);
        for (const id of ids) this.#points.delete(id);
        return ids;
      }
      case 'updateVectors': {
        const vectors = new Map(step.points.map(({ id, vector }) => [id, vector]));
        return this.#change([...vectors.keys()], (id, payload) => ({
          vector: vectors.get(id) ?? [],
          payload,
        }));
      }
      case 'setPayload':
        return this.#changePayload(step.selector, (old) => ({ ...old, ...step.payload }));
      case 'overwritePayload':
        return this.#changePayload(step.selector, () => step.payload);
      case 'deletePayload':
        return this.#changePayload(step.selector, (old) => without(old, step.keys));
      case 'clearPayload':
        return this.#changePayload(step.selector, () => ({}));
      case 'createPayloadIndex':
        this.#payloadIndexes.add(step.path);
        return [];
      case 'deletePayloadIndex':
        this.#payloadIndexes.delete(step.path);
        return [];
      default:
        return [];
    }
  }

  #changePayload(selector: StepSelector, next: (payload: StepPayload) => StepPayload) {
    return this.#change(this.#selected(selector), (_, payload, vector) => ({
      vector,
      payload: next(payload),
    }));
  }

  #change(
    ids: readonly number[],
    next: (
      id: number,
      payload: StepPayload,
      vector: number[],
    ) => { vector: number[]; payload: StepPayload },
  ): readonly number[] {
    if (ids.some((id) => !this.#points.has(id))) return [];
    for (const id of ids) {
      const point = this.#points.get(id);
      if (point !== undefined) this.#points.set(id, next(id, point.payload, point.vector));
    }
    return ids;
  }

  #selected(selector: StepSelector): number[] {
    if (Array.isArray(selector)) return selector;
    const all = [...this.#points].filter(([, { payload }]) => payload.group === selector.group);
    return all.map(([id]) => id);
  }
}

/** A text that is equal for equal points, whatever the order of the payload's keys. */
export function pointText({ id, vector, payload }: StoredPoint): string {
  const keys = Object.keys(payload).sort();
  return JSON.stringify([id, [...vector], keys.map((key) => [key, payload[key]])]);
}

function without(payload: StepPayload, keys: readonly string[]): StepPayload {
  return Object.fromEntries(Object.entries(payload).filter(([key]) => !keys.includes(key)));
}

/** Which prefix of the steps a store shows. */
export interface PrefixMatch {
  /** The longest prefix that gives exactly this state; undefined when none does. */
  length: number | undefined;
  /** For a state that no prefix gives: the prefix that comes closest, and how it differs. */
  difference: string;
}

/** Looks for the prefix of `steps` that leads from `start` to what was observed. */
export function findPrefix(
  start: Model,
  steps: readonly Step[],
  { points, payloadIndexes }: Contents,
): PrefixMatch {
  const observed = new Map(points.map((point) => [point.id, pointText(point)]));
  if (observed.size !== points.length) {
    return { length: undefined, difference: 'the store returned a point twice' };
  }
  const model = new Model(start);
  const different = new Set<number>();
  const compare = (id: number) => {
    if (model.text(id) === observed.get(id)) different.delete(id);
    else different.add(id);
  };
  const isEqual = () => different.size === 0 && hasIndexes(model, payloadIndexes);
  for (const id of [...observed.keys(), ...model.ids()]) compare(id);
  let length = isEqual() ? 0 : undefined;
  let best = { length: 0, count: different.size, ids: [...different].slice(0, 3) };
  for (const [index, step] of steps.entries()) {
    for (const id of model.apply(step)) compare(id);
    if (isEqual()) length = index + 1;
    if (different.size <= best.count) {
      best = { length: index + 1, count: different.size, ids: [...different].slice(0, 3) };
    }
  }
  const examples = best.ids.map((id) => `point ${id} is ${observed.get(id)?.slice(0, 200)}`);
  const closest = `closest is prefix ${best.length} with ${best.count} points that differ`;
  const indexes = payloadIndexes && `, payload indexes [${payloadIndexes}]`;
  return { length, difference: `${closest}${indexes ?? ''}: ${examples.join('; ')}` };
}

function hasIndexes(model: Model, observed: readonly string[] | undefined): boolean {
  if (observed === undefined) return true;
  return [...observed].sort().join() === model.payloadIndexes.sort().join();
}
