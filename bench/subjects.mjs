// The stores that can be measured. Each module names its packages only when it is opened.
import * as hnswlib from './rivals/hnswlib.mjs';
import * as lancedb from './rivals/lancedb.mjs';
import * as level from './rivals/level.mjs';
import * as sqliteVec from './rivals/sqlite-vec.mjs';
import * as usearch from './rivals/usearch.mjs';
import * as zvec from './rivals/zvec.mjs';
import * as sluice from './sluice.mjs';

export const SUBJECTS = {
  sluice,
  zvec,
  'sqlite-vec': sqliteVec,
  lancedb,
  hnswlib,
  usearch,
  level,
};

/** Why a subject can't be measured here; undefined when it can. */
export async function missing(name) {
  try {
    await SUBJECTS[name].load?.();
    return undefined;
  } catch (error) {
    return error.message.split('\n')[0];
  }
}
