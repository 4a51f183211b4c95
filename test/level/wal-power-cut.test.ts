import fc from 'fast-check';
import { expect, test } from 'vitest';
import { levelWal } from '#sluice/services/level/wal.js';
import { collect } from '../support/collect.js';
import { FaultLevel } from '../support/fault-level.js';

const step = fc.oneof(
  fc.record({
    type: fc.constant('append'),
    sync: fc.boolean(),
    count: fc.integer({ max: 4, min: 1 }),
  }),
  fc.record({ type: fc.constant('sync') }),
  fc.record({ type: fc.constant('acknowledge'), back: fc.nat(6) }),
  fc.record({ type: fc.constant('fail'), stored: fc.boolean() }),
  fc.record({ type: fc.constant('kill') }),
  fc.record({ type: fc.constant('powerCut'), taken: fc.array(fc.nat(30)) }),
);

/** What the caller has been told, and what the log must therefore still know. */
interface Promised {
  synced: number;
  acked: number;
}

test('whatever a power cut takes, a prefix remains that holds all that was promised', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
      const db = new FaultLevel();
      const wal = levelWal(db, { unsyncedBytesMax: 200 });
      const { storeId } = await wal.open();
      let written: number[] = [];
      const promised: Promised = { synced: 0, acked: 0 };

      for (const [index, action] of steps.entries()) {
        if (action.type === 'append') {
          const values = Array.from({ length: action.count }, (_, offset) => index * 10 + offset);
          const records = values.map((value) => new Uint8Array(new Uint16Array([value]).buffer));
          const opNums = await wal.append(records, { sync: action.sync });
          expect(opNums).toEqual(values.map((_, offset) => written.length + 1 + offset));
          written.push(...values);
          if (action.sync) promised.synced = written.length;
        } else if (action.type === 'sync') {
          await wal.sync();
          promised.synced = written.length;
        } else if (action.type === 'acknowledge') {
          promised.acked = Math.max(promised.acked, written.length - action.back);
          await wal.acknowledge(promised.acked);
          promised.synced = Math.max(promised.synced, promised.acked);
        } else {
          if (action.type === 'fail') {
            db.failWrite({ stored: action.stored });
            await expect(wal.append([Uint8Array.of(255, 255)], { sync: true })).rejects.toThrow();
            written.push(0xffff);
          } else if (action.type === 'powerCut') {
            await db.powerCut((_, write) => !action.taken.includes(write % 30));
          } else {
            await wal.close();
            promised.synced = written.length;
          }
          const state = await wal.open();
          expect(state).toMatchObject({ storeId, acked: promised.acked });
          expect(state.last).toBeGreaterThanOrEqual(promised.synced);
          expect(state.last).toBeLessThanOrEqual(written.length);
          written = written.slice(0, state.last);
          promised.synced = state.last;
        }
      }

      const kept = await collect(wal.read(promised.acked + 1, written.length));
      const values = kept.map(({ data }) =>
        new DataView(data.buffer, data.byteOffset).getUint16(0, true),
      );
      expect(values).toEqual(written.slice(promised.acked));
      await wal.close();
    }),
    { numRuns: 300 },
  );
});
