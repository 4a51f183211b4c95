/** The root's state by one name, whatever it is doing inside: `live` has its parts' names. */
export function rootState(snapshot: { value: unknown }): string {
  const { value } = snapshot;
  if (typeof value === 'string') return value;
  const [[outer, inner] = ['', '']] = Object.entries(value as Record<string, unknown>);
  if (outer !== 'live') return outer;
  return typeof inner === 'string' ? inner : (Object.keys(inner as object)[0] ?? outer);
}
