import type { Collection } from 'sluice';
import { type PointModel, points, vectorOf } from '../../support/points.js';
import type { Random } from '../../support/random.js';

const IDS = 600;

/** One kind of change: what the collection is told, and what becomes of a model. */
interface Change {
  submit(collection: Collection, wait: boolean): Promise<{ opNum?: number }>;
  apply(model: PointModel): void;
}

/** Writes to a collection at random, and knows what it holds after each operation. */
export class Writer {
  readonly #random: Random;
  readonly #dimensions: number;
  readonly #changes = new Map<number, Change>();
  #completed = 0;

  constructor(random: Random, dimensions: number) {
    this.#random = random;
    this.#dimensions = dimensions;
  }

  /** The newest operation that was answered. */
  get completed(): number {
    return this.#completed;
  }

  /** Goes on until it is over, some operations at a time. */
  async write(collection: Collection, isOver: () => boolean): Promise<void> {
    while (!isOver()) {
      const changes = Array.from({ length: 4 }, () => this.#draw());
      await Promise.all(changes.map((change) => this.#submit(collection, change)));
      await new Promise((resolve) => setTimeout(resolve, 3));
    }
    await collection.plunge();
  }

  /** What there is after operation `opNum`. */
  modelAt(opNum: number): PointModel {
    const model: PointModel = new Map();
    for (let number = 1; number <= opNum; number += 1) {
      const change = this.#changes.get(number);
      if (change === undefined) throw new Error(`operation ${number} is not known`);
      change.apply(model);
    }
    return model;
  }

  async #submit(collection: Collection, change: Change): Promise<void> {
    const { opNum = 0 } = await change.submit(collection, this.#random.chance(0.3));
    this.#changes.set(opNum, change);
    this.#completed = Math.max(this.#completed, opNum);
  }

  #draw(): Change {
    const kind = this.#random.between(0, 9);
    if (kind < 6) return this.#upsert();
    return kind < 9 ? this.#delete() : this.#setPayload();
  }

  #upsert(): Change {
    const first = this.#random.between(0, IDS);
    const dimensions = this.#dimensions;
    const shift = this.#random.between(1, 1000);
    const batch = points(first, this.#random.between(1, 40), dimensions).map((point) => ({
      ...point,
      vector: vectorOf(Number(point.id) + shift, dimensions),
      payload: { number: Number(point.id) % 10 },
    }));
    return {
      submit: (collection, wait) => collection.upsert(batch, { wait }),
      apply: (model) => {
        for (const { id, vector, payload } of batch) model.set(id, { vector, payload });
      },
    };
  }

  #delete(): Change {
    const first = this.#random.between(0, IDS);
    const ids = Array.from({ length: this.#random.between(1, 60) }, (_, index) => first + index);
    return {
      submit: (collection, wait) => collection.delete(ids, { wait }),
      apply: (model) => {
        for (const id of ids) model.delete(id);
      },
    };
  }

  #setPayload(): Change {
    const number = this.#random.between(0, 9);
    const mark = this.#random.between(0, 1000);
    const filter = { must: [{ key: 'number', match: { value: number } }] };
    return {
      submit: (collection, wait) => collection.setPayload({ mark }, { filter }, { wait }),
      apply: (model) => {
        for (const point of model.values()) {
          if (point.payload.number === number) point.payload = { ...point.payload, mark };
        }
      },
    };
  }
}
