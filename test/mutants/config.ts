// A machine's configuration as a tree of plain fields.

export type Fields = Record<string, unknown>;

export function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** What stands at a place; undefined when nothing does. */
export function at(config: unknown, place: readonly string[]): unknown {
  return place.reduce((inner, key) => (isFields(inner) ? inner[key] : undefined), config);
}

/** The configuration with something else at one place, or nothing; the old one stays as it is. */
export function replaced(
  config: Fields,
  [key, ...rest]: readonly string[],
  value: unknown,
): Fields {
  if (key === undefined) throw new TypeError('no place to replace');
  const { [key]: old, ...others } = config;
  if (rest.length === 0) return value === undefined ? others : { ...config, [key]: value };
  if (!isFields(old)) throw new TypeError(`nothing at ${key} to replace`);
  return { ...config, [key]: replaced(old, rest, value) };
}
