// @ts-check
/** @import { BlockRef, SegmentOptimizer } from 'sluice/core' */
/** @import { Info, Segments } from './segments.mjs' */
import { keysOf } from './segments.mjs';

/** So many segments are joined, if each of them would fill at most that part of one. */
const FAN_IN = 4;

/**
 * Joins small segments, and rewrites those of which half is hidden. Comes to an end: a run leaves
 * three segments fewer, or one with nothing hidden.
 * @param {Segments} holder @returns {SegmentOptimizer<Info>}
 */
export function compaction(holder) {
  return {
    name: 'compaction',

    select(segments, busy) {
      const idle = segments.filter(({ id, appendable }) => !appendable && !busy.has(id));
      const small = idle.filter(({ points }) => points <= holder.capacity / FAN_IN);
      if (small.length >= FAN_IN) return small.slice(0, FAN_IN).map(({ id }) => id);
      const wasteful = idle.find(({ points, hidden }) => hidden > 0 && hidden >= points);
      return wasteful ? [wasteful.id] : [];
    },

    begin(ids) {
      const sources = holder.freeze(ids);
      if (sources === undefined) return undefined;
      const entries = sources.flatMap((segment) => [...segment.entries]);
      const output = { blocks: /** @type {BlockRef[]} */ ([]), ids: /** @type {number[]} */ ([]) };
      return {
        ...{ points: entries.length, cpus: 0, output: output.ids },
        async copy({ signal, onProgress }) {
          output.blocks = await holder.write(entries, signal);
          onProgress({ copied: entries.length, indexed: 0, total: entries.length });
        },
        async index() {},
        // Frozen segments only lose entries, and `replace` sees which: nothing to do before it.
        async catchUp() {},
        swap() {
          const { id, entries: left } = holder.replace(sources, entries, output.blocks);
          output.ids.push(id);
          return left.size;
        },
        // What the sources have lost meanwhile is hidden in them, as if nothing had been frozen.
        rollback() {
          for (const segment of sources) segment.frozen = false;
        },
        discard: () => holder.store.deleteBlocks(keysOf(output.blocks)),
      };
    },
  };
}
