import { SluiceError } from 'sluice';
import { describe, expect, it } from 'vitest';
import { createActor, setup } from 'xstate';
import { effectLogic } from '#sluice/effect-logic.js';
import { Incarnations, type RunningEffect } from '#sluice/services/incarnations.js';

/** A parent that runs an effect until it is told to leave; what it has heard is its context. */
function host(work: (input: number, effect: RunningEffect) => Promise<string> | string) {
  const incarnations = new Incarnations<'worker'>();
  const effect = effectLogic<string, number>(({ input }) =>
    incarnations.run('worker', (running) => work(input, running)),
  );
  const heard: unknown[] = [];
  const machine = setup({
    actors: { effect },
    actions: { hear: (_, params: { what: unknown }) => heard.push(params.what) },
  }).createMachine({
    initial: 'running',
    states: {
      running: {
        invoke: {
          src: 'effect',
          input: 7,
          onDone: {
            target: 'over',
            actions: { type: 'hear', params: ({ event }) => ({ what: event.output }) },
          },
          onError: {
            target: 'over',
            actions: { type: 'hear', params: ({ event }) => ({ what: event.error }) },
          },
        },
        on: { leave: { target: 'over' } },
      },
      over: { on: { again: { target: 'running' } } },
    },
  });
  const actor = createActor(machine).start();
  return { actor, heard, incarnations };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

describe('the logic of an effect', () => {
  it('is done with what the effect comes to', async () => {
    const { actor, heard } = host(async (input) => `got ${input}`);
    await turn();
    expect([heard, actor.getSnapshot().value]).toEqual([['got 7'], 'over']);
  });

  it('is in error with what the effect throws, at once or later', async () => {
    const failure = new SluiceError('SLUICE_THREAD', 'broken');
    const atOnce = host(() => {
      throw failure;
    });
    const later = host(async () => {
      await turn();
      throw failure;
    });
    await turn();
    await turn();
    expect([atOnce.heard, later.heard]).toEqual([[failure], [failure]]);
  });

  it('aborts the effect of a state that is left, and nobody hears how that ends', async () => {
    const reasons: string[] = [];
    const { actor, heard, incarnations } = host(
      (_, effect) =>
        new Promise((resolve) => {
          effect.whenAborted(({ code, message }) => {
            reasons.push(`${code} ${message}`);
            resolve('late');
          });
        }),
    );
    actor.send({ type: 'leave' });
    expect(reasons).toEqual([expect.stringMatching(/^SLUICE_CANCELLED .* was stopped$/)]);
    await incarnations.settled('worker');
    actor.send({ type: 'again' });
    await turn();
    expect([heard, actor.getSnapshot().value]).toEqual([[], 'running']);
  });

  it('keeps to itself how an effect fails that was stopped', async () => {
    const unhandled: unknown[] = [];
    const listen = (reason: unknown) => unhandled.push(reason);
    process.on('unhandledRejection', listen);
    const { actor, heard } = host(
      (_, effect) => new Promise((_resolve, reject) => effect.whenAborted(reject)),
    );
    actor.send({ type: 'leave' });
    await turn();
    await turn();
    process.off('unhandledRejection', listen);
    expect([heard, unhandled, actor.getSnapshot().status]).toEqual([[], [], 'active']);
  });

  it('is aborted when its state is left right after it has begun', async () => {
    const told: boolean[] = [];
    const { actor, heard } = host((_, effect) => {
      queueMicrotask(() => actor.send({ type: 'leave' }));
      effect.whenAborted(() => told.push(effect.aborted));
      return new Promise(() => {});
    });
    await turn();
    expect([told, heard, actor.getSnapshot().value]).toEqual([[true], [], 'over']);
  });
});
