import { describe, expect, it } from 'vitest';
import { Incarnations, type RunningEffect } from '#sluice/services/incarnations.js';

/** An effect that goes on until it is told to end. */
function begin(incarnations: Incarnations<'worker' | 'other'>, outer = new AbortController()) {
  let end: () => void = () => {};
  let begun: RunningEffect | undefined;
  const settled = incarnations.run('worker', outer.signal, async (effect) => {
    begun = effect;
    await new Promise<void>((resolve) => {
      end = resolve;
    });
  });
  if (begun === undefined) throw new Error('the effect has not begun');
  return { effect: begun, outer, end: () => end(), settled };
}

describe('an effect of a worker', () => {
  it('is aborted with its worker, and not with another one', () => {
    const incarnations = new Incarnations<'worker' | 'other'>();
    const { effect } = begin(incarnations);
    const { signal } = effect;
    incarnations.abort('other', 'the other one has crashed');
    expect(signal.aborted).toBe(false);
    incarnations.abort('worker', 'it has crashed');
    expect(signal.aborted).toBe(true);
    expect(signal.reason).toMatchObject({ code: 'SLUICE_CANCELLED', message: 'it has crashed' });
  });

  it('is aborted by the signal that it was given, for the same reason', () => {
    const { effect, outer } = begin(new Incarnations());
    const { signal } = effect;
    outer.abort('enough');
    expect([signal.aborted, signal.reason]).toEqual([true, 'enough']);
  });

  it('finds that it was aborted before it asked', () => {
    const incarnations = new Incarnations<'worker' | 'other'>();
    const byWorker = begin(incarnations);
    incarnations.abort('worker', 'it has crashed');
    expect(byWorker.effect.aborted).toBe(true);
    expect(byWorker.effect.signal.reason).toMatchObject({ message: 'it has crashed' });

    const byOuter = begin(incarnations);
    byOuter.outer.abort('enough');
    expect(byOuter.effect.aborted).toBe(true);
    incarnations.abort('worker', 'it has crashed, too');
    expect(byOuter.effect.signal.reason).toBe('enough');
  });

  it('hears nothing any more when it has settled, and then nobody waits for it', async () => {
    const incarnations = new Incarnations<'worker' | 'other'>();
    const { effect, outer, end, settled } = begin(incarnations);
    const silent = begin(incarnations);
    const { signal } = effect;
    silent.end();
    await silent.settled;
    let isOver = false;
    const waiting = incarnations.settled('worker').then(() => {
      isOver = true;
    });
    await Promise.resolve();
    expect(isOver).toBe(false);
    end();
    await settled;
    await waiting;
    const { signal: askedLate } = silent.effect;
    silent.outer.abort('too late');
    expect(askedLate.aborted).toBe(false);
    outer.abort('too late');
    incarnations.abort('worker', 'too late');
    expect(signal.aborted).toBe(false);
  });
});
