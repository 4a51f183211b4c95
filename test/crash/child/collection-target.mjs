// The collection itself. Options: those of `openCollection`.
import { openCollection, verifyStore } from 'sluice';

const PAGE = 1000;

const selector = (chosen) =>
  Array.isArray(chosen)
    ? chosen
    : { filter: { must: [{ key: 'group', match: { value: chosen.group } }] } };

/** How each kind of step is asked of a collection. */
const CALLS = {
  upsert: (collection, step, options) => collection.upsert(step.points, options),
  delete: (collection, step, options) => collection.delete(selector(step.selector), options),
  updateVectors: (collection, step, options) => collection.updateVectors(step.points, options),
  setPayload: (collection, step, options) =>
    collection.setPayload(step.payload, selector(step.selector), options),
  overwritePayload: (collection, step, options) =>
    collection.overwritePayload(step.payload, selector(step.selector), options),
  deletePayload: (collection, step, options) =>
    collection.deletePayload(step.keys, selector(step.selector), options),
  clearPayload: (collection, step, options) =>
    collection.clearPayload(selector(step.selector), options),
  createPayloadIndex: (collection, { path }, options) =>
    collection.createPayloadIndex(path, 'integer', options),
  deletePayloadIndex: (collection, { path }, options) =>
    collection.deletePayloadIndex(path, options),
  flush: (collection) => collection.flush(),
  optimize: (collection, { timeoutMs }) =>
    collection.optimize(timeoutMs === undefined ? {} : { signal: AbortSignal.timeout(timeoutMs) }),
  configure: (collection, step) => collection.configure(step.options),
};

class CollectionSession {
  #collection;

  constructor(collection) {
    this.#collection = collection;
  }

  async perform(step) {
    const result = await CALLS[step.kind](this.#collection, step, { wait: step.wait });
    return { opNum: result?.opNum };
  }

  async read() {
    const points = [];
    let offset;
    do {
      const page = await this.#collection.scroll({ limit: PAGE, offset, withVector: true });
      for (const { id, vector, payload } of page.points) {
        points.push({ id, vector: [...vector], payload });
      }
      offset = page.nextOffset;
    } while (offset !== undefined);
    const payloadIndexes = Object.keys(this.#collection.info().payloadIndexes);
    return { points, payloadIndexes, count: await this.#collection.count() };
  }

  status() {
    const { color, errors } = this.#collection.status();
    const standing = errors.filter(({ recoveredAt }) => recoveredAt === null);
    return { color, standing: standing.map(({ code }) => code) };
  }

  isBroken() {
    const { reasons } = this.#collection.status();
    return reasons.some(({ state }) => state === 'broken');
  }

  reopen() {
    return this.#collection.reopen();
  }

  close() {
    return this.#collection.close();
  }
}

export const target = {
  async open(path, options) {
    return new CollectionSession(await openCollection(path, options));
  },
  async verify(path) {
    const { ok, problems } = await verifyStore(path);
    return ok ? [] : problems.map((problem) => JSON.stringify(problem));
  },
};
