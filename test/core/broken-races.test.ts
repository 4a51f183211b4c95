// What happens at once when the storage breaks, or a call hangs: found by walks of the whole system.
import { createUpdateHandler, memoryWal, type SegmentInfo } from 'sluice';
import { type Journal, type PortGates, recordPorts, type Site } from 'sluice/testing';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { Hooks } from './support/hooks.js';
import { SteppedClock, settle } from './support/stepped-clock.js';
import { TinyOptimizer } from './support/tiny-optimizer.js';
import { errorOf, TinyDisk, type TinyOperation, TinySegments } from './support/tiny-segments.js';

async function openGated() {
  const segments = new TinySegments(new TinyDisk(), new Hooks());
  const optimizers = [new TinyOptimizer(segments)];
  const deathCounter = { read: async () => 0, write: async () => {} };
  const adapters = { wal: memoryWal(), segments, optimizers, deathCounter };
  const { ports, gates, journal } = recordPorts<TinyOperation, SegmentInfo>(adapters);
  const clock = new SteppedClock();
  const handler = createUpdateHandler({ ...ports, clock });
  onTestFinished(async () => {
    gates.release();
    // Where a call hung over a limit, the stop has said so.
    await codeOf(clock.run(handler.stop()));
  });
  await clock.run(handler.ready());
  return { handler, gates, journal, clock };
}

const put = (key: string) => ({ put: [key, 1] as [string, number] });

function hold(gates: PortGates, ...sites: Site[]): void {
  gates.decide = ({ site }) => (sites.includes(site) ? 'hold' : 'pass');
}

function open(gates: PortGates, site: Site, error?: unknown): void {
  gates.waiting.find(({ call }) => call.site === site)?.open(error === undefined ? {} : { error });
}

const silent = () => {};
const silentObserver = { onOperation: silent, onAnswer: silent, onOptimization: silent };

const codeOf = (promise: Promise<unknown>) =>
  promise.then(
    () => 'answered',
    (error: { code?: string }) => error.code,
  );

const deathsWritten = (journal: Journal) =>
  journal.events
    .flatMap((event) =>
      event.type === 'begun' && event.site === 'deaths.write' ? [event.given] : [],
    )
    .map((given) => ('count' in given ? given.count : undefined));

