// The smallest store that keeps steps on LevelDB: one key a point, one batch a step. It proves the
// tools, and shows what LevelDB itself does. Options: `sync` 'always' | 'asked', `writeBufferSize`,
// `syncDirectory` (LevelDB doesn't sync it after it has renamed CURRENT), and a deliberate defect
// that the tools must find: `acknowledgeEarly`.
import { closeSync, fsyncSync, openSync } from 'node:fs';
import { Level } from 'level';

const group = (points, number) =>
  [...points].filter(([, { payload }]) => payload.group === number).map(([id]) => id);

const select = (points, selector) =>
  Array.isArray(selector) ? selector : group(points, selector.group);

/** Maps each id that a step touches to its new value, or to undefined when it goes. */
function effects(points, step) {
  const changes = new Map();
  if (step.kind === 'upsert') {
    for (const { id, vector, payload } of step.points) changes.set(id, { vector, payload });
  } else if (step.kind === 'delete') {
    for (const id of select(points, step.selector)) changes.set(id, undefined);
  } else if (step.kind === 'updateVectors') {
    for (const { id, vector } of step.points) {
      changes.set(id, points.has(id) && { vector, payload: points.get(id).payload });
    }
  } else if (step.selector !== undefined) {
    for (const id of select(points, step.selector)) {
      const { vector, payload } = points.get(id) ?? {};
      changes.set(id, vector && { vector, payload: change(payload, step) });
    }
  }
  const missing = step.kind !== 'delete' && [...changes.values()].some((value) => !value);
  return missing ? new Map() : changes;
}

function change(payload, step) {
  if (step.kind === 'setPayload') return { ...payload, ...step.payload };
  if (step.kind === 'overwritePayload') return step.payload;
  if (step.kind === 'clearPayload') return {};
  return Object.fromEntries(Object.entries(payload).filter(([key]) => !step.keys.includes(key)));
}

function syncDirectory(path) {
  const descriptor = openSync(path);
  fsyncSync(descriptor);
  closeSync(descriptor);
}

class LevelSession {
  #db;
  #options;
  #points;
  #turn = Promise.resolve();

  constructor(db, options, points) {
    this.#db = db;
    this.#options = options;
    this.#points = points;
  }

  async perform(step) {
    const changes = effects(this.#points, step);
    const batch = [];
    for (const [id, value] of changes) {
      if (value === undefined) this.#points.delete(id);
      else this.#points.set(id, value);
      const key = String(id);
      batch.push(value === undefined ? { type: 'del', key } : { type: 'put', key, value });
    }
    const sync = step.wait || this.#options.sync === 'always';
    const written = this.#turn.then(() => this.#db.batch(batch, { sync }));
    this.#turn = written;
    if (!this.#options.acknowledgeEarly) await written;
    return {};
  }

  async read() {
    const points = await this.#db.iterator().all();
    const found = points.map(([key, value]) => ({ id: Number(key), ...value }));
    return { points: found, count: found.length };
  }

  async close() {
    await this.#turn;
    await this.#db.close();
  }
}

export const target = {
  async open(path, options) {
    const { writeBufferSize = 65_536 } = options;
    const db = new Level(path, { valueEncoding: 'json', compression: false, writeBufferSize });
    await db.open();
    if (options.syncDirectory) syncDirectory(path);
    const points = new Map();
    for await (const [key, value] of db.iterator()) points.set(Number(key), value);
    return new LevelSession(db, options, points);
  },
  async verify() {
    return [];
  },
};
