import { describe, expect, it } from 'vitest';
import { settle, VirtualClock } from './support/virtual-clock.js';

describe('the virtual clock', () => {
  it('runs timers by time, and those of one time in the order in which they were set', () => {
    const clock = new VirtualClock(1000);
    const ran: string[] = [];
    clock.setTimeout(() => ran.push(`late at ${clock.now()}`), 20);
    clock.setTimeout(() => ran.push(`first at ${clock.now()}`), 10);
    clock.setTimeout(() => ran.push(`second at ${clock.now()}`), 10);
    while (clock.step());
    expect(ran).toEqual(['first at 1010', 'second at 1010', 'late at 1020']);
  });

  it('runs no timer that was cleared', () => {
    const clock = new VirtualClock();
    clock.clearTimeout(clock.setTimeout(() => expect.unreachable(), 5));
    expect(clock.pending).toBe(0);
    expect(clock.step()).toBe(false);
  });

  it('advances through timers that are set on the way, also after a promise', async () => {
    const clock = new VirtualClock();
    const ran: number[] = [];
    const again = () => {
      ran.push(clock.now());
      void Promise.resolve().then(() => clock.setTimeout(again, 10));
    };
    clock.setTimeout(again, 10);
    await clock.advance(35);
    expect(ran).toEqual([10, 20, 30]);
    expect(clock.now()).toBe(35);
    expect(clock.nextMs).toBe(5);
  });

  it('gives a yield its turn only when time goes on', async () => {
    const clock = new VirtualClock();
    let resumed = false;
    void clock.yield().then(() => {
      resumed = true;
    });
    await settle();
    expect(resumed).toBe(false);
    await clock.advance(0);
    expect(resumed).toBe(true);
    expect(clock.now()).toBe(0);
  });
});
