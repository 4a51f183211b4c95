// The smallest store that keeps steps on LevelDB: one key a point, one batch a step. It proves the
// tools, and shows what LevelDB itself does. Options: `sync` 'always' | 'asked', `writeBufferSize`,
// `syncDirectory` (LevelDB doesn't sync it after it has renamed CURRENT), and a deliberate defect
// that the tools must find: `acknowledgeEarly`.
import { Level } from 'level';
import { effects, syncDirectory } from './fold.mjs';

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
