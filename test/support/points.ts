import type { Collection, Payload, PointId, PointInput } from 'sluice';

/** What a collection should hold; a point is a vector and a payload. */
export type PointModel = Map<PointId, { vector: number[]; payload: Payload }>;

/** Everything that a collection holds, by pages of a scroll. */
export async function contentsOf(collection: Collection): Promise<PointModel> {
  const contents: PointModel = new Map();
  let offset: PointId | undefined;
  do {
    const options = { limit: 1000, withVector: true, ...(offset === undefined ? {} : { offset }) };
    const page = await collection.scroll(options);
    for (const { id, vector, payload } of page.points) {
      if (contents.has(id)) throw new Error(`point ${id} came twice`);
      contents.set(id, { vector: [...(vector ?? [])], payload });
    }
    offset = page.nextOffset;
  } while (offset !== undefined);
  return contents;
}

/** The same points in the order of a scroll. */
export function inOrder(model: PointModel): PointModel {
  const rank = (id: PointId) => (typeof id === 'number' ? 0 : 1);
  return new Map([...model].sort(([a], [b]) => rank(a) - rank(b) || (a < b ? -1 : 1)));
}

/** Points with the ids `from`…`from + count - 1`; each vector tells its id. */
export function points(from: number, count: number, dimensions: number): PointInput[] {
  return Array.from({ length: count }, (_, index) => {
    const id = from + index;
    return { id, vector: vectorOf(id, dimensions), payload: { number: id % 10 } };
  });
}

/** A vector that only this number has. */
export function vectorOf(number: number, dimensions: number): number[] {
  return Array.from({ length: dimensions }, (_, at) => Math.fround(Math.sin(number + at) + number));
}

/** Polls until `test` holds; throws after `limitMs`, so that one can see what was waited for. */
export async function until(test: () => boolean, limitMs = 120_000): Promise<void> {
  const end = performance.now() + limitMs;
  while (!test()) {
    if (performance.now() > end) throw new Error(`did not happen within ${limitMs} ms: ${test}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}
