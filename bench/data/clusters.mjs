// Seeded vectors that lie in clusters, as embeddings do.

const CLUSTERS = 1000;
/** Directions that a cluster's points spread in. */
const RANK = 20;
const SPREAD = 0.5;
const NOISE = 0.1;
const CITIES = 50;

/** Numbers in 0…1 that depend on the seed alone (mulberry32). */
export function seededRandom(seed) {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let bits = Math.imul(state ^ (state >>> 15), 1 | state);
    bits = (bits + Math.imul(bits ^ (bits >>> 7), 61 | bits)) ^ bits;
    return ((bits ^ (bits >>> 14)) >>> 0) / 2 ** 32;
  };
}

/**
 * A source of unit vectors: `next()` gives one. A few clusters are large and many are small; each
 * point is its cluster's centre, moved in some common directions, and a little in all others.
 */
export function clusteredVectors({ dimensions, seed }) {
  const random = seededRandom(seed);
  const normal = () => {
    return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  };
  const normals = (length) => Float32Array.from({ length }, normal);
  const centres = Array.from({ length: CLUSTERS }, () => normals(dimensions));
  const directions = Array.from({ length: RANK }, () => normals(dimensions));
  return {
    next() {
      const vector = centres[Math.floor(CLUSTERS * random() ** 3)].slice();
      for (const direction of directions) {
        const step = (SPREAD * normal()) / Math.sqrt(RANK);
        for (let at = 0; at < dimensions; at += 1) vector[at] += step * direction[at];
      }
      let squares = 0;
      for (let at = 0; at < dimensions; at += 1) {
        vector[at] += NOISE * normal();
        squares += vector[at] ** 2;
      }
      const length = Math.sqrt(squares);
      return vector.map((value) => value / length);
    },
  };
}

/** Points 0…count - 1 on such vectors, with a small payload. */
export function clusteredPoints({ count, dimensions, seed }) {
  const vectors = clusteredVectors({ dimensions, seed });
  const random = seededRandom(seed + 1);
  return Array.from({ length: count }, (_, id) => ({
    id,
    vector: vectors.next(),
    payload: {
      city: Math.floor(random() * CITIES),
      price: Math.round(random() * 1e4) / 100,
      text: `item ${id} of a catalogue`,
    },
  }));
}
