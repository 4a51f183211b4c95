import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LiveRows } from '#sluice/services/points/live-rows.js';
import type { PointId } from '#sluice/types.js';

/** Few enough that ids come again; large ones differ in their high bits alone. */
const id: fc.Arbitrary<PointId> = fc.oneof(
  fc.nat(40),
  fc.nat(40).map((number) => number * 2 ** 32 + 7),
  fc.nat(40).map((number) => Number.MAX_SAFE_INTEGER - number),
  fc.nat(10).map((number) => `id ${number}`),
);

const step = fc.oneof(
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('set' as const), id }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('delete' as const), id }) },
);

function expectSame(rows: LiveRows, model: ReadonlyMap<PointId, number>): void {
  expect(rows.size).toBe(model.size);
  for (const [known, row] of model) expect(rows.get(known)).toBe(row);
  expect([...rows.values()].sort()).toEqual([...model.values()].sort());
}

describe('live rows', () => {
  it('are found as in a map, whatever was set, replaced and deleted before', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
        const ids: PointId[] = [];
        const rows = new LiveRows(ids);
        const model = new Map<PointId, number>();
        for (const { kind, id } of steps) {
          if (kind === 'delete') {
            rows.delete(id);
            model.delete(id);
          } else {
            const row = ids.push(id) - 1;
            rows.set(id, row);
            model.set(id, row);
          }
          expect(rows.get(id)).toBe(model.get(id));
        }
        expectSame(rows, model);
      }),
      { numRuns: 300 },
    );
  });

  it('are found while a table is moved to a larger one', () => {
    const known = fc.nat(720);
    const change = fc.record({ isDelete: fc.boolean(), id: known });
    // One more row than two thirds of a table: it has just been given up.
    const filled = fc.constantFrom(43, 86, 171, 342, 683);
    const property = fc.property(filled, fc.array(change, { maxLength: 80 }), (count, changes) => {
      const ids: PointId[] = [];
      const rows = new LiveRows(ids);
      const model = new Map<PointId, number>();
      const set = (id: number) => {
        const row = ids.length;
        rows.set(id, row);
        ids.push(id);
        model.set(id, row);
      };
      for (let id = 0; id < count; id += 1) set(id);
      for (const { isDelete, id } of changes) {
        if (!isDelete) set(id);
        else {
          rows.delete(id);
          model.delete(id);
        }
      }
      expectSame(rows, model);
      for (let id = 0; id <= 720; id += 1) expect(rows.get(id)).toBe(model.get(id));
    });
    fc.assert(property, { numRuns: 200 });
  });

  it('move to a larger table step by step, so that no single one takes long', () => {
    let looked = 0;
    const ids: PointId[] = [];
    const column = new Proxy(ids, {
      get(target, name) {
        looked += 1;
        return Reflect.get(target, name);
      },
    });
    const rows = new LiveRows(column);
    let most = 0;
    for (let row = 0; row < 50_000; row += 1) {
      looked = 0;
      rows.set(row, row);
      most = Math.max(most, looked);
      ids.push(row);
    }
    expect(most).toBeGreaterThan(16);
    expect(most).toBeLessThan(2000);
  });

  it('may be many, of ids that follow each other or lie far apart', () => {
    for (const stride of [1, 2 ** 16, 2 ** 32, 2 ** 37]) {
      const ids: PointId[] = Array.from({ length: 10_000 }, (_, row) => row * stride);
      const rows = new LiveRows(ids);
      for (const [row, id] of ids.entries()) rows.set(id, row);
      for (let row = 0; row < ids.length; row += 2) rows.delete(ids[row] as PointId);
      expect(rows.size).toBe(5000);
      for (const [row, id] of ids.entries()) expect(rows.get(id)).toBe(row % 2 ? row : undefined);
    }
  });

  it('are none where nothing was set', () => {
    const rows = new LiveRows([]);
    rows.delete(1);
    rows.delete('a');
    expect([rows.size, rows.get(1), rows.get('a'), ...rows.values()]).toEqual([
      0,
      undefined,
      undefined,
    ]);
  });
});
