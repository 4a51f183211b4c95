import { closeSync, constants, fstatSync, openSync } from 'node:fs';
import { devNull } from 'node:os';
import { assert, errorText, SluiceError } from '../../errors.js';
import type { HnswGraphOptions } from '../../types.js';
import { type GraphSpace, type IndexShape, numbersOf, placeQuery } from './graph-space.js';
import type { VectorIndex, VectorIndexRecord } from './vector-index.js';

/** What Sluice uses of the library's index; the library's own types stay out of the published ones. */
export interface Graph {
  /** Adds vectors, laid end to end, under their keys; returns when they are linked. */
  add(keys: BigUint64Array, vectors: Float32Array, threads: number): void;
  /** The keys of at most `count` neighbours with their distances, the nearest first. */
  search(
    query: Float32Array,
    count: number,
    threads: number,
  ): { keys: BigUint64Array; distances: Float32Array };
  size(): number;
  dimensions(): number;
  connectivity(): number;
  save(path: string): void;
  /** Maps a saved file into memory and takes everything but the options from it. */
  view(path: string): void;
}

/** The library, loaded. */
export interface GraphLibrary {
  /** An empty graph. */
  create(space: Omit<GraphSpace, 'scale'>, options: HnswGraphOptions): Graph;
}

/** Whether vector indexes can be built and read on this platform, and if not, why. */
export type VectorIndexSupport = { available: true } | { available: false; why: string };

let library: Promise<GraphLibrary> | undefined;

/**
 * Loads the library when it is first needed; what came of it doesn't change in a process.
 * Errors: `SLUICE_INDEX_UNAVAILABLE` where it isn't installed or has no binary for the platform.
 */
export function loadGraphLibrary(): Promise<GraphLibrary> {
  library ??= importLibrary();
  return library;
}

/** Tells whether vector indexes can be had here. Without them every search is exact. */
export async function vectorIndexSupport(): Promise<VectorIndexSupport> {
  try {
    await loadGraphLibrary();
    return { available: true };
  } catch (error) {
    return { available: false, why: errorText(error) };
  }
}

async function importLibrary(): Promise<GraphLibrary> {
  try {
    const { Index, MetricKind, ScalarKind } = await import('usearch');
    const kinds = { int8: ScalarKind.I8, half: ScalarKind.F16, single: ScalarKind.F32 };
    class CarefulIndex extends Index {
      override view(path: string): void {
        checkMappable(path);
        const spare = openAgain(0);
        try {
          super.view(path);
        } catch (error) {
          restoreDescriptorZero(spare);
          throw error;
        } finally {
          if (spare !== undefined) closeSync(spare);
        }
      }
    }
    return {
      create({ distance, width, numbers }, { m, efConstruct }) {
        return new CarefulIndex({
          dimensions: width,
          metric: distance === 'dot' ? MetricKind.IP : MetricKind.L2sq,
          quantization: kinds[numbers],
          connectivity: m,
          expansion_add: efConstruct,
          // A search looks at as many candidates as it is asked for, if that is more than this.
          expansion_search: 1,
          multi: false,
        });
      },
    };
  } catch (error) {
    const message = `there are no vector indexes on this platform: ${errorText(error)}`;
    throw new SluiceError('SLUICE_INDEX_UNAVAILABLE', message, { cause: error });
  }
}

/**
 * Throws when a file can't be opened or is empty: the library would close descriptor 0 of the
 * process then, its standard input as a rule.
 */
function checkMappable(path: string): void {
  const file = openSync(path, 'r');
  try {
    if (fstatSync(file).size === 0) throw new RangeError('the file is empty');
  } finally {
    closeSync(file);
  }
}

/** Another descriptor of what a descriptor has open; undefined where there is none to be had. */
function openAgain(descriptor: number): number | undefined {
  try {
    // Without waiting, which a named pipe would do until somebody writes to it.
    return openSync(`/dev/fd/${descriptor}`, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch {
    // It is closed or a socket, or the platform has no names for descriptors.
    return undefined;
  }
}

/**
 * Opens descriptor 0 again where the library has closed it all the same: the next pipe or socket
 * would get that number, and libuv ends a process that closes one with it. It also ends one that
 * begins to read from there, unless what is there can be waited for, as `spare` can be.
 */
function restoreDescriptorZero(spare: number | undefined): void {
  try {
    fstatSync(0);
  } catch {
    // The lowest number that is free is taken: 0.
    if (spare === undefined || openAgain(spare) === undefined) openSync(devNull, 'r');
  }
}

/**
 * An index whose file is mapped into memory: the system reads what searches touch, and may drop it
 * again. The file may be deleted meanwhile. The mapping ends when the object is collected.
 */
export class MappedIndex implements VectorIndex {
  readonly record: VectorIndexRecord;
  readonly #graph: Graph;
  readonly #space: GraphSpace;
  readonly #query: Float32Array;

  constructor(record: VectorIndexRecord, shape: IndexShape, graph: Graph) {
    this.record = record;
    this.#graph = graph;
    const { scale } = record;
    const numbers = numbersOf(shape, record);
    this.#space = { ...shape, numbers, width: graph.dimensions(), scale };
    this.#query = new Float32Array(this.#space.width);
  }

  search(query: Float32Array, ef: number): Uint32Array | undefined {
    const { rows } = this.record;
    assert(query.length === this.#space.dimensions, 'a query has the dimensions of the index');
    const wanted = Math.min(ef, rows);
    if (wanted < 1) return new Uint32Array(0);
    if (!placeQuery(query, this.#space, this.#query)) return undefined;
    const { keys } = this.#graph.search(this.#query, wanted, 1);
    // A key is a row number, so its lower half is all of it; all platforms put that first.
    const halves = new Uint32Array(keys.buffer, keys.byteOffset, keys.length * 2);
    const found = new Uint32Array(keys.length);
    for (let at = 0; at < found.length; at++) found[at] = halves[at * 2] as number;
    return wanted === rows ? withMissing(found, rows) : found;
  }
}

/** All rows: those found, then those that no link leads to, which happens among equal vectors. */
function withMissing(found: Uint32Array, rows: number): Uint32Array {
  if (found.length === rows) return found;
  const all = new Uint32Array(rows);
  all.set(found);
  const isFound = new Uint8Array(rows);
  for (const row of found) isFound[row] = 1;
  let at = found.length;
  for (let row = 0; row < rows; row++) if (isFound[row] === 0) all[at++] = row;
  return all;
}
