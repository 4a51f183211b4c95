// What a store lacks of another one's log, told by the clock ticks of both.
import type { ClockTag, RecoveryPoint, WalDelta } from 'sluice';
import { describe, expect, test } from 'vitest';
import { checkRecoveryPoint } from '#sluice/services/clock-ticks.js';
import { LogNotebook, NO_NOTES, unknownNotes } from '#sluice/services/log-notes.js';
import { resolveWalDelta } from '#sluice/services/wal-delta.js';
import { Random } from './support/random.js';

type Tag = ClockTag | undefined;

const tag = (peerId: number, tick: number): ClockTag => ({ peerId, clockId: 0, tick });

/** A log of tags, numbered from 1, with the notes that go with it. */
class TagLog {
  readonly tags: Tag[] = [];
  readonly notes = new LogNotebook();
  reads = 0;

  constructor(...tags: Tag[]) {
    for (const each of tags) this.add(each);
  }

  add(each: Tag): void {
    this.tags.push(each);
    this.notes.add(this.tags.length, each, false);
  }

  point(upTo = this.tags.length): RecoveryPoint {
    return this.notes.ticks.newest(upTo).toJSON();
  }

  delta(point: RecoveryPoint, visible = this.tags.length): Promise<WalDelta> {
    const log = this;
    return resolveWalDelta(checkRecoveryPoint(point), {
      history: this.notes.ticks,
      visible,
      async *tags(from, to) {
        log.reads += 1;
        for (let opNum = from; opNum <= to; opNum += 1) {
          yield { opNum, clockTag: log.tags[opNum - 1] };
        }
      },
    });
  }
}

const is = (status: WalDelta['status']) => ({ status });
const from = (opNum: number) => ({ status: 'from', opNum });

describe('a delta', () => {
  const log = () => new TagLog(tag(1, 1), tag(1, 2), tag(2, 1), tag(1, 3), tag(2, 2));

  test.each<[string, RecoveryPoint, object]>([
    ['equal', [tag(1, 3), tag(2, 2)], is('equal')],
    ['one record', [tag(1, 3), tag(2, 1)], from(5)],
    ['the first of two clocks', [tag(1, 2), tag(2, 2)], from(4)],
    ['a clock it does not know', [tag(1, 3)], from(3)],
    ['an empty point', [], is('empty')],
    ['a clock unknown here', [tag(1, 3), tag(3, 1)], is('unknownClocks')],
    ['a higher tick', [tag(1, 4), tag(2, 2)], is('higherThanCurrent')],
  ])('%s', async (_name, point, expected) => {
    expect(await log().delta(point)).toEqual(expected);
  });

  test('is cut off exactly where a forgotten record is lacked', async () => {
    const one = log();
    one.notes.forget(2);
    expect(await one.delta([tag(1, 1), tag(2, 2)])).toEqual(is('cutOff'));
    expect(await one.delta([tag(2, 2)])).toEqual(is('cutOff'));
    expect(await one.delta([tag(1, 2)])).toEqual(from(3));
    one.notes.forget(5);
    expect(await one.delta([tag(1, 3), tag(2, 1)])).toEqual(is('cutOff'));
    expect(await one.delta(one.point())).toEqual(is('equal'));
  });

  test('has gaps in the ticks, and the same operation sent again', async () => {
    const one = new TagLog(tag(1, 3), tag(1, 3), tag(1, 10), tag(2, 5), tag(1, 10));
    expect(await one.delta([tag(1, 3)])).toEqual(from(3));
    expect(await one.delta([tag(1, 7)])).toEqual(from(3));
    expect(await one.delta([tag(1, 10), tag(2, 1)])).toEqual(from(4));
    expect(await one.delta([tag(1, 10), tag(2, 5)])).toEqual(is('equal'));
  });

  test('a forced older tick changes nothing', async () => {
    const one = new TagLog(tag(1, 5), { ...tag(1, 2), force: true }, tag(1, 6));
    expect(await one.delta([tag(1, 5)])).toEqual(from(3));
    expect(await one.delta([tag(1, 1)])).toEqual(from(1));
  });

  test('knows nothing of what is not visible yet', async () => {
    const one = log();
    expect(one.point(3)).toEqual([tag(1, 2), tag(2, 1)]);
    expect(await one.delta([tag(1, 2), tag(2, 1)], 3)).toEqual(is('equal'));
    expect(await one.delta([tag(1, 3), tag(2, 1)], 3)).toEqual(is('higherThanCurrent'));
  });
});

