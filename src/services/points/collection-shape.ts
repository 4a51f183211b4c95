import { SluiceError } from '../../errors.js';
import type { PointHolderOptions } from './holder-options.js';
import type { VectorShape } from './slab.js';

type AskedShape = Pick<PointHolderOptions, 'dimensions' | 'distance'>;

/** The shape of a new collection. Errors: `SLUICE_BAD_OPTION` without dimensions. */
export function shapeOfNew({ dimensions, distance = 'cosine' }: AskedShape): VectorShape {
  if (dimensions !== undefined) return { dimensions, distance };
  throw new SluiceError('SLUICE_BAD_OPTION', 'a new collection needs the option dimensions');
}

/** Errors: `SLUICE_DIMENSIONS_MISMATCH` when what is stored isn't what was asked for. */
export function checkShape(stored: VectorShape, asked: AskedShape): void {
  const { dimensions = stored.dimensions, distance = stored.distance } = asked;
  if (dimensions === stored.dimensions && distance === stored.distance) return;
  throw new SluiceError(
    'SLUICE_DIMENSIONS_MISMATCH',
    `the collection has ${stored.dimensions} dimensions and the distance ${stored.distance}, ` +
      `not ${dimensions} and ${distance}`,
  );
}