describe('when the storage breaks', () => {
  it('a plunger does not overtake the operation that is being written', async () => {
    const { handler, gates, clock } = await openGated();
    await clock.advance(100);
    hold(gates, 'wal.append', 'wal.sync');
    void codeOf(handler.submit(put('a')));
    await settle();
    const plunged = codeOf(handler.plunge());
    const flushed = codeOf(handler.flush());
    await settle();
    open(gates, 'wal.sync', errorOf('sticky'));
    expect(await plunged).toBe('SLUICE_BROKEN');
    expect(await flushed).toBe('SLUICE_IO');
  });

  it('it breaks also when a capture that is given back throws', async () => {
    const { handler, gates } = await openGated();
    hold(gates, 'capture.commit');
    const written = handler.submit(put('a'));
    await settle();
    await written;
    const flushed = codeOf(handler.flush());
    await settle();
    gates.fail('capture.release', { error: new Error('not given back'), worked: true });
    open(gates, 'capture.commit', errorOf('sticky'));
    await flushed;
    await settle();
    expect(handler.state).toBe('broken');
  });

  it('a picture that is being committed is given back when that has ended', async () => {
    const { handler, gates, journal } = await openGated();
    hold(gates, 'capture.commit', 'wal.append');
    const first = handler.submit(put('a'));
    await settle();
    open(gates, 'wal.append');
    await first;
    const flushed = codeOf(handler.flush());
    const second = codeOf(handler.submit(put('b')));
    await settle();
    open(gates, 'wal.append', errorOf('sticky'));
    expect([await second, await flushed]).toEqual(['SLUICE_IO', 'SLUICE_BROKEN']);
    const released = () =>
      journal.events.filter((event) => 'site' in event && event.site === 'capture.release').length;
    expect(released()).toBe(0);
    open(gates, 'capture.commit');
    await settle();
    expect(released()).toBe(1);
  });

  it('a round that ends well afterwards is neither counted nor told', async () => {
    const { handler, gates } = await openGated();
    hold(gates, 'run.index', 'wal.acknowledge');
    for (const key of ['a', 'b', 'c', 'd', 'e']) await handler.submit(put(key));
    handler.trigger();
    await settle(20);
    const { rounds } = handler.telemetry().flush;
    const flushed = codeOf(handler.flush());
    await settle(20);
    const onFlush = vi.fn(() => {
      throw new Error('an observer that fails');
    });
    handler.observe({ ...silentObserver, onFlush });
    open(gates, 'run.index', errorOf('sticky'));
    expect(await flushed).toBe('SLUICE_BROKEN');
    open(gates, 'wal.acknowledge');
    await settle(20);
    expect(handler.state).toBe('broken');
    expect(handler.telemetry().flush.rounds).toBe(rounds);
    expect(onFlush).not.toHaveBeenCalled();
  });

  it('it breaks at once, also when an observer fails that is told of the round', async () => {
    const { handler, gates } = await openGated();
    await handler.submit(put('a'));
    hold(gates, 'capture.commit');
    const flushed = codeOf(handler.flush());
    await settle(20);
    const onFlush = () => {
      throw new Error('an observer that fails');
    };
    handler.observe({ ...silentObserver, onFlush });
    open(gates, 'capture.commit', errorOf('sticky'));
    await settle(20);
    expect(handler.state).toBe('broken');
    expect(await flushed).toBe('SLUICE_BROKEN');
  });

  it('blocks of an optimization that broke it are left to the next opening', async () => {
    const { handler, gates, journal } = await openGated();
    hold(gates, 'run.index');
    for (const key of ['a', 'b', 'c', 'd', 'e']) await handler.submit(put(key));
    handler.trigger();
    await settle(20);
    open(gates, 'run.index', errorOf('sticky'));
    await settle(20);
    expect(handler.state).toBe('broken');
    const ends = journal.events.flatMap((event) =>
      'site' in event && /^run\.(rollback|discard)/.test(event.site) ? [event.site] : [],
    );
    expect(ends).toEqual(['run.rollback']);
  });

  it('by an optimization that is being cancelled, it is not written any more', async () => {
    const { handler, gates, journal, clock } = await openGated();
    gates.decide = ({ site }) => (site === 'run.catchUp' ? 'deaf' : 'pass');
    for (const key of ['a', 'b', 'c', 'd', 'e']) await handler.submit(put(key));
    handler.trigger();
    await settle(20);
    const reconfigured = codeOf(handler.reconfigure({ flushIntervalMs: 9000 }));
    await settle(20);
    open(gates, 'run.catchUp', errorOf('sticky'));
    await settle(20);
    expect(handler.state).toBe('broken');
    expect(await reconfigured).toBe('SLUICE_BROKEN');
    expect(deathsWritten(journal)).toEqual([1]);
    gates.release();
    await clock.run(handler.reopen());
  });

  it('the end of an optimization whose blocks could not be deleted is not noted any more', async () => {
    const { handler, gates, journal } = await openGated();
    hold(gates, 'run.copy', 'run.discard');
    for (const key of ['a', 'b', 'c', 'd', 'e']) await handler.submit(put(key));
    handler.trigger();
    await settle(20);
    open(gates, 'run.copy', errorOf('transient'));
    await settle(20);
    open(gates, 'run.discard', errorOf('sticky'));
    await settle(20);
    expect(handler.state).toBe('broken');
    expect(deathsWritten(journal)).toEqual([1]);
  });

  it('the status says by what, also where nobody else has anything to say: the count of deaths', async () => {
    const { handler, gates, clock } = await openGated();
    hold(gates, 'deaths.write');
    for (const key of ['a', 'b', 'c', 'd', 'e']) await handler.submit(put(key));
    handler.trigger();
    await settle(20);
    open(gates, 'deaths.write');
    await settle(20);
    // The run has succeeded: its mark is to be taken back.
    open(gates, 'deaths.write', errorOf('sticky', 'no space'));
    await settle(20);
    const standing = () => handler.status().errors.filter(({ recoveredAt }) => !recoveredAt);
    expect(handler.state).toBe('broken');
    expect(standing()).toMatchObject([{ what: 'storage', message: 'no space', times: 1 }]);
    gates.release();
    await clock.run(handler.reopen());
    expect(standing()).toEqual([]);
  });
});

describe('when a call hangs', () => {
  it('an optimization is rolled back once, however long its blocks take to be deleted', async () => {
    const { handler, gates, journal, clock } = await openGated();
    hold(gates, 'run.copy', 'run.discard');
    for (const key of ['a', 'b', 'c', 'd', 'e']) await handler.submit(put(key));
    handler.trigger();
    await settle(20);
    const stopped = codeOf(clock.run(handler.stop()));
    await stopped;
    const rollbacks = journal.events.filter(
      (event) => 'site' in event && event.site === 'run.rollback',
    );
    expect(rollbacks).toHaveLength(1);
  });

  it('whoever waits for an append that hangs is answered at the latest by the stop', async () => {
    const { handler, gates, clock } = await openGated();
    hold(gates, 'wal.append');
    const hanging = codeOf(handler.submit(put('a')));
    await settle();
    await codeOf(clock.run(handler.stop()));
    expect(await hanging).toBe('SLUICE_STOPPED');
  });

  it.each(['can', 'cannot'])(
    'a commit that breaks the storage after its stage of the stop is heard, if its picture %s be given back: nothing is written',
    async (how) => {
      const { handler, gates, journal, clock } = await openGated();
      const hanging: Site[] = ['capture.commit', 'run.copy', 'run.discard'];
      gates.decide = ({ site }) => (hanging.includes(site) ? 'deaf' : 'pass');
      for (const key of ['a', 'b', 'c', 'd', 'e']) await handler.submit(put(key));
      handler.trigger();
      await settle(20);
      expect(gates.waiting.map(({ call }) => call.site)).toEqual(['run.copy']);
      const stopped = codeOf(handler.stop());
      await clock.until(() => handler.state === 'closing');
      if (how === 'cannot') gates.fail('capture.release', { error: new Error('no'), worked: true });
      open(gates, 'capture.commit', errorOf('sticky'));
      await settle();
      open(gates, 'run.discard');
      await clock.run(stopped);
      expect(handler.state).toBe('stopped');
      // The count from before the run stays as it is.
      expect(deathsWritten(journal)).toEqual([1]);
    },
  );
});
