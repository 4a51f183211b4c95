import { Collection } from './collection.js';
import {
  type CollectionOptions,
  type CollectionStores,
  checkCollectionOptions,
} from './collection-options.js';
import { type CollectionParts, openParts } from './collection-parts.js';
import { SluiceError } from './errors.js';

/**
 * Opens a collection in a directory, or on two `abstract-level` stores; creates it when
 * `dimensions` are given and there is none. Resolves when every acknowledged operation is visible.
 *
 * Errors: `SLUICE_NOT_FOUND`, `SLUICE_NOT_A_STORE`, `SLUICE_LOCKED`, `SLUICE_DIMENSIONS_MISMATCH`,
 * `SLUICE_BAD_OPTION`, `SLUICE_FORMAT_UNKNOWN`, `SLUICE_DAMAGED`, `SLUICE_DISK_FULL`, `SLUICE_IO`.
 *
 * @example
 * const films = await openCollection('./films.db', { dimensions: 64 });
 * await films.upsert([{ id: 1, vector, payload: { title: 'Alien' } }]);
 * const hits = await films.search(vector, { limit: 10 });
 * await films.close();
 */
export async function openCollection(
  target: string | CollectionStores,
  options: CollectionOptions = {},
): Promise<Collection> {
  const checked = checkCollectionOptions(options);
  return readyCollection(await openParts(target, checked), checked.signal);
}

/** The collection when it is open; closed again when it can't be opened, or the signal fires. */
export async function readyCollection(
  parts: CollectionParts,
  signal?: AbortSignal,
): Promise<Collection> {
  const collection = new Collection(parts);
  const giveUp = () => void collection.close().catch(() => {});
  signal?.addEventListener('abort', giveUp, { once: true });
  try {
    if (signal?.aborted) giveUp();
    await collection.ready();
    // It may have fired when the collection was open and nobody had heard of that yet.
    if (signal?.aborted) throw signal.reason;
  } catch (error) {
    // Whatever opening has taken is given back; the caller has nothing to close.
    await collection.close().catch(() => {});
    if (!signal?.aborted) throw openingError(error);
    throw new SluiceError('SLUICE_ABORTED', 'opening was given up', { cause: error });
  } finally {
    signal?.removeEventListener('abort', giveUp);
  }
  return collection;
}

/** A storage that breaks during the replay is an opening that fails: with what broke it. */
function openingError(error: unknown): unknown {
  const isBroken = error instanceof SluiceError && error.code === 'SLUICE_BROKEN';
  return isBroken ? (error.cause ?? error) : error;
}
