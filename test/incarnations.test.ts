import { SluiceError } from 'sluice';
import { describe, expect, it } from 'vitest';
import { Incarnations } from '#sluice/services/incarnations.js';

/** An effect that goes on until it is told to end. */
function begin(incarnations: Incarnations<'worker' | 'other'>) {
  let end: () => void = () => {};
  const effect = incarnations.run(
    'worker',
    () =>
      new Promise<void>((resolve) => {
        end = resolve;
      }),
  );
  return { effect, end: () => end() };
}

const enough = new SluiceError('SLUICE_CANCELLED', 'enough');

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

  it('is aborted by itself, for the first reason', () => {
    const incarnations = new Incarnations<'worker' | 'other'>();
    const { effect } = begin(incarnations);
    const heard: unknown[] = [];
    effect.whenAborted((reason) => heard.push(reason));
    const { signal } = effect;
    effect.abort(enough);
    incarnations.abort('worker', 'it has crashed, too');
    expect([signal.aborted, signal.reason, heard]).toEqual([true, enough, [enough]]);
  });

  it('finds that it was aborted before it asked', () => {
    const incarnations = new Incarnations<'worker' | 'other'>();
    const { effect } = begin(incarnations);
    incarnations.abort('worker', 'it has crashed');
    const heard: string[] = [];
    effect.whenAborted(({ message }) => heard.push(message));
    expect(effect.aborted).toBe(true);
    expect(effect.signal.reason).toMatchObject({ message: 'it has crashed' });
    expect(heard).toEqual(['it has crashed']);
  });

  it('fails when it fails at once', async () => {
    const incarnations = new Incarnations<'worker' | 'other'>();
    const effect = incarnations.run('worker', () => {
      throw enough;
    });
    await expect(effect.settled).rejects.toBe(enough);
    await incarnations.settled('worker');
  });

  it('hears nothing any more when it has settled, and then nobody waits for it', async () => {
    const incarnations = new Incarnations<'worker' | 'other'>();
    const { effect, end } = begin(incarnations);
    const silent = begin(incarnations);
    const { signal } = effect;
    silent.end();
    await silent.effect.settled;
    let isOver = false;
    const waiting = incarnations.settled('worker').then(() => {
      isOver = true;
    });
    await Promise.resolve();
    expect(isOver).toBe(false);
    end();
    await effect.settled;
    await waiting;
    silent.effect.abort(enough);
    incarnations.abort('worker', 'too late');
    expect([silent.effect.signal.aborted, signal.aborted]).toEqual([false, false]);
  });
});
