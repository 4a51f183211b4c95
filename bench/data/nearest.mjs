// The nearest by looking at all of them: what recall is measured against.

/** Numbers of the `limit` vectors with the greatest dot product, the greatest first. */
export function nearest({ vectors, count, dimensions, limit }, query, passes = () => true) {
  const scores = new Float64Array(limit).fill(Number.NEGATIVE_INFINITY);
  const found = new Uint32Array(limit);
  for (let row = 0; row < count; row += 1) {
    if (!passes(row)) continue;
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
