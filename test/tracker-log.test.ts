import { describe, expect, test } from 'vitest';
import { KEEP_LAST_TRACKERS, TrackerLog } from '#sluice/services/tracker-log.js';

function logWithClock() {
  let time = 1000;
  const log = new TrackerLog({ now: () => time });
  return {
    log,
    pass: (ms: number) => {
      time += ms;
    },
  };
}

describe('TrackerLog', () => {
  test('shows a run from its start to its end', () => {
    const { log, pass } = logWithClock();
    const tracker = log.register('merge', [1, 2, 3], 30);
    expect(log.list()).toEqual([
      {
        optimizer: 'merge',
        segmentIds: [1, 2, 3],
        startedAt: 1000,
        status: { state: 'optimizing' },
        phase: 'copying',
        progress: { copied: 0, indexed: 0, total: 30 },
      },
    ]);
    pass(5);
    tracker.progress({ copied: 30, indexed: 12, total: 30 });
    tracker.done();
    const [ended] = log.list();
    expect(ended).toMatchObject({ endedAt: 1005, status: { state: 'done' } });
    expect(ended?.progress).toEqual({ copied: 30, indexed: 12, total: 30 });
  });

  test('tells why a run was cancelled or failed, newest run first', () => {
    const { log } = logWithClock();
    log.register('merge', [1]).cancelled('configuration changed');
    log.register('vacuum', [2]).failed('disk full');
    expect(log.list().map(({ optimizer, status }) => [optimizer, status])).toEqual([
      ['vacuum', { state: 'error', error: 'disk full' }],
      ['merge', { state: 'cancelled', why: 'configuration changed' }],
    ]);
  });

  test('a run ends once', () => {
    const tracker = logWithClock().log.register('merge', [1]);
    tracker.done();
    expect(() => tracker.failed('late')).toThrowError(/ends once/);
  });

  test('readers get copies', () => {
    const { log } = logWithClock();
    const ids = [1, 2];
    log.register('merge', ids);
    ids.push(3);
    for (const tracker of log.list()) tracker.optimizer = 'changed';
    expect(log.list()).toMatchObject([{ optimizer: 'merge', segmentIds: [1, 2] }]);
  });

  test('keeps the last 16, and older ones that run or failed', () => {
    const { log } = logWithClock();
    log.register('running', [0]);
    log.register('failed', [1]).failed('broken');
    log.register('cancelled', [2]).cancelled('why not');
    for (let id = 3; id < 40; id += 1) log.register('done', [id]).done();
    const kept = log.list().map(({ segmentIds }) => segmentIds[0]);
    const last = Array.from({ length: KEEP_LAST_TRACKERS }, (_, index) => 39 - index);
    expect(kept).toEqual([...last, 1, 0]);
  });

  test('a finished run stays until the next one begins', () => {
    const { log } = logWithClock();
    const first = log.register('slow', [0]);
    for (let id = 1; id <= KEEP_LAST_TRACKERS; id += 1) log.register('done', [id]).done();
    first.done();
    expect(log.list()).toHaveLength(KEEP_LAST_TRACKERS + 1);
    log.register('next', [99]);
    expect(log.list()).toHaveLength(KEEP_LAST_TRACKERS);
  });

  test('errors without end do not grow the log without end', () => {
    const { log } = logWithClock();
    for (let id = 0; id < 1000; id += 1) log.register('merge', [id]).failed('again');
    for (let id = 0; id < 20; id += 1) log.register('merge', [id]).done();
    expect(log.list()).toHaveLength(2 * KEEP_LAST_TRACKERS);
    expect(log.list().at(-1)?.segmentIds).toEqual([1000 - KEEP_LAST_TRACKERS]);
  });
});
