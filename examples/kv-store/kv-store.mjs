// @ts-check
/** @import { Database, OperationCodec, SubmitOptions, UpdateHandlerOptions } from 'sluice/core' */
/** @import { Info, Operation } from './segments.mjs' */
import { open } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { Level } from 'level';
import { createUpdateHandler, levelWal, SegmentStore } from 'sluice/core';
import { compaction } from './compaction.mjs';
import { decode, encode, Segments } from './segments.mjs';

/** @typedef {Partial<UpdateHandlerOptions<Operation, Info>>} Options */

/** Keys and values are strings; anything else is a `TypeError`. @type {OperationCodec<Operation>} */
const codec = {
  encode(operation) {
    const isText = Object.values(operation).every((text) => typeof text === 'string');
    if (!isText) throw new TypeError('keys and values must be strings');
    return encode(operation);
  },
  decode,
  frees: ({ type }) => type === 'delete',
};

/** What `createUpdateHandler` takes. @param {{ wal: Database, segments: Database }} databases */
export function kvPorts(databases, segmentEntries = 1000) {
  const segments = new Segments(new SegmentStore(databases.segments), segmentEntries);
  const [optimizers, wal] = [[compaction(segments)], levelWal(databases.wal)];
  return { wal, segments, optimizers, codec, deathCounter: segments.store.deathCounter };
}

/** Strings under strings. `handler` has the rest: `flush`, `changes`, `status`, `reopen`, … */
export class KvStore {
  /** @param {ReturnType<typeof kvPorts>} ports @param {Options} [options] */
  constructor(ports, options) {
    this.segments = ports.segments;
    this.handler = createUpdateHandler({ ...ports, ...options });
  }

  /** @param {string} key @param {string} value @param {SubmitOptions} [options] */
  put(key, value, options) {
    return this.handler.submit({ type: 'put', key, value }, options);
  }

  /** Declined when the key has a value. @param {string} key @param {string} value @param {SubmitOptions} [options] */
  insert(key, value, options) {
    return this.handler.submit({ type: 'insert', key, value }, options);
  }

  /** @param {string} key @param {SubmitOptions} [options] */
  delete(key, options) {
    return this.handler.submit({ type: 'delete', key }, options);
  }

  /** @param {string} key */
  get(key) {
    return this.segments.live.get(key)?.entry[2];
  }

  /** Keys and values by key, from `gte` on and before `lt`. @param {{ gte?: string, lt?: string }} [bounds] */
  range({ gte = '', lt } = {}) {
    const pairs = [...this.segments.live.values()].map(({ entry: [, ...pair] }) => pair);
    const found = pairs.filter(([key]) => key >= gte && (lt === undefined || key < lt));
    return found.sort(([a], [b]) => (a < b ? -1 : 1));
  }

  /** Lets compaction look, and waits until it is through with what there is; what fails is tried later. */
  async compact() {
    await this.handler.plunge();
    this.handler.trigger();
    do await this.handler.nextPass(new AbortController().signal);
    while (this.handler.telemetry().optimizations.running > 0);
  }

  close() {
    return this.handler.stop();
  }
}

/**
 * Opens or creates the store in a directory; the one above it should exist.
 * @param {string} path @param {Options & { segmentEntries?: number }} [options]
 */
export async function openKvStore(path, { segmentEntries, ...options } = {}) {
  const [wal, segments] = [new Level(join(path, 'wal')), new Level(join(path, 'segments'))];
  const onOpened = async () => {
    if (process.platform === 'win32') return;
    // Before anything is promised: the directories' names must survive a power cut as well.
    for (const named of [path, dirname(resolve(path))]) {
      const directory = await open(named);
      await directory.sync().finally(() => directory.close());
    }
  };
  const store = new KvStore(kvPorts({ wal, segments }, segmentEntries), { onOpened, ...options });
  await store.handler.ready();
  return store;
}