describe('operations without a tag', () => {
  test('count as known when a known record is behind them', async () => {
    const one = new TagLog(undefined, tag(1, 1), undefined, tag(1, 2), tag(1, 3));
    expect(await one.delta([tag(1, 3)])).toEqual(is('equal'));
    expect(await one.delta([tag(1, 2)])).toEqual(from(5));
    expect(await one.delta([tag(1, 1)])).toEqual(is('untagged'));
  });

  test('behind the last known record leave it open', async () => {
    const one = new TagLog(tag(1, 1), tag(1, 2), undefined);
    expect(await one.delta([tag(1, 2)])).toEqual(is('untagged'));
    expect(await one.delta([tag(1, 1)])).toEqual(is('untagged'));
    one.add(tag(1, 2));
    expect(await one.delta([tag(1, 2)])).toEqual(is('equal'));
    one.add(tag(1, 3));
    expect(await one.delta([tag(1, 2)])).toEqual(from(5));
  });

  test('also when they are forgotten', async () => {
    const one = new TagLog(tag(1, 1), undefined, tag(1, 2), tag(1, 3));
    one.notes.forget(2);
    expect(await one.delta([tag(1, 1)])).toEqual(is('untagged'));
    expect(await one.delta([tag(1, 2)])).toEqual(from(4));
    const only = new TagLog(undefined, undefined);
    expect(await only.delta([])).toEqual(is('empty'));
    expect(await only.delta([tag(1, 1)])).toEqual(is('unknownClocks'));
  });
});

describe('a coarse history', () => {
  /** So many ticks of one clock that single records are no longer noted. */
  const long = (count: number) =>
    new TagLog(...Array.from({ length: count }, (_, at) => tag(1, at + 1)));

  test('is made exact by looking into the log', async () => {
    const one = long(5000);
    expect(one.notes.toJSON().changes.length).toBeLessThan(1025);
    for (const tick of [1, 2, 500, 2047, 2048, 4999]) {
      expect(await one.delta([tag(1, tick)])).toEqual(from(tick + 1));
    }
    expect(one.reads).toBeGreaterThan(0);
    expect(await one.delta([tag(1, 5000)])).toEqual(is('equal'));
  });

  test('and says so when the log does not have what the notes promise', async () => {
    const one = long(5000);
    one.tags.fill(tag(1, 1));
    expect(await one.delta([tag(1, 1)])).toEqual(is('notFound'));
  });

  test('forgets only where it can still tell what is lost', () => {
    const one = long(5000);
    for (let upTo = 1; upTo <= 5000; upTo += 1) {
      const forgettable = one.notes.forgettable(upTo);
      expect(forgettable).toBeLessThanOrEqual(upTo);
      expect(upTo - forgettable).toBeLessThan(100);
    }
    const upTo = one.notes.forgettable(2500);
    one.notes.forget(upTo);
    expect(one.notes.toJSON().forgotten).toEqual([tag(1, upTo)]);
    expect(one.notes.forgettable(5000)).toBe(5000);
  });

  test('stays small with more clocks than it has notes', () => {
    const one = new TagLog();
    for (let at = 0; at < 6000; at += 1) one.add(tag(at % 2000, 1 + Math.floor(at / 2000)));
    const { changes } = one.notes.toJSON();
    expect(changes.reduce((sum, { ticks }) => sum + ticks.length, 0)).toBeLessThan(8001);
    expect(one.point()).toHaveLength(2000);
    expect(one.point()[7]).toEqual(tag(7, 3));
  });
});

describe('three stores that write to each other', () => {
  /** The first record at and behind which all that is lacked lies, looked up one by one. */
  function expected(log: TagLog, point: RecoveryPoint): object {
    const known = new Map(point.map(({ peerId, tick }) => [peerId, tick]));
    const first = log.tags.findIndex(
      (each) => each !== undefined && each.tick > (known.get(each.peerId) ?? 0),
    );
    return first === -1 ? is('equal') : from(first + 1);
  }

  test.each([1, 2, 3, 4])('agree on what each lacks, and end up equal (seed %i)', async (seed) => {
    const random = new Random(seed);
    const stores = [new TagLog(), new TagLog(), new TagLog()];
    const ticks = [0, 0, 0];
    const take = (store: TagLog, each: Tag) => {
      if (each === undefined) return;
      const newest = store.point().find(({ peerId }) => peerId === each.peerId)?.tick ?? 0;
      if (each.tick > newest) store.add(each);
    };
    for (let round = 0; round < 80; round += 1) {
      const writer = random.between(0, 2);
      ticks[writer] = (ticks[writer] ?? 0) + 1;
      // Each store is reached or not; the writer itself always is.
      for (const [at, store] of stores.entries()) {
        if (at === writer || random.chance(0.8)) take(store, tag(writer, ticks[writer] ?? 0));
      }
    }
    for (const source of stores) {
      for (const target of stores) {
        const point = target.point();
        const delta = await source.delta(point);
        if (delta.status === 'higherThanCurrent' || delta.status === 'unknownClocks') continue;
        expect(delta).toEqual(expected(source, point));
        if (delta.status !== 'from') continue;
        for (const each of source.tags.slice(delta.opNum - 1)) take(target, each);
        expect(await source.delta(target.point())).toEqual(is('equal'));
      }
    }
  });
});

