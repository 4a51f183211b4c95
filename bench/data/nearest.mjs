// The nearest by looking at all of them: what recall is measured against.

/**
 * Numbers of the `limit` vectors with the greatest dot product, the greatest first; of those `rows`
 * alone if given.
 */
export function nearest({ vectors, count, dimensions, limit }, query, rows) {
  const scores = new Float64Array(limit).fill(Number.NEGATIVE_INFINITY);
  const found = new Uint32Array(limit);
  for (let number = 0; number < (rows?.length ?? count); number += 1) {
    const row = rows?.[number] ?? number;
    const score = dot(vectors, row * dimensions, query);
    let at = limit - 1;
    if (score <= scores[at]) continue;
    for (; at > 0 && scores[at - 1] < score; at -= 1) {
      scores[at] = scores[at - 1];
      found[at] = found[at - 1];
    }
    scores[at] = score;
    found[at] = row;
  }
  return found;
}

function dot(vectors, offset, query) {
  let a = 0;
  let b = 0;
  for (let at = 0; at < query.length; at += 2) {
    a += vectors[offset + at] * query[at];
    b += vectors[offset + at + 1] * query[at + 1];
  }
  return a + b;
}
