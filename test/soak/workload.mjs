// Mixed work on a collection, and what it must hold afterwards.
import { seededRandom } from '../../bench/data/clusters.mjs';

const LANES = 8;
const BATCH_MAX = 50;

/** The vector of a version of a point: the same in each run. */
function vectorOf(id, version, dimensions) {
  const random = seededRandom(id * 65_537 + version);
  return Float32Array.from({ length: dimensions }, () => random() - 0.5);
}

/** Writes and reads at random; knows the version of each point that must be there, 0 for none. */
export class Workload {
  #random;
  #versions;
  #newest = 0;
  #dimensions;
  /** How long calls took, by kind, since it was last asked; milliseconds. */
  #latencies = { update: [], search: [] };
  operations = 0;

  constructor({ seed, ids, dimensions }) {
    this.#random = seededRandom(seed);
    this.#versions = new Uint32Array(ids);
    this.#dimensions = dimensions;
  }

  /** Bytes of the vectors and payloads that must be there, about. */
  get liveBytes() {
    const bytes = this.#dimensions * 4 + JSON.stringify(payloadOf(1, 100_000)).length;
    return this.#versions.filter((version) => version > 0).length * bytes;
  }

  /** Gives each id a first version. */
  async fill(collection) {
    const ids = [...this.#versions.keys()];
    while (ids.length > 0) await this.#upsert(collection, ids.splice(0, 500));
  }

  /** Works on several lanes until it is over. */
  async run(collection, isOver) {
    const lane = async () => {
      while (!isOver()) await this.#step(collection);
    };
    await Promise.all(Array.from({ length: LANES }, lane));
  }

  /** Throws unless the collection holds exactly what it must. */
  async check(collection) {
    await collection.plunge();
    const wanted = this.#versions.filter((version) => version > 0).length;
    const { points } = collection.info();
    if (points !== wanted) throw new Error(`${points} points are there, not ${wanted}`);
    for (let from = 0; from < this.#versions.length; from += 1000) {
      const ids = Array.from(this.#versions.subarray(from, from + 1000), (_, at) => from + at);
      const found = new Map(
        (await collection.get(ids, { withVector: true })).map((point) => [point.id, point]),
      );
      for (const id of ids) this.#checkPoint(id, found.get(id));
    }
  }

  takeLatencies() {
    const taken = this.#latencies;
    this.#latencies = { update: [], search: [] };
    return taken;
  }

  #checkPoint(id, point) {
    const version = this.#versions[id];
    const there = point === undefined ? 0 : point.payload.version;
    if (there !== version) throw new Error(`point ${id} has version ${there}, not ${version}`);
    if (version === 0) return;
    const vector = vectorOf(id, version, this.#dimensions);
    // A cosine collection may keep unit vectors: their directions are compared.
    const scale = Math.hypot(...vector) / Math.hypot(...point.vector);
    if (vector.some((value, at) => Math.abs(value - point.vector[at] * scale) > 1e-5)) {
      throw new Error(`point ${id} has another vector than its version ${version}`);
    }
  }

  async #step(collection) {
    this.operations += 1;
    const dice = this.#random();
    if (dice < 0.45) return this.#timed('update', () => this.#upsert(collection, this.#some()));
    if (dice < 0.6) return this.#timed('update', () => this.#delete(collection, this.#some()));
    if (dice < 0.65) await collection.upsert(this.#bump(this.#some()), { wait: false });
    else if (dice < 0.9) await this.#timed('search', () => this.#search(collection));
    else if (dice < 0.95) await collection.scroll({ limit: 20, offset: this.#id() });
    else if (dice < 0.98) await collection.count({ filter: evenOnes });
    else await collection.get(this.#some());
  }

  async #timed(kind, work) {
    const begin = performance.now();
    await work();
    this.#latencies[kind].push(performance.now() - begin);
  }

  #search(collection) {
    const vector = vectorOf(this.#id(), 1, this.#dimensions);
    return collection.search(vector, { limit: 10 });
  }

  #upsert(collection, ids) {
    return collection.upsert(this.#bump(ids));
  }

  #delete(collection, ids) {
    for (const id of ids) this.#versions[id] = 0;
    return collection.delete(ids);
  }

  /** New versions; the order of the calls is the order in which they take effect. */
  #bump(ids) {
    this.#newest += 1;
    const version = this.#newest;
    return ids.map((id) => {
      this.#versions[id] = version;
      return {
        id,
        vector: vectorOf(id, version, this.#dimensions),
        payload: payloadOf(id, version),
      };
    });
  }

  #id() {
    return Math.floor(this.#random() * this.#versions.length);
  }

  #some() {
    const count = 1 + Math.floor(this.#random() * BATCH_MAX);
    return [...new Set(Array.from({ length: count }, () => this.#id()))];
  }
}

const evenOnes = { must: [{ key: 'even', match: { value: true } }] };

function payloadOf(id, version) {
  return { version, even: id % 2 === 0, text: `point ${id} in its version ${version}` };
}
