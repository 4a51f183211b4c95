import { createUpdateHandler, memoryWal, type SegmentInfo, SluiceError } from 'sluice';
import { eventLine, type JournalEvent, PortGates, recordPorts } from 'sluice/testing';
import { describe, expect, it, onTestFinished } from 'vitest';
import { Hooks } from '../core/support/hooks.js';
import { SteppedClock, settle } from '../core/support/stepped-clock.js';
import { TinyOptimizer } from '../core/support/tiny-optimizer.js';
import { TinyDisk, type TinyOperation, TinySegments } from '../core/support/tiny-segments.js';

/** A store of numbers on the core, with a journal and gates before its adapters. */
async function openRecorded() {
  const segments = new TinySegments(new TinyDisk(), new Hooks());
  const recorded = recordPorts<TinyOperation, SegmentInfo>({
    wal: memoryWal(),
    segments,
    optimizers: [new TinyOptimizer(segments)],
  });
  let isDropped = false;
  const drop = () => {
    isDropped = true;
    recorded.drop();
  };
  const clock = new SteppedClock();
  const handler = createUpdateHandler({ ...recorded.ports, clock });
  onTestFinished(async () => {
    recorded.gates.release();
    if (!isDropped) await clock.run(handler.stop());
  });
  await clock.run(handler.ready());
  return { ...recorded, clock, drop, handler, content: () => segments.content };
}

const sitesOf = (events: readonly JournalEvent[]) =>
  events.flatMap((event) => ('site' in event ? [`${event.site} ${event.type}`] : []));

const put = (key: string, value: number) => ({ put: [key, value] as [string, number] });

describe('recorded ports', () => {
  it('write calls down in their order, with what they were given and gave', async () => {
    const { handler, journal } = await openRecorded();
    const before = journal.length;
    await handler.submit(put('a', 1));
    await handler.flush();
    const events = journal.events.slice(before);
    expect(sitesOf(events).filter((site) => !site.startsWith('segments.ensureCapacity'))).toEqual([
      'wal.append begun',
      'wal.append ended',
      'segments.apply ended',
      'segments.capture ended',
      'wal.sync begun',
      'wal.sync ended',
      'capture.writeBlocks begun',
      'capture.writeBlocks ended',
      'capture.commit begun',
      'capture.commit ended',
      'wal.acknowledge begun',
      'wal.acknowledge ended',
      'capture.release ended',
    ]);
    const commit = events.find((event) => 'site' in event && event.site === 'capture.commit');
    expect(commit).toMatchObject({ given: { applied: 1, capture: 1 } });
    expect(journal.tail(1)).toHaveLength(1);
    expect(commit === undefined ? '' : eventLine(commit)).toMatch(/^#\d+ capture\.commit begun/);
  });

  it('hold a call until its gate is opened', async () => {
    const { handler, gates } = await openRecorded();
    gates.decide = ({ site }) => (site === 'wal.append' ? 'hold' : 'pass');
    let answered = false;
    const submitted = handler.submit(put('a', 1)).then(() => {
      answered = true;
    });
    await settle();
    expect(gates.waiting.map(({ call }) => call.site)).toEqual(['wal.append']);
    expect(answered).toBe(false);
    gates.waiting[0]?.open();
    await submitted;
    expect(gates.atWork).toBe(0);
  });

  it('fail a held call before its work, or after it', async () => {
    const { clock, handler, gates, journal, content } = await openRecorded();
    gates.decide = ({ site }) => (site === 'wal.append' ? 'hold' : 'pass');
    const failed = expect(handler.submit(put('a', 1))).rejects.toThrow('no luck');
    await settle();
    gates.waiting[0]?.open({ error: new Error('no luck') });
    await failed;
    expect(handler.state).toBe('running');
    const broken = expect(handler.submit(put('a', 2))).rejects.toMatchObject({ code: 'SLUICE_IO' });
    await settle();
    gates.waiting[0]?.open({ error: new SluiceError('SLUICE_IO', 'a bad disk'), worked: true });
    await broken;
    const failures = journal.events.filter((event) => event.type === 'failed');
    expect(failures.map(({ worked }) => worked)).toEqual([false, true]);
    gates.release();
    await clock.run(handler.reopen());
    // The first was never written; the second was, although its caller was told otherwise.
    expect(content()).toEqual({ a: 2 });
  });

  it('fail a synchronous call as often as it was scripted', async () => {
    const { handler, gates } = await openRecorded();
    gates.fail('segments.apply', { error: new Error('refused') }, 2);
    await expect(handler.submit(put('a', 1))).rejects.toThrow('refused');
    await expect(handler.submit(put('a', 2))).rejects.toThrow('refused');
    await handler.submit(put('a', 3));
    expect(handler.telemetry().operations).toMatchObject({ declined: 2, applied: 1 });
  });

  it('give a held phase of an optimization up when its signal fires, unless it is deaf', async () => {
    const { handler, gates, journal } = await openRecorded();
    gates.decide = ({ site }) => (site === 'run.copy' ? 'hold' : 'pass');
    for (const key of ['a', 'b', 'c', 'd', 'e']) await handler.submit(put(key, 1));
    handler.trigger();
    await settle(20);
    expect(gates.waiting.map(({ call }) => call.site)).toEqual(['run.copy']);
    await handler.reconfigure({ maxOptimizationThreads: 1 });
    const copy = journal.events.filter((event) => 'site' in event && event.site === 'run.copy');
    expect(copy.map(({ type }) => type).slice(0, 2)).toEqual(['begun', 'failed']);
    expect(copy[1]).toMatchObject({ error: { code: 'SLUICE_CANCELLED' }, worked: false });

    gates.decide = ({ site }) => (site === 'run.copy' ? 'deaf' : 'pass');
    for (const held of gates.waiting) held.open({ error: new Error('once more') });
    handler.trigger();
    await settle(20);
    const reconfigured = handler.reconfigure({ maxOptimizationThreads: 2 });
    await settle(20);
    expect(gates.waiting.map(({ aborted, deaf }) => [aborted, deaf])).toEqual([[true, true]]);
    for (const held of gates.waiting) held.open();
    await reconfigured;
  });

  it('do their work one after the other, in the order of passing, when told so', async () => {
    const gates = new PortGates();
    gates.oneAtATime = true;
    const done: string[] = [];
    const job = (name: string, turns: number) => async () => {
      await settle(turns);
      done.push(name);
      if (turns > 1) throw new Error(name);
    };
    const slow = expect(gates.work(job('slow', 5))).rejects.toThrow('slow');
    const fast = gates.work(job('fast', 1));
    await Promise.all([slow, fast, gates.idle()]);
    expect([done, gates.atWork]).toEqual([['slow', 'fast'], 0]);
  });

  it('let nothing through any more once they are dropped', async () => {
    const { handler, gates, journal, content, drop } = await openRecorded();
    gates.decide = ({ site }) => (site === 'wal.append' ? 'hold' : 'pass');
    let answered = false;
    const tell = () => {
      answered = true;
    };
    handler.submit(put('a', 1)).then(tell, tell);
    await settle();
    drop();
    const length = journal.length;
    gates.release();
    await settle();
    expect([answered, journal.length, content()]).toEqual([false, length, {}]);
  });
});
