import type { HnswOptions, JsonValue, OptimizerOptions } from '../../types.js';
import { resolveHnswOptions } from '../hnsw-options.js';
import { resolveOptimizerOptions } from '../optimizer-options.js';
import { cloneJson, isJsonObject } from './json.js';

/**
 * The options that are stored with a collection: `optimizers`, `hnsw`, and whatever else the
 * collection keeps there. Only what was given is stored, so that defaults may change.
 */
export type Configuration = { [key: string]: JsonValue };

/**
 * The configuration with a patch in force: options replace each other, and groups of options such
 * as `optimizers` are merged. Throws `SLUICE_BAD_OPTION` for bad optimizer or index options.
 */
export function mergeConfiguration(
  previous: Configuration,
  patch: { readonly [key: string]: JsonValue | undefined },
): Configuration {
  const merged: Configuration = { ...previous };
  for (const [key, value] of Object.entries(patch)) {
    if (value === undefined) continue;
    const old = merged[key];
    merged[key] = isJsonObject(value) && isJsonObject(old) ? { ...old, ...value } : value;
  }
  optimizerOptions(merged);
  hnswOptions(merged);
  return cloneJson(merged);
}

/** The optimizer options of a configuration, complete. */
export function optimizerOptions(configuration: Configuration): OptimizerOptions {
  return resolveOptimizerOptions(configuration.optimizers ?? {});
}

/** The index options of a configuration, complete. */
export function hnswOptions(configuration: Configuration): HnswOptions {
  return resolveHnswOptions(configuration.hnsw ?? {});
}
