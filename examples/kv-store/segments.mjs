// @ts-check
/** @import { BlockRef, LogNotes, SegmentHolder, SegmentInfo, SegmentStore } from 'sluice/core' */
import { throwIfAborted } from 'sluice/core';

/**
 * @typedef {{ type: 'put' | 'insert' | 'delete', key: string, value?: string }} Operation
 * @typedef {SegmentInfo & { hidden: number }} Info
 * @typedef {SegmentHolder<Operation, Info>} Holder
 * @typedef {readonly [opNum: number, key: string, value: string]} Entry
 *
 * `entries`: those that readers see. `hidden`: numbers of those that were overwritten or deleted.
 * `fresh`: those of both that no committed block holds.
 * @typedef {{ id: number, sealed: boolean, blocks: BlockRef[], hidden: number[] }} StoredSegment
 * @typedef {StoredSegment & { frozen: boolean, entries: Set<Entry>, fresh: Entry[] }} Segment
 * @typedef {Map<string, { entry: Entry, segment: Segment }>} Live
 * @typedef {{ applied: number, notes: LogNotes, lastId: number, segments: StoredSegment[] }} Manifest
 */

/**
 * Segments that are filled one after the other. An entry never changes: a put hides the old one of
 * its key and adds another, a delete hides it. @implements {Holder}
 */
export class Segments {
  #segments = /** @type {Segment[]} */ ([]);
  /** What readers see, by key. @type {Live} */
  live = new Map();
  #lastId = 0;
  /** Blocks of segments that others have replaced; a commit may have named them, or none. */
  #retired = /** @type {BlockRef[]} */ ([]);
  #touched = /** @type {number[]} */ ([]);
  /** Bytes that have changed so far, and of those the committed ones. */
  #changed = 0;
  #committed = 0;

  /** @param {SegmentStore<Manifest>} store @param {number} capacity entries of a full segment */
  constructor(store, capacity) {
    this.store = store;
    this.capacity = capacity;
  }

  /** @type {Holder['open']} */
  async open({ storeId, signal, check }) {
    const manifest = await this.store.open({ storeId });
    const segments = manifest?.segments.map(newSegment) ?? [];
    const live = /** @type {Live} */ (new Map());
    for (const segment of segments) {
      const hidden = new Set(segment.hidden);
      for (const block of segment.blocks) {
        throwIfAborted(signal);
        for (const entry of decode(await this.store.readBlock(block))) {
          if (!hidden.has(entry[0])) settle(entry, segment, live);
        }
      }
    }
    check(manifest?.applied ?? 0);
    // In one step, and only now: until here readers have seen what was there before.
    [this.#segments, this.live, this.#lastId] = [segments, live, manifest?.lastId ?? 0];
    this.#committed = this.#changed;
    return manifest ?? { applied: 0 };
  }

  /** @type {Holder['apply']} */
  apply(opNum, { type, key, value = '' }) {
    const old = this.live.get(key);
    if (type === 'insert' && old) throw new Error(`there is a value under '${key}' already`);
    this.#touched = [];
    if (old) {
      old.segment.hidden.push(old.entry[0]);
      old.segment.entries.delete(old.entry);
      this.live.delete(key);
      this.#changed += 8;
    }
    if (type === 'delete') return old ? 1 : 0;
    const segment = this.ensureCapacity();
    const entry = /** @type {Entry} */ ([opNum, key, value]);
    settle(entry, segment, this.live);
    segment.fresh.push(entry);
    segment.sealed = segment.entries.size + segment.hidden.length >= this.capacity;
    this.#touched = [segment.id];
    this.#changed += 32 + key.length + value.length;
    return 1;
  }

  touched() {
    return this.#touched;
  }

  segments() {
    return this.#segments.map(({ id, entries, hidden, sealed, frozen }) => {
      return { id, points: entries.size, hidden: hidden.length, appendable: !sealed && !frozen };
    });
  }

  /** The segment that takes new entries. */
  ensureCapacity() {
    return this.#segments.find(({ sealed, frozen }) => !sealed && !frozen) ?? this.#create();
  }

  dirtyBytes() {
    return this.#changed - this.#committed;
  }

  /** @type {Holder['capture']} */
  capture(applied, notes) {
    // Not before: an earlier capture may still have named them.
    this.store.discard(keysOf(this.#retired.splice(0)));
    const [changed, lastId] = [this.#changed, this.#lastId];
    const pictures = this.#segments.map((segment) => {
      const { id, sealed, blocks, hidden, fresh } = segment;
      return { segment, fresh: [...fresh], stored: { id, sealed, blocks, hidden: [...hidden] } };
    });
    const written = /** @type {BlockRef[]} */ ([]);
    return {
      changed: changed !== this.#committed,
      writeBlocks: async (signal) => {
        for (const { stored, fresh } of pictures) {
          const blocks = await this.write(fresh, signal);
          written.push(...blocks);
          stored.blocks = [...stored.blocks, ...blocks];
        }
      },
      commit: async () => {
        const segments = pictures.map(({ stored }) => stored);
        const named = segments.flatMap(({ blocks }) => keysOf(blocks));
        await this.store.commit({ applied, notes, lastId, segments }, named);
        for (const { segment, fresh, stored } of pictures) {
          segment.blocks = stored.blocks;
          segment.fresh.splice(0, fresh.length);
        }
        this.#committed = changed;
      },
      // Gives up what no commit has named.
      release: () => this.store.discard(keysOf(written)),
    };
  }

  close() {
    return this.store.close();
  }

  /** @param {readonly number[]} ids */
  freeze(ids) {
    const found = this.#segments.filter(({ id, frozen }) => ids.includes(id) && !frozen);
    if (found.length !== ids.length) return undefined;
    for (const segment of found) segment.frozen = true;
    this.ensureCapacity();
    return found;
  }

  /** @param {Entry[]} entries @param {AbortSignal} signal */
  write(entries, signal) {
    return this.store.putBlocks(entries.length === 0 ? [] : [encode(entries)], signal);
  }

  /**
   * Puts one segment in the place of others; what these have lost since is hidden in it.
   * @param {Segment[]} sources @param {Entry[]} entries @param {BlockRef[]} blocks
   */
  replace(sources, entries, blocks) {
    const output = this.#create(true, blocks);
    for (const entry of entries) {
      if (this.live.get(entry[1])?.entry === entry) settle(entry, output, this.live);
      else output.hidden.push(entry[0]);
    }
    this.#segments = this.#segments.filter((segment) => !sources.includes(segment));
    this.#retired.push(...sources.flatMap((segment) => segment.blocks));
    this.#changed += 1;
    return output;
  }

  /** @param {BlockRef[]} [blocks] */
  #create(sealed = false, blocks = []) {
    this.#lastId += 1;
    const segment = newSegment({ id: this.#lastId, sealed, blocks, hidden: [] });
    this.#segments.push(segment);
    return segment;
  }
}

/** @param {StoredSegment} stored @returns {Segment} */
const newSegment = (stored) => ({ ...stored, frozen: false, entries: new Set(), fresh: [] });

/** @param {Entry} entry @param {Segment} segment @param {Live} live */
function settle(entry, segment, live) {
  segment.entries.add(entry);
  live.set(entry[1], { entry, segment });
}

/** @param {BlockRef[]} blocks */
export const keysOf = (blocks) => blocks.map(({ key }) => key);
/** @param {unknown} content */
export const encode = (content) => new TextEncoder().encode(JSON.stringify(content));
/** @param {Uint8Array} data */
export const decode = (data) => JSON.parse(new TextDecoder().decode(data));