describe('notes', () => {
  test('come back from JSON as they were, whatever was forgotten before or afterwards', async () => {
    const random = new Random(9);
    for (let round = 0; round < 20; round += 1) {
      const one = new TagLog();
      const declined = new Set<number>();
      for (let opNum = 1; opNum <= 60; opNum += 1) {
        const each = random.chance(0.2) ? undefined : tag(random.between(1, 3), opNum);
        one.tags.push(each);
        if (random.chance(0.4)) declined.add(opNum);
        one.notes.add(opNum, each, declined.has(opNum));
      }
      const early = random.between(0, 60);
      one.notes.forget(early);
      const again = new LogNotebook();
      const late = random.between(early, 60);
      again.open(JSON.parse(JSON.stringify(one.notes)), late);
      one.notes.forget(late);
      expect(again.toJSON()).toEqual(one.notes.toJSON());
      for (let opNum = late + 1; opNum <= 60; opNum += 1) {
        expect(again.isDeclined(opNum)).toBe(declined.has(opNum));
      }
      const newest = new Map<number, number>();
      for (const each of one.tags.slice(0, late)) {
        if (each !== undefined) newest.set(each.peerId, each.tick);
      }
      const ticks = [...newest].map(([peerId, tick]) => tag(peerId, tick));
      expect(again.toJSON().forgotten).toEqual(ticks.sort((a, b) => a.peerId - b.peerId));
      expect(again.toJSON().untagged).toBe(late > 0 && one.tags[late - 1] === undefined);
    }
  });

  test('that nobody stored leave everything open', async () => {
    const notes = new LogNotebook();
    notes.open(unknownNotes(5, [tag(1, 4)]), 3);
    const delta = (tick: number) =>
      resolveWalDelta(checkRecoveryPoint([tag(1, tick)]), {
        history: notes.ticks,
        visible: 5,
        async *tags() {},
      });
    expect(await delta(3)).toEqual(is('cutOff'));
    expect(await delta(4)).toEqual(is('untagged'));
  });

  test.each<[string, object]>([
    ['no list of declined ones', { declined: 3 }],
    ['a declined range that is out of order', { declined: [5, 6, 4, 4] }],
    ['half a declined range', { declined: [5] }],
    ['a clock twice', { forgotten: [tag(1, 1), tag(1, 2)] }],
    ['tick 0', { forgotten: [tag(1, 0)] }],
    ['changes out of order', { changes: [{ first: 2, last: 1, ticks: [], untagged: true }] }],
    ['a change without a place', { changes: [{ ticks: [], untagged: true }] }],
    ['no word on tags', { untagged: undefined }],
  ])('with %s are damaged', (_name, part) => {
    const open = () => new LogNotebook().open({ ...NO_NOTES, ...part }, 0);
    expect(open).toThrowError(expect.objectContaining({ code: 'SLUICE_DAMAGED' }));
  });
});

test.each<[unknown, string]>([
  [undefined, 'TypeError'],
  [{}, 'TypeError'],
  [[1], 'TypeError'],
  [[undefined], 'TypeError'],
  [[{ peerId: 1, clockId: 0 }], 'SLUICE_BAD_OPTION'],
  [[{ peerId: 1, clockId: 0, tick: 0 }], 'SLUICE_BAD_OPTION'],
  [[{ peerId: 1, clockId: 0, tick: 1.5 }], 'SLUICE_BAD_OPTION'],
  [[{ peerId: 1, clockId: 0, tick: 1, token: 1 }], 'SLUICE_BAD_OPTION'],
  [[tag(1, 1), tag(1, 2)], 'SLUICE_BAD_OPTION'],
])('the recovery point %j is refused', (point, expected) => {
  try {
    Reflect.apply(checkRecoveryPoint, undefined, [point]);
    expect.unreachable();
  } catch (error) {
    expect(error instanceof TypeError ? 'TypeError' : Reflect.get(Object(error), 'code')).toBe(
      expected,
    );
  }
});
