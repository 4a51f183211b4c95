import type { Place } from './place.js';

type Promised = 'crash' | 'failWrite' | 'blocks' | 'writeElsewhere';

/**
 * A method of the storage that `supports` has promised. Without it a clause would be looked at where
 * nothing has happened: a `TypeError`.
 */
export function promised<Method extends Promised>(
  place: Place<unknown>,
  method: Method,
): NonNullable<Place<unknown>[Method]> {
  const found = place[method];
  if (typeof found === 'function') return found.bind(place) as NonNullable<Place<unknown>[Method]>;
  throw new TypeError(`what supports says needs ${method} in the place`);
}
