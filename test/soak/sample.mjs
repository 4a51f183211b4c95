// What a process holds: memory, files, timers, actors, listeners; and what a collection has on disk.
import { getEventListeners } from 'node:events';
import { existsSync, readdirSync } from 'node:fs';
import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';

const FILES_OF_PROCESS = '/proc/self/fd';

/** Bytes of everything in a directory. A file that goes while it is looked at is none. */
export async function bytesIn(directory) {
  let bytes = 0;
  for (const name of await readdir(directory, { recursive: true })) {
    const entry = await lstat(join(directory, name)).catch((error) => {
      if (error.code !== 'ENOENT') throw error;
    });
    if (entry?.isFile()) bytes += entry.size;
  }
  return bytes;
}

function actorsIn(snapshot) {
  const children = Object.values(snapshot.children ?? {});
  return children.reduce((sum, child) => sum + 1 + actorsIn(child.getSnapshot()), 0);
}

/** Needs `--expose-gc`. Sizes in bytes. `files` is undefined where the system doesn't tell. */
export function sample(collection, signal) {
  // Twice: what finalizers free is collected by the second one.
  globalThis.gc();
  globalThis.gc();
  const { heapUsed, rss, arrayBuffers } = process.memoryUsage();
  const { log, queue } = collection.telemetry();
  const listeners = process.eventNames().map((name) => process.listenerCount(name));
  return {
    heapUsed,
    rss,
    arrayBuffers,
    files: existsSync(FILES_OF_PROCESS) ? readdirSync(FILES_OF_PROCESS).length : undefined,
    timers: process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length,
    actors: 1 + actorsIn(collection.handler.actor.getSnapshot()),
    listeners:
      getEventListeners(signal, 'abort').length + listeners.reduce((sum, count) => sum + count, 0),
    walRecords: log.last - log.acked,
    walBytes: queue.walBytes,
  };
}
