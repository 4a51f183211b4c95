import type { Collection } from '../../collection.js';
import type { PointId, PointSelector, UpdateOptions, UpdateResult } from '../../types.js';
import {
  filterOf,
  type ModelFilter,
  type ModelOperation,
  type ModelSelector,
} from './point-model.js';
import type { Random } from './random.js';
import { IDS } from './settings.js';

const MARKS = 4;

/** Makes random operations. Each carries its number, so that no two of them do the same. */
export class OperationMaker {
  readonly #random: Random;
  #count = 0;

  constructor(random: Random) {
    this.#random = random;
  }

  next(): ModelOperation {
    this.#count += 1;
    const draw = this.#random.between(1, 100);
    if (draw <= 55) return this.#upsert();
    if (draw <= 65) return { kind: 'delete', selector: this.#ids(4) };
    if (draw <= 69) return { kind: 'delete', selector: this.filter() };
    if (draw <= 76)
      return { kind: 'updateVectors', points: this.#ids(3).map((id) => this.#vectorOf(id)) };
    if (draw <= 84)
      return { kind: 'setPayload', payload: { note: this.#count }, selector: this.#selector() };
    if (draw <= 88)
      return { kind: 'overwritePayload', payload: this.#payload(), selector: this.#selector() };
    if (draw <= 91) return { kind: 'deletePayload', keys: ['mark'], selector: this.#selector() };
    if (draw <= 94) return { kind: 'clearPayload', selector: this.#ids(2) };
    const key = this.#random.pick(['mark', 'op']);
    if (draw <= 97)
      return { kind: 'createPayloadIndex', key, type: this.#random.pick(['integer', 'keyword']) };
    return { kind: 'deletePayloadIndex', key };
  }

  /** A filter that some points pass, and rarely many. */
  filter(): ModelFilter {
    if (this.#random.chance(0.5)) return { key: 'mark', match: this.#random.between(0, MARKS - 1) };
    return { key: 'op', gte: Math.max(0, this.#count - this.#random.between(1, 30)) };
  }

  vector(): number[] {
    return [this.#random.between(-9, 9), this.#random.between(-9, 9)];
  }

  #upsert(): ModelOperation {
    const points = this.#ids(6).map((id) => ({ ...this.#vectorOf(id), payload: this.#payload() }));
    return { kind: 'upsert', points };
  }

  #vectorOf(id: PointId): { id: PointId; vector: number[] } {
    // The second number tells operations apart.
    return { id, vector: [this.#random.between(-9, 9), this.#count] };
  }

  #payload() {
    return { mark: this.#random.between(0, MARKS - 1), op: this.#count };
  }

  #selector(): ModelSelector {
    return this.#random.chance(0.5) ? this.filter() : this.#ids(2);
  }

  #ids(most: number): PointId[] {
    const count = this.#random.between(1, most);
    const ids = new Set<PointId>();
    for (let at = 0; at < count; at++) {
      const id = this.#random.between(1, IDS);
      ids.add(id % 10 === 0 ? `id-${id}` : id);
    }
    return [...ids];
  }
}

/** Asks a collection for what a model operation means. */
export function perform(
  collection: Collection,
  operation: ModelOperation,
  options: UpdateOptions,
): Promise<UpdateResult> {
  switch (operation.kind) {
    case 'upsert':
      return collection.upsert(operation.points, options);
    case 'updateVectors':
      return collection.updateVectors(operation.points, options);
    case 'delete':
      return collection.delete(selectorOf(operation.selector), options);
    case 'setPayload':
      return collection.setPayload(operation.payload, selectorOf(operation.selector), options);
    case 'overwritePayload':
      return collection.overwritePayload(
        operation.payload,
        selectorOf(operation.selector),
        options,
      );
    case 'deletePayload':
      return collection.deletePayload(operation.keys, selectorOf(operation.selector), options);
    case 'clearPayload':
      return collection.clearPayload(selectorOf(operation.selector), options);
    case 'createPayloadIndex':
      return collection.createPayloadIndex(operation.key, operation.type, options);
    case 'deletePayloadIndex':
      return collection.deletePayloadIndex(operation.key, options);
  }
}

function selectorOf(selector: ModelSelector): PointSelector {
  return 'key' in selector ? { filter: filterOf(selector) } : selector;
}
