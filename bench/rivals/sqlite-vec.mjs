// better-sqlite3 with sqlite-vec: synced writes, every search looks at every vector.
import { join } from 'node:path';
import { bytesBelow } from '../measure.mjs';

export const title = 'sqlite-vec';
export const syncs = true;

/** Its packages; rejects when they aren't installed or don't run here. */
export async function load() {
  const { default: Database } = await import('better-sqlite3');
  const { load: loadVectors } = await import('sqlite-vec');
  // The binary is looked for only when a database is opened.
  new Database(':memory:').close();
  return { Database, loadVectors };
}

export async function open(directory, { dimensions }) {
  const { Database, loadVectors } = await load();
  const database = new Database(join(directory, 'sqlite-vec.db'));
  loadVectors(database);
  database.pragma('journal_mode = WAL');
  database.pragma('synchronous = FULL');
  database.exec(
    `CREATE VIRTUAL TABLE IF NOT EXISTS points USING vec0(
       id INTEGER PRIMARY KEY, vector FLOAT[${dimensions}] distance_metric=cosine,
       city INTEGER, +price FLOAT, +text TEXT)`,
  );
  const add = database.prepare('INSERT INTO points VALUES (?, ?, ?, ?, ?)');
  const drop = database.prepare('DELETE FROM points WHERE id = ?');
  const near = 'SELECT id, city, price, text FROM points WHERE vector MATCH ? AND k = ?';
  const nearest = database.prepare(near);
  const nearestInCity = database.prepare(`${near} AND city = ?`);
  const bytes = (vector) => Buffer.from(vector.buffer, vector.byteOffset, vector.byteLength);
  const addAll = database.transaction((points, replaces) => {
    for (const { id, vector, payload } of points) {
      // The virtual table knows no INSERT OR REPLACE.
      if (replaces) drop.run(BigInt(id));
      const { city, price, text } = payload;
      add.run(BigInt(id), bytes(vector), BigInt(city), price, text);
    }
  });
  const removeAll = database.transaction((ids) => {
    for (const id of ids) drop.run(BigInt(id));
  });
  return {
    insert: async (points) => addAll(points, false),
    insertLoose: async (points) => {
      database.pragma('synchronous = NORMAL');
      addAll(points, false);
    },
    replace: async (points) => addAll(points, true),
    remove: async (ids) => removeAll(ids),
    build: async () => {},
    compact: async () => {
      database.exec('VACUUM');
    },
    exact: async (vector, limit) => nearest.all(bytes(vector), limit).map(({ id }) => id),
    filtered: async (vector, limit, city) =>
      nearestInCity.all(bytes(vector), limit, BigInt(city)).map(({ id }) => id),
    close: async () => database.close(),
    diskBytes: async () => {
      database.pragma('wal_checkpoint(TRUNCATE)');
      return bytesBelow(directory);
    },
  };
}
