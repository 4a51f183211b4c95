import type { AnyActorRef, PromiseActorLogic } from 'xstate';
import { assert, SluiceError } from './errors.js';
import type { RunningEffect } from './services/incarnations.js';

// The names that XState has for these: who watches a system knows them, and leaves them out.
const RESOLVED = 'xstate.promise.resolve';
const REJECTED = 'xstate.promise.reject';
/** What XState sends to an actor that it stops. */
const STOPPED = 'xstate.stop';

/** What an effect is begun with. */
export interface EffectScope<Input> {
  input: Input;
  system: AnyActorRef['system'];
}

/**
 * Logic of an actor that runs one effect: done with its output, in error with its reason; when it
 * is stopped, the effect is aborted and nobody hears how it ended. XState's `fromPromise` does the
 * same, but makes an AbortController for each effect, which costs more than all else about it; this
 * one leaves that to the effects that ask for their signal. An inspector sees no source of the end.
 */
export function effectLogic<Output, Input>(
  begin: (scope: EffectScope<Input>) => RunningEffect<Output>,
): PromiseActorLogic<Output, Input> {
  const running = new WeakMap<AnyActorRef, RunningEffect<Output>>();
  return {
    transition(snapshot, event, { self }) {
      if (snapshot.status !== 'active') return snapshot;
      const { type } = event;
      if (type === RESOLVED) {
        return { status: 'done', output: event.data as Output, error: undefined, input: undefined };
      }
      if (type === REJECTED) {
        return { status: 'error', output: undefined, error: event.data, input: undefined };
      }
      if (type !== STOPPED) return snapshot;
      running.get(self)?.abort(new SluiceError('SLUICE_CANCELLED', `${self.id} was stopped`));
      return { status: 'stopped', output: undefined, error: undefined, input: undefined };
    },
    start({ status, input }, { self, system }) {
      if (status !== 'active') return;
      const effect = begin({ input: input as Input, system });
      running.set(self, effect);
      const end = (type: string, data: unknown) => {
        if (self.getSnapshot().status === 'active') self.send({ type, data });
      };
      assert(effect.settled !== undefined, 'the effect has begun');
      effect.settled.then(
        (output) => end(RESOLVED, output),
        (error) => end(REJECTED, error),
      );
    },
    getInitialSnapshot: (_, input) => ({
      status: 'active',
      output: undefined,
      error: undefined,
      input,
    }),
    getPersistedSnapshot: (snapshot) => snapshot,
  };
}
